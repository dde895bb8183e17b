//! Statements that are wrong: what is said, where it points, and what is suggested.

use crate::Place;

/// Each: a statement, where the error points, what it says.
#[track_caller]
fn check(cases: &[(&str, &str, &[&str])]) {
    let place = Place::new();
    for (sql, at, said) in cases {
        place.write("bad.sql", format!("-- first line\n{sql}"));
        let ended = place.turgo(&["run", "ev.sql", "bad.sql"]);
        ended.fails(1, said);
        ended.fails(1, &[&format!("--> bad.sql:{at}")]);
        assert_eq!(ended.out, "", "{sql}");
    }
}

#[test]
fn misspelt_names_have_a_place_and_a_suggestion() {
    check(&[
        (
            "SELEC k FROM ev",
            "2:1",
            &["expected a statement, found `SELEC`", "did you mean SELECT?"],
        ),
        ("SELECT k FORM ev", "2:15", &["did you mean FROM?"]),
        ("SELECT\n  pirce FROM ev", "3:3", &["there is no column `pirce`", "`k`, `v`, `ts`"]),
        ("SELECT k FROM evv", "2:15", &["there is no table or view `evv`", "did you mean `ev`?"]),
        ("SELECT cuont(k) FROM ev", "2:8", &["there is no function `cuont`", "`count`"]),
        ("SET 'worker' = '2'", "2:5", &["there is no setting 'worker'", "`workers`"]),
        ("SET 'workers' = '1000'", "2:17", &["it is from 1 to 256"]),
        ("SET 'max-drift' = 'x'", "2:19", &["a duration is a number with"]),
        ("SHOW TABELS", "2:6", &["did you mean SHOW TABLES?"]),
        ("CREATE TABLE x (a INTT) WITH ()", "2:19", &["there is no type `INTT`", "INT?"]),
        (
            "CREATE TABLE x (a INT) WITH ('connector' = 'filesytem')",
            "2:44",
            &["there is no connector 'filesytem'", "did you mean `filesystem`?"],
        ),
        (
            "CREATE TABLE x (a INT) WITH ('connector' = 'filesystem', 'pth' = 'x.csv')",
            "2:58",
            &["connector 'filesystem' has no option 'pth'", "did you mean 'path'?"],
        ),
        (
            "CREATE TABLE x (a INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'jsn')",
            "2:83",
            &["'format' cannot be 'jsn'", "did you mean 'json'?"],
        ),
        ("SELECT 'abc", "2:8", &["a string is never closed"]),
        ("SELECT k FROM ev WHERE", "2:23", &["found the end of the statement"]),
        ("SELECT k FROM 'bids.ndjson'", "2:15", &["cannot read bids.ndjson: No such file"]),
        ("SELECT k FROM \"bids.ndjson\"", "2:15", &["in single quotes: 'bids.ndjson'"]),
    ]);
}

#[test]
fn what_does_not_fit_together_is_said_in_the_words_of_sql() {
    check(&[
        ("SELECT sum(k) FROM ev", "2:8", &["`sum` does not take VARCHAR"]),
        ("SELECT avg(ts) FROM ev", "2:8", &["`avg` does not take TIMESTAMP(3)"]),
        ("SELECT upper(v) FROM ev", "2:8", &["`upper` does not take BIGINT"]),
        ("SELECT k + 1 FROM ev", "2:8", &["there is no VARCHAR + BIGINT", "CAST"]),
        ("SELECT k FROM ev WHERE ts = 5", "2:1", &["there is no TIMESTAMP(3) = BIGINT"]),
        ("SELECT k FROM ev WHERE v", "2:1", &["a condition is a BOOLEAN", "of type BIGINT"]),
        ("SELECT k, v FROM ev GROUP BY k", "2:11", &["`v` is neither grouped by", "min(v)"]),
        ("SELECT substr(k) FROM ev", "2:1", &["SUBSTR needs a place to start"]),
        ("SELECT 1 / 0", "2:1", &["division by zero in `1 / 0`"]),
        ("SELECT 9223372036854775807 + 1", "2:1", &["integer overflow"]),
        (
            "SELECT count(*) FROM ev GROUP BY TUMBLE(ts, INTERVAL '0' SECOND)",
            "2:34",
            &["the size of a window must be positive"],
        ),
    ]);
}

