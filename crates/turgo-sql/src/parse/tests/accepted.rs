//! Scripts that are read, and what they are read as.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion_sql::sqlparser::ast::{Expr, visit_expressions};

use super::{one, sql};
use crate::parse::{LineIndex, parse};
use crate::statement::{ColumnKind, CreateTable, Emit, StatementKind};

fn table(text: &str) -> CreateTable {
    match one(text) {
        StatementKind::CreateTable(table) => table,
        other => panic!("{text} is no table: {other:?}"),
    }
}

/// What a window over `source` becomes.
fn derived(source: &str, time: &str, slide: &str, size: &str) -> String {
    let of = |name: &str| format!("turgo_window_{name}({time}, {slide}, {size}) AS window_{name}");
    format!("(SELECT *, {}, {}, {} FROM {source})", of("start"), of("end"), of("time"))
}

const TEN: &str = "INTERVAL '10' SECOND";
const FIVE: &str = "INTERVAL '5' SECOND";

#[test]
fn a_table_keeps_its_columns_watermark_and_options() {
    let text = "CREATE TABLE IF NOT EXISTS Bid (\n  auction BIGINT NOT NULL, \"Url\" VARCHAR(20),\n  \
                ts TIMESTAMP(3),\n  watermark INT, day AS CAST(ts AS DATE),\n  WATERMARK FOR TS AS \
                ts - INTERVAL '4' SECOND\n) WITH ('connector' = 'filesystem', 'path' = 'a''b')";
    let table = table(text);
    assert_eq!(table.name.value, "bid");
    assert!(table.if_not_exists && !table.or_replace);
    let names: Vec<_> = table.columns.iter().map(|column| column.name.value.as_str()).collect();
    assert_eq!(names, ["auction", "Url", "ts", "watermark", "day"]);
    let physical = |data_type, nullable| ColumnKind::Physical { data_type, nullable };
    assert_eq!(table.columns[0].kind, physical(DataType::Int64, false));
    assert_eq!(table.columns[1].kind, physical(DataType::Utf8, true));
    let ColumnKind::Computed(day) = &table.columns[4].kind else { panic!("day is computed") };
    assert_eq!(day.to_string(), "CAST(ts AS DATE)");
    let watermark = table.watermark.expect("it has one");
    assert_eq!(watermark.column.value, "ts");
    assert_eq!(watermark.expr.to_string(), "ts - INTERVAL '4' SECOND");
    assert_eq!(&text[watermark.span], "WATERMARK FOR TS AS ts - INTERVAL '4' SECOND");
    let path = &table.options["path"];
    assert_eq!((path.value.value.as_str(), &text[path.key_span.clone()]), ("a'b", "'path'"));
    assert_eq!(&text[path.value.span.clone()], "'a''b'");
}

#[test]
fn types_become_arrow_types() {
    let utc = || Some("+00:00".into());
    let map = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Int32, true),
    ]);
    let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
    let row = |fields| DataType::Struct(Fields::from(fields));
    for (sql, data_type) in [
        ("boolean", DataType::Boolean),
        ("TINYINT UNSIGNED", DataType::UInt8),
        ("FLOAT", DataType::Float32),
        ("DOUBLE PRECISION", DataType::Float64),
        ("DECIMAL", DataType::Decimal128(10, 0)),
        ("NUMERIC(38, 9)", DataType::Decimal128(38, 9)),
        ("DECIMAL(39)", DataType::Decimal256(39, 0)),
        ("VARBINARY(9)", DataType::Binary),
        ("DATE", DataType::Date32),
        ("TIME", DataType::Time64(TimeUnit::Microsecond)),
        ("TIME(3)", DataType::Time32(TimeUnit::Millisecond)),
        ("TIMESTAMP", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("TIMESTAMP(0)", DataType::Timestamp(TimeUnit::Second, None)),
        ("TIMESTAMP(3) WITHOUT TIME ZONE", DataType::Timestamp(TimeUnit::Millisecond, None)),
        ("TIMESTAMP(9) WITH TIME ZONE", DataType::Timestamp(TimeUnit::Nanosecond, utc())),
        ("TIMESTAMP_LTZ(3)", DataType::Timestamp(TimeUnit::Millisecond, utc())),
        (
            "MAP<STRING, INT>",
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(map), false)), false),
        ),
        (
            "ROW<a INT, b ROW<c ARRAY<ARRAY<INT>>>>",
            row(vec![
                Field::new("a", DataType::Int32, true),
                Field::new(
                    "b",
                    row(vec![Field::new("c", list(list(DataType::Int32)), true)]),
                    true,
                ),
            ]),
        ),
        ("ROW(a INT NOT NULL)", row(vec![Field::new("a", DataType::Int32, false)])),
    ] {
        let table = table(&format!("CREATE TABLE t (c {sql} NULL)"));
        assert_eq!(
            table.columns[0].kind,
            ColumnKind::Physical { data_type, nullable: true },
            "{sql}"
        );
    }
}

