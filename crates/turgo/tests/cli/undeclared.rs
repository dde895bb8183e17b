//! Files that are read without a declaration.

use crate::{Place, sorted};

/// Keys that are no plain names, or words of SQL.
const ODD: &str = r#"{"order":1,"eventTime":"2024-01-01T00:00:01Z","a b":true,"say \"hi\"":1.5,"":"x","primary":1,"unique":2,"like":3,"constraint":4,"watermark":5,"as":6,"a.b":7,"9":8,"größe":9,"table":{"Select":null,"from":["2024-01-01"]},"big":9223372036854775808,"nothing":null,"none":{}}
"#;

#[test]
fn the_declaration_of_a_file_can_be_kept() {
    let place = Place::new();
    place.write("odd.ndjson", ODD);
    place.write("it's.csv", "id;Name\n1;x\n");
    for path in ["odd.ndjson", "ev.ndjson", "it''s.csv", "*.ndjson"] {
        let shown = place.turgo(&["run", "-c", &format!("SHOW CREATE TABLE '{path}'")]);
        let kept = shown.rows();
        let name = kept.split_whitespace().nth(2).expect("a name stands behind CREATE TABLE");
        place.write("kept.sql", format!("{kept};\nDESCRIBE {name};\nSELECT * FROM {name}"));
        let declared = place.turgo(&["run", "kept.sql", "-f", "csv"]);
        let read = place.turgo(&[
            "run",
            "-f",
            "csv",
            "-c",
            &format!("DESCRIBE '{path}'; SELECT * FROM '{path}'"),
        ]);
        assert_eq!(sorted(declared.rows()), sorted(read.rows()), "{kept}");
    }
}

#[test]
fn errors_point_at_the_path() {
    let place = Place::new();
    place.write("a.json", "{\"a\":1}\n{\"a\":[1]}\n");
    for (sql, at) in [
        ("SELECT 'a.json' AS x FROM 'a.json'", "1:27"),
        ("SELECT a FROM (SELECT a\n  FROM 'a.json' AS b)", "2:8"),
        ("SELECT * FROM TUMBLE(TABLE 'a.json', DESCRIPTOR(t), INTERVAL '1' DAY)", "1:28"),
        ("DESCRIBE 'a.json'", "1:10"),
        ("SHOW CREATE TABLE 'a.json'", "1:19"),
        ("CREATE TABLE t WITH ('connector' = 'filesystem', 'path' = 'a.json')", "1:59"),
    ] {
        let ended = place.turgo(&["run", "-c", sql]);
        ended.fails(1, &[&format!("command line:{at}"), "a number in a.json:1 and an array"]);
    }
}

#[test]
fn a_bad_row_is_named_with_the_ways_out() {
    let place = Place::new();
    place.write("a.csv", format!("a,b\n{}x,2\n", "1,2\n".repeat(30_000)));
    let said = "a.csv:30002: column `a`: \"x\" is not a BIGINT; the type was inferred from 20480 \
                rows: SET 'sample-rows' to look at more of them, or declare the columns";
    place.turgo(&["run", "-c", "SELECT sum(a) FROM 'a.csv'"]).fails(1, &[said]);
    let sql = "SET 'sample-rows' = '40000'; SELECT max(a) AS a, sum(b) AS b FROM 'a.csv'";
    assert_eq!(place.turgo(&["run", "-c", sql, "-f", "csv"]).rows(), "a,b\nx,60002\n");
    let sql =
        "CREATE TABLE a WITH ('connector' = 'filesystem', 'path' = 'a.csv', 'on-error' = 'skip');
        SELECT sum(a) AS a FROM a";
    assert_eq!(place.turgo(&["run", "-c", sql, "-f", "csv"]).rows(), "a\n30000\n");
}

#[test]
fn a_window_over_a_file_is_held_to_its_end_with_a_warning() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.lines().rev().collect::<Vec<_>>().join("\n"));
    let sql = "SELECT window_start, count(*) AS n FROM TUMBLE(TABLE 'ev.ndjson', DESCRIPTOR(ts), \
               INTERVAL '10' SECOND) GROUP BY window_start, window_end";
    let ended = place.turgo(&["run", "-c", sql, "-f", "csv"]);
    let rows =
        ["2024-01-01T00:00:00.000,2", "2024-01-01T00:00:10.000,1", "2024-01-01T00:00:20.000,1"];
    assert_eq!(sorted(ended.rows()), rows);
    assert_eq!(
        ended.err,
        "warning: table ev.ndjson declares no watermark: windows are held until the input ends\n"
    );
}