#[test]
fn what_is_not_there_yet_is_refused_and_not_passed_over() {
    check(&[
        ("SELECT k FROM ev ORDER BY k", "2:27", &["ORDER BY is not there yet"]),
        ("SELECT k FROM ev LIMIT 1", "2:24", &["LIMIT is not there yet"]),
        ("SELECT a.k FROM ev a JOIN ev b ON a.k = b.k", "2:27", &["JOIN is not there yet"]),
        ("SELECT k FROM ev TABLESAMPLE (10)", "2:15", &["TABLESAMPLE is not there yet"]),
        (
            "SELECT k FROM ev FOR UPDATE",
            "2:1",
            &["FOR UPDATE or FOR SHARE in a query is not there yet"],
        ),
        ("SELECT k INTO x FROM ev", "2:1", &["SELECT INTO is not there yet"]),
        ("FROM ev", "2:1", &["FROM without SELECT names no columns", "SELECT * FROM"]),
        ("CREATE STREAM s AS SELECT 1", "2:8", &["CREATE STREAM is not there yet"]),
        ("EXPLAIN ANALYZE SELECT 1", "2:9", &["EXPLAIN ANALYZE is not there yet"]),
        (
            "SELECT row_number() OVER () FROM ev",
            "2:8",
            &["OVER needs an ORDER BY: the time of its rows"],
        ),
    ]);
}

#[test]
fn what_every_is_not_followed_by() {
    let help = "write EVERY INTERVAL '1' SECOND, or EVERY 1000 ROWS";
    let count = "SELECT count(*) FROM ev EMIT CHANGES EVERY";
    for (every, place, said) in [
        ("", "2:43", "expected an interval or a number of rows, found the end"),
        (" second", "2:44", "expected an interval or a number of rows, found `second`"),
        (" 5", "2:45", "expected ROWS, found the end"),
        (" 5 SECONDS", "2:46", "expected ROWS, found `SECONDS`"),
        (" 5 ROWS NOW", "2:51", "expected the end of the statement, found `NOW`"),
        (" 0 ROWS", "2:44", "0 is not a number of rows from 1 on"),
        (" 1.5 ROWS", "2:44", "1.5 is not a number of rows from 1 on"),
        (" -5 ROWS", "2:44", "expected an interval or a number of rows, found `-`"),
        (" INTERVAL '0' SECOND", "2:44", "EVERY takes an interval of a millisecond or more"),
        (" INTERVAL '-1' SECOND", "2:44", "EVERY takes an interval of a millisecond or more"),
        (" INTERVAL '1' MONTH", "2:44", "EVERY cannot be in months or years"),
        (" INTERVAL 'soon'", "2:44", "`soon` is not an interval"),
        (" INTERVAL '1' SECOND + v", "2:44", "EVERY takes an interval and nothing else"),
    ] {
        check(&[(&format!("{count}{every}"), place, &[said, help])]);
    }
    check(&[
        (
            "SELECT count(*) FROM ev EMIT FINAL EVERY 5 ROWS",
            "2:25",
            &["EMIT FINAL emits once", "write EMIT FINAL, or EMIT CHANGES EVERY"],
        ),
        (
            "SELECT n FROM (SELECT count(*) AS n FROM ev EMIT CHANGES EVERY 5 ROWS)",
            "2:45",
            &["EMIT belongs at the end of the statement"],
        ),
        (
            "SELECT k FROM ev EMIT CHANGES EVERY 5 ROWS",
            "2:18",
            &["EMIT CHANGES EVERY holds back changes of groups", "leave EVERY out"],
        ),
    ]);
}

#[test]
fn a_view_cannot_read_itself() {
    check(&[
        (
            "CREATE VIEW w AS SELECT k FROM ev; CREATE OR REPLACE VIEW w AS SELECT k FROM w",
            "2:78",
            &["view `w` would read itself"],
        ),
        (
            "CREATE VIEW a AS SELECT k FROM ev; CREATE VIEW b AS SELECT k FROM a; \
             CREATE OR REPLACE VIEW a AS SELECT k FROM b",
            "2:112",
            &["in view `b`: view `a` would read itself"],
        ),
    ]);
}

#[test]
fn nothing_runs_before_the_whole_script_is_read() {
    let place = Place::new();
    let ended = place.sql("SELECT k FROM ev; SELEC v FROM ev");
    ended.fails(1, &["--> command line:1:19"]);
    assert_eq!(ended.out, "");
}

#[test]
fn deep_nesting_is_refused() {
    let place = Place::new();
    let deep = format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    place.sql(&deep).fails(1, &["the statement is nested too deeply"]);
}
