//! Parquet from one end of the program to the other: the same answers and accounts as NDJSON.

use crate::Place;

/// Events in 300,000 rows and three row groups, over 3,000 s; one of 32 comes late, and `n` only rises.
fn script(path: &str) -> String {
    format!(
        "CREATE TABLE o (n BIGINT, k VARCHAR, ts TIMESTAMP(3), \
         WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) \
         WITH ('connector' = 'filesystem', 'path' = '{path}');"
    )
}

/// The events in both formats.
fn place() -> Place {
    let place = Place::new();
    let rows = "CREATE TABLE made (i BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '300000', \
                'fields.i.kind' = 'sequence');";
    let row = "INSERT INTO o SELECT i, 'k' || (i % 7), \
               to_timestamp_millis(i * 10 - CASE WHEN i % 32 = 0 THEN 20000 ELSE 0 END)::TIMESTAMP(3) \
               FROM made;";
    for path in ["o.ndjson", "o.parquet"] {
        let sql = format!("{rows}{}{row}", script(path));
        place.turgo(&["run", "-c", &sql, "-w", "1"]).rows();
    }
    place
}

/// What a query says and counts.
fn asked(place: &Place, path: &str, query: &str, workers: &str) -> (String, serde_json::Value) {
    let sql = format!("{}{query}", script(path));
    let options = ["-w", workers, "-f", "csv", "--stats", "stats.json"];
    let ended = place.turgo(&[&["run", "-c", &sql][..], &options].concat());
    let mut lines: Vec<&str> = ended.rows().lines().collect();
    lines.sort_unstable();
    let stats: serde_json::Value =
        serde_json::from_str(&place.read("stats.json")).expect("statistics are JSON");
    (lines.join("\n"), stats["queries"][0].clone())
}

const TUMBLE: &str = "SELECT window_start, k, count(*) AS c, sum(n) AS s \
    FROM TUMBLE(TABLE o, DESCRIPTOR(ts), INTERVAL '10' SECOND) WHERE true";

#[test]
fn a_query_answers_and_counts_the_same_over_either_format() {
    let place = place();
    for (condition, pruned) in [
        ("", false),
        ("AND n >= 250000", true),
        ("AND n < 10 AND k <> 'k3'", true),
        ("AND n BETWEEN 140000 AND 140100", true),
        ("AND n IN (5, 299999)", true),
        ("AND (n < 10 OR n > 299990)", true),
        ("AND k = 'k1'", false),
        ("AND n > 1000000", true),
    ] {
        let query = format!("{TUMBLE} {condition} GROUP BY window_start, window_end, k");
        let (expected, counted) = asked(&place, "o.ndjson", &query, "1");
        for workers in ["1", "3"] {
            let (said, stats) = asked(&place, "o.parquet", &query, workers);
            assert_eq!(said, expected, "{condition}");
            for count in ["rows_in", "used", "late", "late_partial", "rejected", "filtered"] {
                assert_eq!(stats[count], counted[count], "{count} of {condition}");
            }
            assert_eq!(stats["rows_in"], 300_000);
            let partition =
                |stats: &serde_json::Value| stats["sources"][0]["partitions"][0].clone();
            let (there, ndjson) = (partition(&stats), partition(&counted));
            assert_eq!(there["watermark_us"], ndjson["watermark_us"], "{condition}");
            let size = std::fs::metadata(place.path().join("o.parquet")).unwrap().len();
            let read = there["bytes"].as_u64().unwrap();
            assert_eq!(read < size * 3 / 4, pruned, "{read} of {size} bytes: {condition}");
        }
    }
}

#[test]
fn explain_shows_what_is_left_out_by_row_groups() {
    let place = place();
    for (condition, shown) in [
        ("n > 5 AND k = 'a'", "(only row groups with n > 5 AND k = a)"),
        ("n / 2 > 5 AND n > 3", "(only row groups with n > 3)"),
        ("n / 2 > 5", "filesystem parquet o.parquet:"),
        ("k LIKE 'a%'", "filesystem parquet o.parquet:"),
    ] {
        let sql = format!("{} EXPLAIN SELECT n FROM o WHERE {condition}", script("o.parquet"));
        let ended = place.turgo(&["run", "-c", &sql]);
        assert!(ended.rows().contains(shown), "{condition}: {}", ended.out);
    }
}

#[test]
fn a_failed_query_leaves_no_parquet_file() {
    let place = Place::new();
    let sql = "CREATE TABLE o (v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o.parquet');
        INSERT INTO o SELECT 1 / (v - 4) FROM ev";
    place.sql(sql).fails(1, &["division by zero"]);
    assert!(!place.exists("o.parquet"));
    assert_eq!(place.names("."), ["ev.ndjson", "ev.sql"]);
}

#[test]
fn no_rows_are_a_file_with_columns() {
    let place = Place::new();
    let sql = "CREATE TABLE o (v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o.parquet');
        INSERT INTO o SELECT v FROM ev WHERE v > 100; DESCRIBE 'o.parquet'; SELECT count(*) AS n FROM 'o.parquet'";
    let ended = place.sql(sql);
    assert!(ended.rows().contains("BIGINT") && ended.out.ends_with("n\n0\n"), "{}", ended.out);
}

#[test]
fn files_of_a_directory_are_one_table() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("d")).unwrap();
    let table = "CREATE TABLE o (k VARCHAR, v BIGINT) \
                 WITH ('connector' = 'filesystem', 'path' = 'd', 'format' = 'parquet');";
    for _ in 0..3 {
        place.sql(&format!("{table} INSERT INTO o SELECT k, v FROM ev")).rows();
    }
    assert_eq!(
        place.names("d"),
        ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    );
    for path in ["d", "d/*.parquet"] {
        let ended = place.sql(&format!("SELECT count(*) AS n, sum(v) AS v FROM '{path}'"));
        assert_eq!(ended.rows(), "n,v\n12,21\n", "{path}");
    }
    // One that does not belong there is named before any row is shown.
    place.write("d/part-00003.parquet", "no Parquet");
    let ended = place.sql("SELECT v FROM 'd'");
    ended.fails(1, &["cannot read d/part-00003.parquet: it is not a Parquet file"]);
    assert_eq!(ended.out, "v\n");
}
