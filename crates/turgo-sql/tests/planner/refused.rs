//! What is refused: the words, the place and the remedy.

use super::connectors::error;

/// Script, the text the error points at, its message, and how its remedy begins.
type Case = (&'static str, &'static str, &'static str, &'static str);

fn check(cases: &[Case]) {
    for (script, at, message, help) in cases {
        let (found_at, found, found_help) = error(script);
        assert_eq!((found.as_str(), found_at.as_str()), (*message, *at), "{script}");
        assert!(
            found_help.starts_with(help) && help.is_empty() == found_help.is_empty(),
            "{script}: {found_help}"
        );
    }
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    check(&[
        (
            "SELECT * FROM bid JOIN dry ON channel = k",
            "dry ON channel = k",
            "JOIN is not there yet",
            "",
        ),
        ("SELECT price FROM bid ORDER BY price", "price", "ORDER BY is not there yet", ""),
        ("SELECT price FROM bid LIMIT 1", "1", "LIMIT is not there yet", ""),
        (
            "SELECT rank() OVER (ORDER BY date_time) FROM bid",
            "rank",
            "`rank` with OVER is not there yet",
            "there are count, sum, avg, mean, min, max, first_value, last_value, row_number, lag",
        ),
        (
            "SELECT (SELECT 1) FROM bid",
            "SELECT 1",
            "subqueries in expressions are not there yet",
            "",
        ),
        (
            "SELECT channel FROM bid GROUP BY ROLLUP(channel)",
            "channel",
            "ROLLUP is not there yet",
            "",
        ),
        (
            "SELECT array_agg(price ORDER BY price) FROM bid",
            "array_agg",
            "an aggregate with ORDER BY is not there yet",
            "",
        ),
        (
            "SELECT price FROM bid INTERSECT SELECT v FROM stream",
            "SELECT price FROM bid INTERSECT SELECT v FROM stream",
            "INTERSECT is not there yet",
            "",
        ),
    ]);
}

#[test]
fn groupings_and_forms_of_select_to_come_are_refused_by_name() {
    check(&[
        (
            "SELECT price FROM bid EXCEPT SELECT v FROM stream",
            "SELECT price FROM bid EXCEPT SELECT v FROM stream",
            "EXCEPT is not there yet",
            "",
        ),
        ("SELECT channel FROM bid GROUP BY CUBE(channel)", "channel", "CUBE is not there yet", ""),
        (
            "SELECT channel FROM bid GROUP BY GROUPING SETS ((channel), ())",
            "channel",
            "GROUPING SETS are not there yet",
            "",
        ),
        (
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM bid",
            "percentile_cont",
            "WITHIN GROUP is not there yet",
            "",
        ),
        ("SELECT price FROM bid QUALIFY price > 3", "price > 3", "QUALIFY is not there yet", ""),
        (
            "SELECT DISTINCT ON (channel) price FROM bid",
            "SELECT",
            "DISTINCT ON is not there yet",
            "",
        ),
        ("SELECT * FROM LATERAL (SELECT 1) x", "SELECT 1) x", "LATERAL is not there yet", ""),
        ("SELECT * FROM UNNEST(ARRAY[1, 2])", "1, 2", "UNNEST is not there yet", ""),
        (
            "SELECT price FROM bid FETCH FIRST 3 ROWS ONLY",
            "SELECT price FROM bid FETCH FIRST 3",
            "FETCH FIRST is not there yet",
            "",
        ),
    ]);
}

