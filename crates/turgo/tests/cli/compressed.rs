//! Compressed files from one end of the program to the other.

use std::fs;

use crate::{Place, sorted};

/// Tables `o` and `p` in files of any format and compression.
fn table(name: &str, path: &str) -> String {
    format!(
        "CREATE TABLE {name} (k VARCHAR, v BIGINT, ts TIMESTAMP(3)) \
         WITH ('connector' = 'filesystem', 'path' = '{path}', 'write-mode' = 'append');"
    )
}

#[test]
fn what_is_written_compressed_is_read_again() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(10_000));
    let count = "SELECT count(*) AS n, sum(v) AS v, min(ts) AS t";
    let plain = place.sql(&format!("{count} FROM ev"));
    for extension in ["json", "json.gz", "json.zst", "csv", "csv.gz", "csv.zst"] {
        let path = format!("o.{extension}");
        for workers in ["1", "3"] {
            let sql = format!("{} INSERT INTO o SELECT k, v, ts FROM ev", table("o", &path));
            place.turgo(&["run", "ev.sql", "-w", workers, "-c", &sql]).rows();
            let read = format!("{count} FROM '{path}'");
            let read = place.turgo(&["run", "-c", &read, "-f", "csv", "-w", workers]);
            assert_eq!(read.rows(), plain.rows(), "{path}");
            fs::rename(place.path().join(&path), place.path().join("first")).unwrap();
        }
        // Appending doubles the rows.
        fs::rename(place.path().join("first"), place.path().join(&path)).unwrap();
        let sql = format!("{} INSERT INTO o SELECT k, v, ts FROM ev", table("o", &path));
        place.turgo(&["run", "ev.sql", "-c", &sql]).rows();
        let twice = place.turgo(&["run", "-c", &format!("SELECT count(*) AS n FROM '{path}'")]);
        assert!(twice.rows().contains("80000"), "{path}: {}", twice.out);
    }
    let plain = fs::metadata(place.path().join("o.json")).unwrap().len();
    for packed in ["o.json.gz", "o.json.zst"] {
        assert!(fs::metadata(place.path().join(packed)).unwrap().len() < plain / 8, "{packed}");
    }
}

#[test]
fn changes_are_compressed_in_order() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(3_000));
    let sql = "CREATE TABLE o (k VARCHAR, n BIGINT) WITH ('connector' = 'filesystem',
            'path' = 'o.csv.gz', 'changelog' = 'true');
        INSERT INTO o SELECT k, count(*) AS n FROM ev GROUP BY k EMIT CHANGES";
    place.sql(sql).rows();
    let read = place.turgo(&["run", "-c", "SELECT * FROM 'o.csv.gz'", "-f", "csv", "-w", "1"]);
    let rows: Vec<&str> = read.rows().lines().skip(1).filter(|row| row.contains(",a,")).collect();
    let counts: Vec<u64> = (rows.iter().filter(|row| !row.starts_with("-")))
        .map(|row| row.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(counts, (1..=6_000).collect::<Vec<_>>());
}

#[test]
fn a_directory_may_hold_both() {
    let place = Place::new();
    fs::create_dir(place.path().join("logs")).unwrap();
    for name in ["logs/a.json", "logs/b.json.gz", "logs/c.ndjson.zst"] {
        let sql = format!("{} INSERT INTO o SELECT k, v, ts FROM ev", table("o", name));
        place.sql(&sql).rows();
    }
    for path in ["logs", "logs/", "logs/*"] {
        let sql = format!("SELECT k, count(*) AS n FROM '{path}' GROUP BY k");
        let ended = place.turgo(&["run", "-c", &sql, "-f", "csv"]);
        assert_eq!(sorted(ended.rows()), [",3", "a,6", "b,3"], "{path}");
    }
    let sql = format!(
        "{} INSERT INTO o SELECT k, v, ts FROM ev",
        table("o", "logs")
            .replace("'write-mode' = 'append'", "'format' = 'json', 'compression' = 'zstd'")
    );
    place.sql(&sql).rows();
    let names = ["a.json", "b.json.gz", "c.ndjson.zst", "part-00000.json.zst"];
    assert_eq!(place.names("logs"), names);
}

#[test]
fn a_bad_row_and_a_broken_file_are_named() {
    let place = Place::new();
    let sql = format!("{} INSERT INTO o SELECT k, v, ts FROM ev", table("o", "o.json.gz"));
    place.sql(&sql).rows();
    let declared =
        "CREATE TABLE p (k BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o.json.gz');";
    place
        .sql(&format!("{declared} SELECT k FROM p"))
        .fails(1, &["o.json.gz:1: column `k`: \"a\" is not a BIGINT"]);
    let whole = fs::read(place.path().join("o.json.gz")).unwrap();
    place.write("cut.json.gz", &whole[..whole.len() - 9]);
    place.write("text.json.gz", crate::EVENTS);
    for (name, said) in [
        ("cut.json.gz", "cannot read cut.json.gz: it ends within its gzip data"),
        ("text.json.gz", "cannot read text.json.gz: it is not a gzip file"),
    ] {
        place.sql(&format!("SELECT count(*) FROM '{name}'")).fails(1, &[said]);
        let declared = table("p", name);
        place.sql(&format!("{declared} SELECT k FROM p")).fails(1, &[said]);
    }
}

#[test]
fn progress_counts_bytes_of_the_file() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(20_000));
    let sql = format!("{} INSERT INTO o SELECT k, v, ts FROM ev", table("o", "o.json.zst"));
    place.sql(&sql).rows();
    let size = fs::metadata(place.path().join("o.json.zst")).unwrap().len();
    let args = ["run", "-c", "SELECT count(*) FROM 'o.json.zst'", "--stats", "stats.json"];
    place.turgo(&args).rows();
    let stats: serde_json::Value = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert_eq!(stats["queries"][0]["sources"][0]["bytes_in"], size);
    assert_eq!(stats["queries"][0]["rows_in"], 80_000);
}
