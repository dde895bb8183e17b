//! Rows that are left out and kept: what the file holds, and that it is there however a run ends.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{EVENT_TABLE, Place, sorted};

/// A place with `rows` as events, whose table keeps what it leaves out in `bad.ndjson`.
fn keeping(rows: impl AsRef<[u8]>) -> Place {
    let place = Place::new();
    place.write("ev.ndjson", rows);
    place.write("ev.sql", keeping_table("bad.ndjson"));
    place
}

fn keeping_table(path: &str) -> String {
    let options = format!(
        "'json', 'on-error' = 'dead-letter', 'late' = 'dead-letter', 'dead-letter.path' = '{path}')"
    );
    EVENT_TABLE.replace("'json')", &options)
}

/// The letters in `bad.ndjson`, by position.
fn letters(place: &Place) -> Vec<Value> {
    let text = place.read("bad.ndjson");
    let mut letters: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a letter is JSON")).collect();
    letters.sort_by_key(|letter| letter["position"].as_u64());
    letters
}

const WINDOWS: &str = "SELECT count(*) AS n FROM ev GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)";

#[test]
fn a_letter_says_what_was_left_out_where_and_why() {
    let place = keeping(
        b"{\"v\":1,\"ts\":\"2024-01-01T00:00:01\"}\r\n\
          {\"v\":1,\"k\":\"\xff\"}\r\n\
          \n\
          {\"v\":2,\"ts\":\"2024-01-01T00:00:20\"}\r\n\
          {\"k\":\"\xc3\xa9\",\"ts\":\"2024-01-01T00:00:03\"}\r\n\
          {\"v\":3",
    );
    for workers in ["1", "3"] {
        let args = ["run", "ev.sql", "-c", WINDOWS, "--format", "csv", "--stats", "s.json"];
        let ended = place.turgo(&[&args[..], &["--workers", workers]].concat());
        assert_eq!(sorted(ended.rows()), ["1", "1"]);
        assert!(ended.err.contains("2 used, 1 late, 2 rejected"));
        assert!(
            ended.err.contains("note: dead letters in bad.ndjson: 2 bad, 1 late"),
            "{}",
            ended.err
        );
        let late = "late: event time 2024-01-01 00:00:03 is behind the watermark 2024-01-01 00:00:16, \
                    which has closed its windows";
        let found = letters(&place);
        assert_eq!(
            found[..2],
            [
                json!({
                    "table": "ev", "place": "ev.ndjson:2", "position": 36, "kind": "bad",
                    "reason": "invalid UTF-8 at byte 13 of the record",
                    "raw_base64": "eyJ2IjoxLCJrIjoi/yJ9",
                }),
                json!({
                    "table": "ev", "place": "ev.ndjson:5", "position": 90, "kind": "late",
                    "reason": late, "raw": "{\"k\":\"\u{e9}\",\"ts\":\"2024-01-01T00:00:03\"}",
                }),
            ]
        );
        assert_eq!(
            (&found[2]["raw"], &found[2]["place"]),
            (&json!("{\"v\":3"), &json!("ev.ndjson:6"))
        );
        let reason = found[2]["reason"].as_str().unwrap();
        assert!(reason.starts_with("invalid JSON at character "), "{reason}");
        assert_eq!(found.len(), 3);
        let stats: Value = serde_json::from_str(&place.read("s.json")).unwrap();
        let query = &stats["queries"][0];
        assert_eq!((&query["rejected"], &query["late"]), (&json!(2), &json!(1)));
        assert_eq!(query["dead_letters"], json!([{"name": "bad.ndjson", "bad": 2, "late": 1}]));
    }
    let explained = place.turgo(&["explain", "ev.sql", "-c", WINDOWS]);
    let said = "bad records are kept in bad.ndjson; late rows are kept in bad.ndjson";
    assert!(explained.rows().contains(said), "{}", explained.out);
    let explained = place.turgo(&["explain", "ev.sql", "-c", WINDOWS, "--format", "json"]);
    let plan: Value = serde_json::from_str(explained.rows()).unwrap();
    assert_eq!(plan["stages"][0]["source"]["dead_letters"], json!("bad.ndjson"));
}

#[test]
fn letters_of_csv_have_whole_records() {
    let place = Place::new();
    place.write("in.csv", "a,b\n1,\"x\ny\"\nz,\"two\nlines\"\n2,w\n");
    let sql = "CREATE TABLE i (a BIGINT, b VARCHAR) WITH ('connector' = 'filesystem', \
               'path' = 'in.csv', 'on-error' = 'dead-letter', 'dead-letter.path' = 'bad.ndjson'); \
               SELECT a FROM i";
    assert_eq!(sorted(place.sql(sql).rows()), ["1", "2"]);
    let [letter] = &letters(&place)[..] else { panic!("one record is bad") };
    assert_eq!(letter["raw"], "z,\"two\nlines\"");
    assert_eq!((&letter["place"], &letter["position"]), (&json!("in.csv:4"), &json!(12)));
}