#[test]
fn misspelt_names_are_pointed_at_and_corrected() {
    check(&[
        ("SELECT pirce FROM bid", "pirce", "there is no column `pirce`", "did you mean `price`?"),
        (
            "SELECT at.ctiy FROM bid",
            "ctiy",
            "there is no field `ctiy` in the row",
            "did you mean `city`?",
        ),
        (
            "SELECT at['street'] FROM bid",
            "SELECT at['street'] FROM bid",
            "there is no field `street` in the row",
            "its fields are `city`, `zip`",
        ),
        ("SELECT price FROM bit", "bit", "there is no table or view `bit`", "did you mean `bid`?"),
        (
            "SELECT cuont(*) FROM bid",
            "cuont",
            "there is no function `cuont`",
            "did you mean `count`?",
        ),
        (
            "SELECT price FROM bid WHERE chanel = 'a'",
            "chanel",
            "there is no column `chanel`",
            "did you mean `channel`?",
        ),
        (
            "SET 'worker' = '2'",
            "'worker'",
            "there is no setting 'worker'",
            "did you mean `workers`?",
        ),
    ]);
}

#[test]
fn wrong_declarations_are_refused_where_they_are_wrong() {
    check(&[
        (
            "CREATE TABLE t (a INT) WITH ('path' = 'x')",
            "t",
            "table `t` names no connector",
            "add 'connector'",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memroy')",
            "'memroy'",
            "there is no connector 'memroy'",
            "did you mean `memory`?",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'pth' = 'x')",
            "'pth'",
            "connector 'memory' has no option 'pth'",
            "did you mean 'path'?",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'idle-timeout' = '1 s')",
            "'idle-timeout'",
            "option 'idle-timeout' is not there yet",
            "",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'on-error' = 'shrug')",
            "'shrug'",
            "'on-error' cannot be 'shrug'",
            "it is 'fail', 'skip' or 'dead-letter'",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'format' = 'xml')",
            "'xml'",
            "there is no format 'xml'",
            "it is 'json'",
        ),
        (
            "CREATE TABLE t (a INT, WATERMARK FOR a AS a) WITH ('connector' = 'memory')",
            "a",
            "the time column `a` is of type INT, not TIMESTAMP, and not BIGINT for milliseconds",
            "declare it",
        ),
        (
            "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS 1) WITH ('connector' = 'memory')",
            "1",
            "a watermark is of type TIMESTAMP, not BIGINT",
            "such as ts",
        ),
        (
            "CREATE TABLE t (a INT, b AS c + 1) WITH ('connector' = 'memory')",
            "c",
            "there is no column `c`",
            "the columns are `a`",
        ),
    ]);
}

#[test]
fn windows_need_an_event_time() {
    check(&[
        (
            "SELECT * FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(price), INTERVAL '1' SECOND))",
            "price",
            "`price` is not the event time of its rows, so no watermark says when its windows are complete",
            "use `date_time`, the column with the watermark",
        ),
        (
            "SELECT * FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(channel), INTERVAL '1' SECOND))",
            "TUMBLE",
            "a window needs a time column of type TIMESTAMP, not VARCHAR",
            "",
        ),
        (
            "SELECT row_number() OVER (ORDER BY price) FROM bid",
            "price",
            "OVER cannot order by `price`: it is not the event time of its rows",
            "use `date_time`, the column with the watermark",
        ),
        (
            "CREATE TABLE one (a BIGINT) WITH ('connector' = 'memory'); SELECT a, row_number() OVER (PARTITION BY a + 1 ORDER BY a) FROM one",
            "a",
            "OVER cannot order by `a`: it is no event time",
            "declare it in CREATE TABLE: WATERMARK FOR a AS a",
        ),
        (
            "CREATE TABLE one (a BIGINT) WITH ('connector' = 'memory'); SELECT count(*) FROM one WINDOW TUMBLING (1m)",
            "TUMBLING",
            "the window names no time column, and table `one` declares no watermark",
            "name the time column",
        ),
        (
            "CREATE TABLE two (a TIMESTAMP(3), b TIMESTAMP(3), WATERMARK FOR a AS a) WITH ('connector' = 'memory'); SELECT count(*) FROM two GROUP BY TUMBLE(b, INTERVAL '1' SECOND)",
            "b",
            "`b` is not the event time of its rows, so no watermark says when its windows are complete",
            "use `a`, the column with the watermark",
        ),
        (
            "SELECT count(*) FROM bid GROUP BY TUMBLE(date_time, INTERVAL '1' MONTH)",
            "TUMBLE",
            "the size of a window cannot be in months or years, which differ in length",
            "write INTERVAL",
        ),
    ]);
}

