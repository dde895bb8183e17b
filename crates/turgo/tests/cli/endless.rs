//! Queries over sources without an end: rows come as they are made, until Ctrl-C.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::Place;

const TABLES: &str = "
CREATE TABLE bid (auction BIGINT, price BIGINT, date_time TIMESTAMP(3),
  WATERMARK FOR date_time AS date_time)
WITH ('connector' = 'nexmark', 'table' = 'bid', 'rate' = '1000');
CREATE TABLE n (v BIGINT, at TIMESTAMP(3))
WITH ('connector' = 'datagen', 'rows-per-second' = '200', 'fields.v.kind' = 'sequence',
  'fields.at.kind' = 'sequence');
";

/// Runs `sql`, which never ends, until it has printed `count` lines; interrupts it, and returns
/// them.
#[track_caller]
fn first_lines(sql: &str, count: usize) -> Vec<String> {
    let place = Place::new();
    place.write("tables.sql", TABLES);
    let args = ["run", "tables.sql", "-c", sql, "--format", "csv", "--progress", "never"];
    let mut command = place.command(&args);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let first: Vec<String> = lines.by_ref().take(count).map(Result::unwrap).collect();
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-s", "INT", &id]).status().expect("there is a kill");
    assert!(killed.success());
    let rest = lines.count();
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted: results are incomplete"), "{said}");
    assert!(rest < 10_000, "it stops when it is told to: {rest} more lines");
    first
}

#[test]
fn rows_are_shown_as_they_are_made() {
    let rows = first_lines("SELECT v FROM n", 50);
    let numbers: Vec<String> = (0..49).map(|number| number.to_string()).collect();
    assert_eq!(rows[0], "v");
    let mut sorted: Vec<u64> = rows[1..].iter().map(|row| row.parse().unwrap()).collect();
    sorted.sort_unstable();
    let sorted: Vec<String> = sorted.iter().map(u64::to_string).collect();
    assert_eq!(sorted, numbers);
}

#[test]
fn a_count_without_a_window_changes_with_every_row() {
    let rows = first_lines("SELECT count(*) AS n FROM n", 6);
    assert_eq!(rows, ["op,n", "+I,1", "+U,2", "+U,3", "+U,4", "+U,5"]);
}

/// 200 rows a second: every quarter of a second one change stands for some 50 of them.
#[test]
fn changes_that_are_held_back_come_when_the_clock_says_so() {
    let sql = "SELECT count(*) AS n FROM n EMIT CHANGES EVERY INTERVAL '250' MILLISECOND";
    let rows = first_lines(sql, 4);
    let counts: Vec<u64> =
        rows[1..].iter().map(|row| row.split_once(',').unwrap().1.parse().unwrap()).collect();
    assert!(rows[1].starts_with("+I,") && rows[3].starts_with("+U,"), "{rows:?}");
    assert!(counts.is_sorted() && counts[2] >= counts[0] + 20, "{rows:?}");
}

/// A reader who asks for one change an hour still sees the last state on Ctrl-C.
#[test]
fn what_is_held_back_is_shown_when_a_query_is_interrupted() {
    let place = Place::new();
    place.write("tables.sql", TABLES);
    let sql = "SELECT count(*) AS n FROM n EMIT CHANGES EVERY INTERVAL '1' HOUR";
    let args = ["run", "tables.sql", "-c", sql, "--format", "csv", "--progress", "always"];
    let mut command = place.command(&args);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut said = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let rows_in = |line: &str| !line.starts_with("0 rows") && line.contains("rows in");
    assert!(said.by_ref().map(Result::unwrap).any(|line| rows_in(&line)));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let said: Vec<String> = said.map(Result::unwrap).collect();
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(130), "{said:?}");
    let shown = String::from_utf8(ended.stdout).unwrap();
    assert!(shown.starts_with("op,n\n+I,") && shown.lines().count() == 2, "{shown:?}");
}

#[test]
fn a_window_is_shown_when_the_stream_has_passed_it() {
    let sql = "SELECT count(*) AS n
        FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '100' MILLISECOND))
        GROUP BY window_start, window_end";
    assert_eq!(first_lines(sql, 3), ["n", "92", "92"]);
}
