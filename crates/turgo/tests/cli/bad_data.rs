//! Rows that are wrong: the run ends with their place, or counts them, as the table says.

use crate::{EVENT_TABLE, Place, sorted};

/// A place whose events are `rows` and whose table treats bad ones by `on_error`.
fn place(rows: &str, on_error: &str) -> Place {
    let place = Place::new();
    place.write("ev.ndjson", rows);
    let options = format!("'json', 'on-error' = '{on_error}')");
    place.write("ev.sql", EVENT_TABLE.replace("'json')", &options));
    place
}

const INTO_A_FILE: &str = "\
    CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o.csv'); \
    INSERT INTO o SELECT v FROM ev";

#[test]
fn a_bad_row_ends_the_run_with_its_place() {
    let good = r#"{"k":"a","v":1,"ts":"2024-01-01T00:00:01"}"#;
    for (bad, said) in [
        (r#"{"k":"a","v":"x","ts":"2024-01-01T00:00:01"}"#, "column `v`: \"x\" is not a BIGINT"),
        (r#"{"k":"a","v":1.5,"ts":"2024-01-01T00:00:01"}"#, "column `v`"),
        (r#"{"k":"a","v":99999999999999999999,"ts":"2024-01-01T00:00:01"}"#, "column `v`"),
        (r#"{"k":"a","v":1,"ts":null}"#, "the event time `ts` is NULL"),
        (r#"{"k":"a","v":1}"#, "the event time `ts` is NULL"),
        (r#"{"k":"a","v":1,"ts":"yesterday"}"#, "column `ts`: \"yesterday\""),
        (r#"{"k":"a","v":1"#, "invalid JSON"),
        ("[]", "ev.ndjson:2"),
        ("\u{1}", "invalid JSON"),
    ] {
        let rows = format!("{good}\n{bad}\n{good}\n");
        let failing = place(&rows, "fail");
        let ended = failing.sql(INTO_A_FILE);
        ended.fails(1, &["error: ev.ndjson:2: ", said, "'on-error' = 'skip' leaves such rows out"]);
        let left = failing.names(".");
        assert_eq!(left, ["ev.ndjson", "ev.sql"], "{bad}");

        let skipping = place(&rows, "skip");
        let ended = skipping.sql(INTO_A_FILE);
        ended.rows();
        assert!(ended.err.contains("3 rows read: 2 used"), "{}", ended.err);
        assert!(ended.err.contains("1 rejected"), "{}", ended.err);
        assert_eq!(skipping.read("o.csv"), "n\n1\n1\n");
    }
}

#[test]
fn a_row_whose_computed_column_or_watermark_fails_is_a_bad_row() {
    let place = Place::new();
    place.write(
        "in.csv",
        "a,t\n1,2024-01-01T00:00:01\nx,2024-01-01T00:00:02\n3,2024-01-01T00:00:03\n",
    );
    let table = |on_error: &str| {
        format!(
            "CREATE TABLE i (a VARCHAR, t TIMESTAMP(3), n AS CAST(a AS BIGINT), \
             WATERMARK FOR t AS CASE WHEN 10 / (n - 3) > 0 THEN t ELSE t END) \
             WITH ('connector' = 'filesystem', 'path' = 'in.csv', 'on-error' = '{on_error}'); \
             SELECT n FROM i"
        )
    };
    place.sql(&table("fail")).fails(1, &["error: in.csv:3: 'x' is no value of type BIGINT"]);
    let ended = place.sql(&table("skip"));
    assert_eq!(ended.rows(), "n\n1\n");
    assert!(ended.err.contains("2 rejected"), "{}", ended.err);
}

#[test]
fn bad_csv_records_have_their_line() {
    let place = Place::new();
    place.write("in.csv", "a,b\n1,\"x\ny\"\nz,2\n");
    let table = |path: &str| {
        format!(
            "CREATE TABLE i (a BIGINT, b VARCHAR) \
             WITH ('connector' = 'filesystem', 'path' = '{path}'); SELECT a, b FROM i"
        )
    };
    place.sql(&table("in.csv")).fails(1, &["error: in.csv:4: column `a`: \"z\" is not a BIGINT"]);
    place.write("short.csv", "a,b\n1\n");
    place.sql(&table("short.csv")).fails(1, &["short.csv:2: 1 field where 2 are expected"]);
    place.write("head.csv", "b\nx\n");
    place.sql(&table("head.csv")).fails(1, &["head.csv:1: the header has no column `a`"]);
}

#[test]
fn calculations_that_fail_name_the_expression_and_the_row() {
    let place = Place::new();
    for (sql, said) in [
        ("SELECT v / (v - 2) FROM ev", "ev.ndjson:2: division by zero in `v / (v - 2)`: 2 / 0"),
        (
            "SELECT v * 9223372036854775807 FROM ev",
            "ev.ndjson:2: integer overflow in `v * 9223372036854775807`: 2 * 9223372036854775807",
        ),
        ("SELECT k FROM ev WHERE 4 % (4 - v) = 0", "ev.ndjson:4: division by zero"),
        ("SELECT CAST(k AS BIGINT) FROM ev", "ev.ndjson:1: 'a' is no value of type BIGINT"),
        ("SELECT sqrt(-1)", "cannot take square root of a negative number"),
        ("SELECT repeat(k, 1000000000000) FROM ev", "ev.ndjson:1: string size overflow"),
        ("SELECT sum(9223372036854775807) FROM ev", "SUM in column"),
    ] {
        place.sql(sql).fails(1, &[said]);
    }
}

#[test]
fn a_null_cannot_be_written_to_a_column_without_nulls() {
    let place = Place::new();
    let table = "CREATE TABLE o (k VARCHAR, n BIGINT NOT NULL) \
                 WITH ('connector' = 'filesystem', 'path' = 'o.csv');";
    place
        .sql(&format!("{table} INSERT INTO o SELECT k, v FROM ev"))
        .fails(1, &["ev.ndjson:3: column `n` of `o` is NOT NULL, and this row has NULL for it"]);
    let summed = "INSERT INTO o SELECT k, sum(v) FROM ev WHERE v IS NULL GROUP BY k";
    place.sql(&format!("{table} {summed}")).fails(1, &["column `n` of `o` is NOT NULL"]);
    place.sql(&format!("{table} INSERT INTO o (k) SELECT k FROM ev")).fails(
        1,
        &["column `n` of `o` is NOT NULL and is given no value", "name it among the columns"],
    );
    place.sql(&format!("{table} INSERT INTO o SELECT k, NULL FROM ev")).fails(1, &["NOT NULL"]);
    assert_eq!(place.names("."), ["ev.ndjson", "ev.sql"]);
    let good = format!("{table} INSERT INTO o SELECT k, coalesce(v, 0) FROM ev; SELECT n FROM o");
    assert_eq!(sorted(place.sql(&good).rows()), ["0", "1", "2", "4"]);
}

#[test]
fn a_record_of_many_megabytes_is_read_and_a_larger_one_refused() {
    let place = Place::new();
    let text = "x".repeat(9 << 20);
    place.write("long.json", format!("{{\"s\":\"{text}\"}}\n{{\"s\":\"y\"}}\n"));
    let query = "CREATE TABLE l (s VARCHAR) \
                 WITH ('connector' = 'filesystem', 'path' = 'long.json'); \
                 SELECT length(s) n FROM l";
    assert_eq!(sorted(place.sql(query).rows()), ["1", &text.len().to_string()]);
    place.write("long.json", vec![b' '; 65 << 20]);
    place.sql(query).fails(1, &["the record at byte 0 is larger than 64 MiB"]);
}

#[test]
fn a_float_without_a_word_in_json_is_refused_in_files_and_shown_as_null() {
    let place = Place::new();
    let table = |name: &str, column: &str| {
        format!(
            "CREATE TABLE o ({column}) WITH ('connector' = 'filesystem', 'path' = '{name}');
             INSERT INTO o "
        )
    };
    let json = |column: &str, query: &str| place.sql(&(table("o.json", column) + query));
    json("x DOUBLE NOT NULL", "SELECT CAST('NaN' AS DOUBLE) FROM ev")
        .fails(1, &["column `x`: JSON has no word for the float NaN", "CASE"]);
    json("x REAL", "SELECT CAST('-Infinity' AS REAL)").fails(1, &["the float -inf"]);
    json("k VARCHAR, x ARRAY<DOUBLE>", "SELECT k, [v / CAST(0 AS DOUBLE)] FROM ev WHERE v = 1")
        .fails(1, &["column `x`: JSON has no word for the float inf"]);
    assert!(!place.exists("o.json"));

    let csv = table("o.csv", "x DOUBLE") + "SELECT v / CAST(0 AS DOUBLE) FROM ev WHERE v = 1";
    assert_eq!(place.sql(&(csv + "; SELECT x FROM o")).rows(), "x\nInfinity\n");
    let shown = ["run", "-c", "SELECT CAST('NaN' AS DOUBLE) AS x", "--format", "ndjson"];
    assert_eq!(place.turgo(&shown).rows(), "{\"x\":null}\n");
}

#[test]
fn a_null_event_time_is_a_bad_row_also_without_a_watermark() {
    let good = r#"{"k":"a","v":1,"ts":"2024-01-01T00:00:01"}"#;
    let rows = format!("{good}\n{{\"k\":\"a\",\"v\":2}}\n{good}\n");
    let windows = "GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)";
    let declared = EVENT_TABLE.replace(", WATERMARK FOR ts AS ts - INTERVAL '4' SECOND", "");
    for from in [
        "ev",
        "(SELECT upper(k), v, ts FROM ev WHERE k = 'a')",
        "(SELECT v, ts FROM ev WHERE v < 0 UNION ALL SELECT v, ts FROM ev WHERE v > 0)",
    ] {
        let place = Place::new();
        place.write("ev.ndjson", &rows);
        place.write("ev.sql", &declared);
        let query = format!("SELECT count(*) n FROM {from} {windows}");
        place.sql(&query).fails(1, &["error: ev.ndjson:2: the event time `ts` is NULL"]);
        place.write("ev.sql", declared.replace("'json')", "'json', 'on-error' = 'skip')"));
        let ended = place.sql(&query);
        assert_eq!(ended.rows(), "n\n2\n", "{from}");
        assert!(ended.err.contains(" rejected"), "{}", ended.err);
    }
    // Whoever asks for NULLs, or leaves them out, has the last word.
    let place = Place::new();
    place.write("ev.ndjson", &rows);
    place.write("ev.sql", &declared);
    let some = format!("SELECT count(*) n FROM (SELECT * FROM ev WHERE ts IS NOT NULL) {windows}");
    assert_eq!(place.sql(&some).rows(), "n\n2\n");
}