#[test]
fn unbounded_state_and_misplaced_changelogs_are_refused_with_a_remedy() {
    check(&[
        (
            "SELECT k, count(*) FROM stream GROUP BY k EMIT FINAL",
            "EMIT FINAL",
            "EMIT FINAL over an input that does not end would never emit: nothing bounds its groups",
            "group by a window",
        ),
        (
            "SELECT sum(n) FROM (SELECT k, count(*) AS n FROM stream GROUP BY k)",
            "SELECT sum(n) FROM (SELECT k, count(*) AS n FROM stream GROUP BY k)",
            "an aggregate or DISTINCT over a result that changes is not there yet",
            "group the inner query",
        ),
        (
            "INSERT INTO plain SELECT k, count(*) FROM stream GROUP BY k",
            "INSERT INTO plain SELECT k, count(*) FROM stream GROUP BY k",
            "the result changes with every row, and plain cannot show changes",
            "write EMIT FINAL",
        ),
    ]);
}

#[test]
fn inserts_have_to_fit_their_table() {
    check(&[
        (
            "INSERT INTO out SELECT channel FROM bid",
            "out",
            "the query has 1 column, `out` takes 2 columns",
            "",
        ),
        (
            "INSERT INTO out SELECT price, channel FROM bid",
            "out",
            "column `k` of `out` is of type VARCHAR, the query gives BIGINT",
            "write CAST(... AS VARCHAR)",
        ),
        (
            "INSERT INTO out (k, m) SELECT channel, price FROM bid",
            "m",
            "`out` has no column `m` that can be written",
            "the columns are `k`, `n`",
        ),
        (
            "INSERT INTO out (k, k) SELECT channel, channel FROM bid",
            "k",
            "the column `k` is named twice",
            "name it once",
        ),
        (
            "INSERT INTO nowhere SELECT 1",
            "nowhere",
            "there is no table or view `nowhere`",
            "there are",
        ),
    ]);
}

#[test]
fn two_columns_of_one_name_are_refused() {
    check(&[(
        "SELECT price, price FROM bid",
        "SELECT price, price FROM bid",
        "two columns are named `bid.price`",
        "give one of them",
    )]);
}

#[test]
fn long_expressions_do_not_use_up_the_stack() {
    let sum = vec!["price"; 300].join(" + ");
    assert!(super::connectors::run(&format!("SELECT {sum} FROM bid")).is_ok());
}

#[test]
fn constants_that_overflow_are_errors_of_the_plan() {
    let (_, message, _) = error("SELECT 9223372036854775807 + 1 FROM bid");
    assert_eq!(message, "integer overflow in `9223372036854775807 + 1`: 9223372036854775807 + 1");
    let (_, message, _) = error("SELECT 1 / 0");
    assert_eq!(message, "division by zero in `1 / 0`: 1 / 0");
}

#[test]
fn options_that_need_each_other_are_refused_alone() {
    check(&[
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'on-error' = 'dead-letter')",
            "'dead-letter'",
            "it is not said where dead letters are kept",
            "add 'dead-letter.path'",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'dead-letter.path' = 'x')",
            "'dead-letter.path'",
            "'dead-letter.path' is given, but nothing is kept there",
            "add 'on-error' = 'dead-letter' or",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'late' = 'dead-letter', \
             'dead-letter.path' = 'x')",
            "'x'",
            "the rows of memory (0 rows) are not read from records",
            "only a record can be kept",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'flush-at-end' = 'false')",
            "'flush-at-end'",
            "'flush-at-end' has no meaning for a table that ends",
            "add 'bounded' = 'false'",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'bounded' = 'false', \
             'flush-at-end' = 'false')",
            "'false'",
            "without a watermark no window would ever be shown",
            "declare a WATERMARK",
        ),
    ]);
}