/// More files than are kept open to count their lines.
#[test]
fn letters_of_many_files_have_their_places() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("in")).unwrap();
    let name = |file: usize| format!("in/{file:03}.ndjson");
    let rows = "{\"v\":1}\nbad\n{\"v\":2}\nbad\n";
    (0..150).for_each(|file| place.write(&name(file), rows));
    let sql = "CREATE TABLE i (v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'in', \
               'format' = 'json', 'on-error' = 'dead-letter', 'dead-letter.path' = 'bad.ndjson'); \
               SELECT sum(v) AS s FROM i";
    assert_eq!(place.sql(sql).rows(), "s\n450\n");
    let mut places: Vec<String> =
        letters(&place).iter().map(|letter| letter["place"].as_str().unwrap().to_owned()).collect();
    places.sort();
    let mut expected: Vec<String> =
        (0..150).flat_map(|file| [2, 4].map(|line| format!("{}:{line}", name(file)))).collect();
    expected.sort();
    assert_eq!(places, expected);
}

#[test]
fn a_place_that_cannot_be_written_is_found_out_before_anything_is_read() {
    let place = keeping("{\"v\":\"x\"}\n");
    for (path, said) in [
        ("nowhere/bad.ndjson", "cannot write nowhere/bad.ndjson"),
        ("bad.ndjson/", "cannot write bad.ndjson/"),
    ] {
        place.write("ev.sql", keeping_table(path));
        let ended = place.sql("SELECT v FROM ev");
        ended.fails(1, &[said]);
        assert_eq!(ended.out, "");
    }
    place.write("ev.ndjson", "");
    place.write("ev.sql", keeping_table("nowhere/bad.ndjson"));
    place.sql("SELECT v FROM ev").fails(1, &["cannot write nowhere/bad.ndjson"]);
}

#[test]
fn a_query_that_fails_keeps_its_letters_and_an_earlier_ones_where_it_has_none() {
    let good = r#"{"k":"a","v":1,"ts":"2024-01-01T00:00:01"}"#;
    let zero = r#"{"k":"a","v":0,"ts":"2024-01-01T00:00:01"}"#;
    let place = keeping(format!("{good}\nbad\n{zero}\n"));
    let sql = "CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o.csv'); \
               INSERT INTO o SELECT 1 / v FROM ev";
    place.sql(sql).fails(1, &["ev.ndjson:3: division by zero"]);
    assert_eq!(place.names("."), ["bad.ndjson", "ev.ndjson", "ev.sql"], "no result, no rest");
    let [letter] = &letters(&place)[..] else { panic!("one row was bad") };
    assert_eq!(letter["raw"], "bad");

    place.write("ev.ndjson", format!("{zero}\n"));
    place.sql(sql).fails(1, &["ev.ndjson:1: division by zero"]);
    assert_eq!(letters(&place).len(), 1, "those of the run before");
    place.write("ev.ndjson", format!("{good}\n"));
    place.sql(sql).rows();
    assert_eq!(letters(&place).len(), 0, "this run has left out nothing");
}

#[test]
fn an_interrupted_query_keeps_its_letters() {
    let rows = crate::EVENTS.to_owned() + "bad\n";
    let place = keeping(rows.repeat(400_000));
    place.write("q.sql", "SET 'chunk-size' = '64 KiB'; SELECT count(*) AS n FROM ev;");
    let args =
        ["run", "ev.sql", "q.sql", "--workers", "1", "--progress", "always", "--stats", "s.json"];
    let mut command = place.command(&args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    assert!(!place.exists("bad.ndjson"), "not before the end");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    let stats: Value = serde_json::from_str(&place.read("s.json")).unwrap();
    let query = &stats["queries"][0];
    let kept = letters(&place).len();
    assert!(kept > 0 && kept < 400_000, "{kept}");
    assert_eq!(query["rejected"], json!(kept));
    assert_eq!(query["dead_letters"][0]["bad"], json!(kept));
    let note = format!("note: dead letters in bad.ndjson: {kept} bad, 0 late");
    assert!(rest.contains(&note), "{rest:?}");
    let left: Vec<String> = place.names(".");
    assert_eq!(left, ["bad.ndjson", "ev.ndjson", "ev.sql", "q.sql", "s.json"], "no temporary file");
}

#[test]
fn what_stays_unsaid_is_counted() {
    let place = Place::new();
    let stream = "'json', 'bounded' = 'false', 'flush-at-end' = 'false')";
    place.write("ev.sql", EVENT_TABLE.replace("'json')", stream));
    let args = ["run", "ev.sql", "-c", WINDOWS, "--format", "csv", "--stats", "s.json"];
    let ended = place.turgo(&args);
    assert_eq!(sorted(ended.rows()), ["1", "2"]);
    let note = "note: groups that are not shown, because their windows were open at the end: 1";
    assert!(ended.err.contains(note), "{}", ended.err);
    let stats: Value = serde_json::from_str(&place.read("s.json")).unwrap();
    assert_eq!(stats["queries"][0]["unsaid_groups"], json!(1));
    let explained = place.turgo(&["explain", "ev.sql", "-c", WINDOWS]);
    let said = "windows that are open at its end stay unsaid";
    assert!(explained.rows().contains(said), "{}", explained.out);
}