#[test]
fn window_tables_become_derived_tables() {
    let tumble = derived("bid", "ts", TEN, TEN);
    let hop = derived("bid", "ts", FIVE, TEN);
    let inner = derived("(SELECT * FROM x)", "a", TEN, TEN);
    let nested =
        derived(&format!("(SELECT * FROM {})", derived("x", "a", TEN, TEN)), "b", FIVE, TEN);
    for (text, source) in [
        (format!("TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), {TEN}))"), format!("{tumble} AS bid")),
        (format!("tumble(TABLE bid, descriptor(ts), {TEN})"), format!("{tumble} AS bid")),
        (format!("TUMBLE(bid, DESCRIPTOR(ts), {TEN}) AS w"), format!("{tumble} AS w")),
        (format!("TUMBLE(TABLE bid, DESCRIPTOR(ts), {TEN}) w"), format!("{tumble} w")),
        (format!("HOP(TABLE bid, DESCRIPTOR(ts), {FIVE}, {TEN})"), format!("{hop} AS bid")),
        (
            format!(
                "HOP(SIZE => {TEN}, DATA => TABLE bid, TIMECOL => DESCRIPTOR(ts), SLIDE => {FIVE})"
            ),
            format!("{hop} AS bid"),
        ),
        (
            format!("TUMBLE(TABLE a.b.bid, DESCRIPTOR(ts), {TEN}) WHERE a"),
            format!("{} AS bid WHERE a", derived("a.b.bid", "ts", TEN, TEN)),
        ),
        (
            format!("TUMBLE(TABLE 'bid.json', DESCRIPTOR(ts), {TEN})"),
            format!(r#"{} AS "bid""#, derived(r#"'bid.json' AS "bid""#, "ts", TEN, TEN)),
        ),
        (format!("TUMBLE((SELECT * FROM x), DESCRIPTOR(a), {TEN})"), inner),
        (
            format!(
                "HOP(TABLE (SELECT * FROM TUMBLE(x, DESCRIPTOR(a), {TEN}) ), DESCRIPTOR(b), {FIVE}, {TEN})"
            ),
            nested.replace("FROM x))", "FROM x) AS x)"),
        ),
        (
            format!("SESSION(TABLE bid PARTITION BY (a, \"B\"), DESCRIPTOR(ts), {TEN}) s"),
            format!("{} s", derived("bid", "ts", TEN, &format!("{TEN}, 'session', a, \"B\""))),
        ),
        (
            format!(
                "SESSION(GAP => {TEN}, TIMECOL => DESCRIPTOR(a), DATA => \
                 TABLE (SELECT * FROM x) PARTITION BY k)"
            ),
            derived("(SELECT * FROM x)", "a", TEN, &format!("{TEN}, 'session', k")),
        ),
        (
            format!("t, TUMBLE(TABLE bid, DESCRIPTOR(ts), {TEN}) JOIN u ON a"),
            format!("t, {tumble} AS bid JOIN u ON a"),
        ),
    ] {
        assert_eq!(sql(&format!("SELECT * FROM {text}")), format!("SELECT * FROM {source}"));
    }
}

#[test]
fn grouping_windows_become_derived_tables() {
    let tumble = derived("bid", "ts", TEN, TEN);
    let columns = "window_start, window_end, window_time";
    for (text, expected) in [
        (
            format!("SELECT k, count(*) FROM bid WHERE k > 1 GROUP BY k, TUMBLE(ts, {TEN})"),
            format!("SELECT k, count(*) FROM {tumble} AS bid WHERE k > 1 GROUP BY k, {columns}"),
        ),
        (
            format!(
                "SELECT TUMBLE_START(ts, {TEN}), tumble_rowtime(TS, {TEN}) AS r FROM bid \
                 GROUP BY TUMBLE(ts, {TEN}) HAVING TUMBLE_END(ts, {TEN}) > a \
                 ORDER BY TUMBLE_START(ts, {TEN})"
            ),
            format!(
                "SELECT window_start, window_time AS r FROM {tumble} AS bid GROUP BY {columns} \
                 HAVING window_end > a ORDER BY window_start"
            ),
        ),
        (
            format!("SELECT b.k FROM bid AS b GROUP BY HOP(b.ts, {FIVE}, {TEN})"),
            format!(
                "SELECT b.k FROM {} AS b GROUP BY {columns}",
                derived("bid AS b", "b.ts", FIVE, TEN)
            ),
        ),
        (
            format!("SELECT SESSION_END(ts, {TEN}) FROM bid GROUP BY SESSION(ts, {TEN}), k"),
            format!(
                "SELECT window_end FROM {} AS bid GROUP BY {columns}, k",
                derived("bid", "ts", TEN, &format!("{TEN}, 'session of group'"))
            ),
        ),
        (
            format!("SELECT 1 FROM t UNION ALL SELECT 2 FROM bid GROUP BY TUMBLE(ts, {TEN})"),
            format!("SELECT 1 FROM t UNION ALL SELECT 2 FROM {tumble} AS bid GROUP BY {columns}"),
        ),
    ] {
        assert_eq!(sql(&text), expected);
    }
}

#[test]
fn what_a_rewritten_query_names_stands_where_the_user_wrote_it() {
    let text = "SELECT ü\nFROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' SECOND)\nWHERE b = 1;\n\
                SELECT TUMBLE_START(ts, INTERVAL '1' HOUR) FROM bid GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)";
    let lines = LineIndex::new(text);
    let mut seen = 0;
    for statement in parse(text).expect("both are read") {
        let StatementKind::Select(query) = statement.kind else { panic!("they are queries") };
        let _ = visit_expressions::<_, (), _>(&query.query, |expr| {
            if let Expr::Identifier(name) = expr {
                let span = lines.span_to_bytes(name.span).expect("every name has a place");
                let written = &text[span];
                let whole = written == name.value || written.starts_with("TUMBLE");
                assert!(whole, "{written} for {name}");
                seen += 1;
            }
            std::ops::ControlFlow::Continue(())
        });
    }
    assert!(seen >= 11, "{seen} names");
}

#[test]
fn emit_may_follow_every_kind_of_literal() {
    for literal in ["1", "1.5", "'a'", "X'0A'", "E'a'", "U&'a'", "N'a'", "$$a$$", "NULL", "TRUE"] {
        let text = format!("SELECT a FROM t WHERE a = {literal} EMIT CHANGES");
        let StatementKind::Select(read) = one(&text) else { panic!("{text} is a query") };
        assert_eq!(read.emit, Some(Emit::Changes(None)), "{text}");
    }
}

#[test]
fn emit_is_cut_off_at_the_end_and_a_name_elsewhere() {
    for (text, query, emit) in [
        ("SELECT a FROM t EMIT CHANGES", "SELECT a FROM t", Some(Emit::Changes(None))),
        (
            "SELECT a FROM t WHERE b = 1 emit final",
            "SELECT a FROM t WHERE b = 1",
            Some(Emit::Final),
        ),
        ("INSERT INTO o SELECT count(*) EMIT FINAL", "SELECT count(*)", Some(Emit::Final)),
        ("SELECT emit FROM emit AS e", "SELECT emit FROM emit AS e", None),
        ("SELECT emit final FROM emit changes", "SELECT emit AS final FROM emit changes", None),
        ("SELECT a FROM t emit", "SELECT a FROM t emit", None),
        ("SELECT a, emit changes", "SELECT a, emit changes", None),
    ] {
        let (StatementKind::Select(read) | StatementKind::Insert { query: read, .. }) = one(text)
        else {
            panic!("{text} is a query");
        };
        let written = read.query.to_string().replace(" AS final", " final");
        assert_eq!(
            written.replace("emit AS changes", "emit changes"),
            query.replace(" AS final", " final")
        );
        assert_eq!(read.emit, emit, "{text}");
        let span = read.emit_span.map(|span| text[span].to_lowercase());
        assert_eq!(span.is_some_and(|span| span.starts_with("emit ")), emit.is_some());
    }
}

#[test]
fn compound_intervals_are_spelled_out() {
    for (text, expected) in [
        ("'1 02:03:04.5' DAY TO SECOND", "'1 DAY 02 HOUR 03 MINUTE 04.5 SECOND'"),
        ("'-1:30' HOUR TO MINUTE", "'-1 HOUR -30 MINUTE'"),
        ("'2-6' YEAR TO MONTH", "'2 YEAR 6 MONTH'"),
        ("'10 seconds'", "'10 seconds'"),
        ("'5' MINUTE", "'5' MINUTE"),
    ] {
        assert_eq!(sql(&format!("SELECT INTERVAL {text}")), format!("SELECT INTERVAL {expected}"));
    }
}

#[test]
fn short_statements_are_read() {
    for (text, shape) in [
        ("SHOW TABLES", "ShowTables"),
        ("show views;", "ShowViews"),
        (";;SHOW FUNCTIONS", "ShowFunctions"),
        ("SHOW ALL", "ShowSettings"),
        ("SET", "ShowSettings"),
        ("SHOW CREATE TABLE T", r#"ShowCreate(Name { value: "t", span: 18..19 })"#),
        ("SHOW CREATE TABLE 'T.csv'", r#"ShowCreateFile(Name { value: "T.csv", span: 18..25 })"#),
        ("DESCRIBE TABLE 'T'", r#"DescribeFile(Name { value: "T", span: 15..18 })"#),
        ("DESC \"T\"", r#"Describe(Name { value: "T", span: 5..8 })"#),
        ("SHOW COLUMNS FROM `T`", r#"Describe(Name { value: "T", span: 18..21 })"#),
        (
            "SET 'a.b' = '1 s'",
            r#"Set { key: Name { value: "a.b", span: 4..9 }, value: Name { value: "1 s", span: 12..17 } }"#,
        ),
        (
            "SET a.b-c = 10",
            r#"Set { key: Name { value: "a.b-c", span: 4..9 }, value: Name { value: "10", span: 12..14 } }"#,
        ),
        (
            "DROP VIEW IF EXISTS v",
            r#"Drop { name: Name { value: "v", span: 20..21 }, view: true, if_exists: true }"#,
        ),
    ] {
        assert_eq!(format!("{:?}", one(text)), shape, "{text}");
    }
}

#[test]
fn queries_and_views_are_read() {
    for (text, query) in [
        ("WITH a AS (SELECT 1) SELECT * FROM a", "WITH a AS (SELECT 1) SELECT * FROM a"),
        ("VALUES (1, 'a')", "VALUES (1, 'a')"),
        ("(SELECT 1)", "(SELECT 1)"),
        ("FROM t SELECT a", "FROM t SELECT a"),
        ("SELECT * FROM 'a.ndjson'", r#"SELECT * FROM 'a.ndjson' AS "a""#),
        ("SELECT * FROM 'a.ndjson' b", "SELECT * FROM 'a.ndjson' b"),
        ("SELECT * FROM 'a/*.ndjson'", "SELECT * FROM 'a/*.ndjson'"),
        ("CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1", "SELECT 1"),
        ("INSERT INTO o (a, B) (SELECT 1, 2)", "(SELECT 1, 2)"),
        ("INSERT INTO o (SELECT 1)", "(SELECT 1)"),
    ] {
        assert_eq!(sql(text), query);
    }
    let StatementKind::Insert { columns, table, .. } =
        one("INSERT INTO O (a, \"B\") VALUES (1, 2)")
    else {
        panic!("it is an INSERT");
    };
    assert_eq!((table.value.as_str(), columns[1].value.as_str()), ("o", "B"));
    let StatementKind::Explain(inner) = one("EXPLAIN INSERT INTO o SELECT 1 EMIT FINAL") else {
        panic!("it is an EXPLAIN");
    };
    assert_eq!(inner.span, 8..41);
}

#[test]
fn statements_have_their_places() {
    let text = "-- first\nSELECT 'a;b';\n\n/* ; */ SHOW TABLES ;";
    let spans: Vec<_> =
        parse(text).expect("they are read").into_iter().map(|s| &text[s.span]).collect();
    assert_eq!(spans, ["SELECT 'a;b'", "SHOW TABLES"]);
}

#[test]
fn a_window_clause_is_a_window_function_among_the_groups() {
    let tumble = derived("t", "ts", "INTERVAL '1' MINUTE", "INTERVAL '1' MINUTE");
    let grouped = |keys: &str, rest: &str| {
        let parts = "window_start, window_end, window_time";
        format!("SELECT k FROM {tumble} AS t GROUP BY {parts}{keys}{rest}")
    };
    for (text, expected) in [
        (
            "SELECT k FROM t GROUP BY k WINDOW TUMBLING (ts, INTERVAL '1' MINUTE)",
            grouped(", k", ""),
        ),
        ("SELECT k FROM t WINDOW TUMBLING (ts, SIZE 1 MINUTES) GROUP BY k", grouped(", k", "")),
        (
            "SELECT k FROM t GROUP BY k HAVING k > 1 WINDOW TUMBLING (ts, 1m)",
            grouped(", k", " HAVING k > 1"),
        ),
        ("SELECT k FROM t WINDOW TUMBLING (ts, 1 min) HAVING k > 1", grouped("", " HAVING k > 1")),
        (
            "SELECT k FROM t GROUP BY k WINDOW TUMBLING (ts, 1m) UNION ALL SELECT k FROM t GROUP BY k",
            format!("{} UNION ALL SELECT k FROM t GROUP BY k", grouped(", k", "")),
        ),
        (
            "SELECT k FROM (SELECT k FROM t WINDOW TUMBLING (ts, 1m)) AS s GROUP BY k",
            format!("SELECT k FROM ({}) AS s GROUP BY k", grouped("", "")),
        ),
    ] {
        assert_eq!(sql(text), expected, "{text}");
    }
}

#[test]
fn a_window_clause_may_leave_out_its_time() {
    let hop = derived("t", "turgo_event_time", "INTERVAL '10' SECOND", "INTERVAL '1' MINUTE");
    for text in [
        "SELECT window_start FROM t WINDOW HOPPING (SIZE 1 MINUTE, ADVANCE BY 10 SECONDS)",
        "SELECT _WINDOW_START FROM t WINDOW SLIDING (INTERVAL '1' MINUTE, 10s)",
    ] {
        let parts = "window_start, window_end, window_time";
        assert_eq!(
            sql(text),
            format!("SELECT window_start FROM {hop} AS t GROUP BY {parts}"),
            "{text}"
        );
    }
}

#[test]
fn a_column_may_be_called_window() {
    for text in [
        "SELECT window FROM (SELECT window FROM t) AS s",
        "SELECT a AS window, tumbling(b) FROM t",
        "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)",
    ] {
        assert_eq!(sql(text), text);
    }
}

#[test]
fn a_buffer_is_a_frame_that_ends_at_its_row() {
    for (text, expected) in [
        (
            "SELECT avg(x) OVER (ROWS WINDOW BUFFER 100 ROWS PARTITION BY f(k) ORDER BY timestamp) FROM t",
            "SELECT avg(x) OVER (PARTITION BY f(k) ORDER BY timestamp ROWS BETWEEN 99 PRECEDING AND \
             CURRENT ROW) FROM t",
        ),
        (
            "SELECT sum(x) OVER (ROWS WINDOW BUFFER 1 ROWS) FROM t",
            "SELECT sum(x) OVER (ROWS BETWEEN 0 PRECEDING AND CURRENT ROW) FROM t",
        ),
    ] {
        assert_eq!(sql(text), expected, "{text}");
    }
}
