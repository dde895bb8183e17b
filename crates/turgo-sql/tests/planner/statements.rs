//! Statements that change or show the session.

use turgo_sql::Outcome;

use super::connectors::{error, inferred, planned, run};

fn rows(script: &str) -> Vec<String> {
    let Ok(Outcome::Rows(batch)) = run(script) else { panic!("{script} shows no rows") };
    let cell = |column: usize, row: usize| {
        let column = batch.column(column);
        arrow::util::display::array_value_to_string(column, row).expect("a value can be shown")
    };
    let row = |row| (0..batch.num_columns()).map(|c| cell(c, row)).collect::<Vec<_>>().join(" | ");
    (0..batch.num_rows()).map(row).collect()
}

#[test]
fn tables_and_views_share_a_name_space() {
    assert_eq!(rows("SHOW TABLES"), ["bid", "dry", "out", "plain", "stream"]);
    assert_eq!(rows("CREATE VIEW v AS SELECT price FROM bid; SHOW VIEWS"), ["v"]);
    let (at, message, _) = error("CREATE VIEW bid AS SELECT 1");
    assert_eq!((at.as_str(), message.as_str()), ("bid", "there is a table `bid` already"));
    assert_eq!(rows("DROP TABLE bid; SHOW TABLES"), ["dry", "out", "plain", "stream"]);
    let (_, message, help) = error("DROP VIEW bid");
    assert_eq!((message.as_str(), help.as_str()), ("`bid` is a table", "DROP TABLE bid"));
}

#[test]
fn describe_shows_computed_columns_and_the_event_time() {
    let described = rows("DESCRIBE bid");
    assert_eq!(described[0], "auction | BIGINT | ");
    assert_eq!(described[5], "at | ROW<city VARCHAR, zip INT> | ");
    assert!(described[4].contains("event time, watermark"), "{}", described[4]);
    assert!(described[7].starts_with("cents | BIGINT | computed:"), "{}", described[7]);
}

#[test]
fn settings_are_set_and_shown() {
    let shown = rows("SET 'workers' = '3'; SHOW ALL");
    assert!(
        shown
            .contains(&"workers | 3 | worker threads, and instances of each parallel stage".into())
    );
}

#[test]
fn functions_are_shown_without_the_markers() {
    let shown = rows("SHOW FUNCTIONS");
    assert!(shown.contains(&"count | aggregate".into()));
    assert!(shown.contains(&"upper | scalar".into()));
    assert!(!shown.iter().any(|name| name.contains("turgo")));
}

#[test]
fn a_window_without_a_watermark_is_a_warning() {
    let planned = planned("SELECT count(*) FROM dry GROUP BY TUMBLE(ts, INTERVAL '1' SECOND)");
    assert_eq!(
        planned.warnings,
        ["table dry declares no watermark: windows are held until the input ends"]
    );
}

#[test]
fn a_view_that_lost_its_table_says_which_view_it_is() {
    let (_, message, _) =
        error("CREATE VIEW v AS SELECT k FROM dry; DROP TABLE dry; SELECT * FROM v");
    assert_eq!(message, "in view `v`: there is no table or view `dry`");
}

#[test]
fn a_file_is_looked_at_once_in_a_statement_and_again_in_the_next() {
    let twice =
        "SELECT price FROM 'a.json' UNION ALL SELECT a.price FROM (SELECT * FROM 'a.json') a";
    assert_eq!(inferred(twice), ["a.json 20480"]);
    assert_eq!(inferred(&format!("{twice}; DESCRIBE 'a.json'")).len(), 2);
    let view = "CREATE VIEW v AS SELECT price FROM 'a.json';
        SET 'sample-rows' = '7'; SELECT price FROM v UNION ALL SELECT price FROM v";
    assert_eq!(inferred(view), ["a.json 20480", "a.json 7"]);
    let (at, message, _) = error("CREATE VIEW \"a.json\" AS SELECT price FROM 'a.json'");
    assert_eq!((&*at, &*message), ("'a.json'", "view `a.json` would read itself"));
    let through =
        "CREATE VIEW v AS SELECT price FROM 'a.json'; CREATE VIEW \"a.json\" AS SELECT * FROM v";
    assert!(error(through).1.contains("would read itself"));
    // Nothing is looked at where a declaration stands for the path, or no table is named.
    let declared = "CREATE TABLE \"a.json\" (price INT) WITH ('connector' = 'memory');
        SELECT price FROM 'a.json'; SELECT 'b.json' AS text";
    assert!(inferred(declared).is_empty());
}
