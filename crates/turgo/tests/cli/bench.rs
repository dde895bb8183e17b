//! `turgo bench` with few rows: every answer is checked, records are JSON, runs are compared.

use serde_json::Value;

use crate::Place;

const SCENARIOS: [&str; 9] =
    ["0", "1", "2", "2 once", "3a", "3a open", "3b", "3a dense", "3b dense"];
const QUERIES: [&str; 8] = ["q0", "q1", "q2", "q5", "q7", "q11", "tumble", "hop"];

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn names(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["query"].as_str().expect("a query has a name")).collect()
}

#[test]
fn every_scenario_is_right_and_said_so() {
    let place = Place::new();
    for workers in ["1", "3"] {
        let args = ["bench", "scenarios", "--rows", "20000", "--runs", "1", "--workers", workers];
        let ended = place.turgo(&[&args[..], &["--json", "s.ndjson"]].concat());
        let table = ended.rows();
        for line in ["3a  ", "3a open  ", "2 once  "] {
            let line = table.lines().find(|shown| shown.starts_with(line)).expect("a line each");
            assert!(line.contains(" right "), "{line}");
        }
        let records = records(&place.read("s.ndjson"));
        assert_eq!(names(&records), SCENARIOS);
        let rows: Vec<u64> = records.iter().map(|r| r["rows_out"].as_u64().unwrap()).collect();
        assert_eq!(rows, [20000, 20000, 20000, 200, 20000, 19940, 20000, 100, 39900]);
        assert!(records.iter().all(|r| r["workers"] == workers.parse::<u64>().unwrap()));
    }
}

#[test]
fn the_example_of_the_scenarios_says_how_many_rows_there_are() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/scenarios.sql");
    for workers in ["1", "3"] {
        let ended = Place::new().turgo(&["run", script, "--workers", workers]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let counts: Vec<&str> =
            ended.err.lines().filter(|line| line.ends_with("written")).collect();
        let right = [
            "filtered: 20000 rows written",
            "means: 20000 rows written",
            "symbols: 20000 rows written",
            "totals: 20000 rows written",
            "totals: 19940 rows written",
            "totals: 20000 rows written",
        ];
        assert_eq!(counts, right);
    }
}

#[test]
fn every_nexmark_query_is_right_from_everywhere() {
    let place = Place::new();
    place
        .turgo(&[
            "run",
            "-c",
            "
        CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
          date_time TIMESTAMP(3), extra VARCHAR)
        WITH ('connector' = 'nexmark', 'table' = 'bid', 'rows' = '20_000');
        CREATE TABLE o (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
          date_time TIMESTAMP(3), extra VARCHAR)
        WITH ('connector' = 'filesystem', 'path' = 'it''s.ndjson');
        INSERT INTO o SELECT * FROM bid",
            "--workers",
            "1",
        ])
        .rows();
    let args = ["bench", "nexmark", "--runs", "2", "--workers", "2", "--json", "-", "--source"];
    let mut answers: Vec<Vec<Value>> = Vec::new();
    for more in [
        &["memory", "--rows", "20000"][..],
        &["generator", "--rows", "20000"],
        &["it's.ndjson"],
        &["it's.ndjson", "--in-memory"],
    ] {
        let ended = place.turgo(&[&args[..], more].concat());
        let records = records(ended.rows());
        assert_eq!(names(&records), QUERIES);
        assert!(records.iter().all(|r| r["rows"] == 20000 && r["rows_out"] == 1));
        assert!(records.iter().all(|r| r["walls"].as_array().unwrap().len() == 2));
        assert!(ended.err.contains("M rows/core s"), "the table is on standard error");
        answers.push(records.into_iter().map(|mut record| record["row"].take()).collect());
    }
    assert_eq!(answers[0][0][0], 20000);
    for other in &answers[1..] {
        assert_eq!(other[3..], answers[0][3..]);
        assert_eq!(other[0], answers[0][0]);
    }
}

#[test]
fn a_run_is_compared_with_an_earlier_one_of_the_same() {
    let place = Place::new();
    let run = |args: &[&str]| {
        place.turgo(&[&["bench", "scenarios", "--runs", "2", "--workers", "1"][..], args].concat())
    };
    run(&["0", "--rows", "1000", "--json", "before.ndjson"]).rows();
    let same = run(&["0", "--rows", "1000", "--baseline", "before.ndjson"]);
    assert!(same.rows().contains("Against before.ndjson"), "{}", same.out);
    // A baseline that is slower than anything, and one that is faster.
    for (factor, said) in [(1e6, " faster"), (1e-6, " SLOWER")] {
        let mut record = records(&place.read("before.ndjson")).remove(0);
        for key in ["walls", "cpus"] {
            for seconds in record[key].as_array_mut().unwrap() {
                *seconds = Value::from(seconds.as_f64().unwrap() * factor);
            }
        }
        place.write("changed.ndjson", record.to_string());
        let ended = run(&["0", "--rows", "1000", "--baseline", "changed.ndjson"]);
        assert_eq!(ended.rows().matches(said).count(), 2, "{}", ended.out);
    }
    for (args, said) in [
        (&["0", "--rows", "1001"][..], "its 0 has 1000 rows, not 1001"),
        (&["0", "3a", "--rows", "1000"], "it has 0; this run has 0, 3a"),
        (&["0", "--rows", "1000", "-w", "2"], "it ran with 1 workers, not 2"),
    ] {
        let mut command = vec!["bench", "scenarios", "--baseline", "before.ndjson"];
        if !args.contains(&"-w") {
            command.extend(["-w", "1"]);
        }
        place.turgo(&[&command[..], args].concat()).fails(2, &["before.ndjson cannot be", said]);
    }
    place.write("other.ndjson", "{\"query\": 1}\n");
    run(&["0", "--baseline", "other.ndjson"])
        .fails(2, &["other.ndjson, line 1: this is no record"]);
}

#[test]
fn every_lock_can_be_put_back() {
    let place = Place::new();
    let args = ["bench", "scenarios", "--ablate", "--rows", "40000", "--runs", "1"];
    let table = place.turgo(&args).rows().to_owned();
    for strategy in
        ["ours", "engine in a RwLock", "channel of rows", "shared accumulators", "locked metadata"]
    {
        // Two scenarios with two and four workers, and what it is.
        let lines = table.lines().filter(|line| line.trim_start().starts_with(strategy));
        assert_eq!(lines.count(), 5, "{strategy}:\n{table}");
    }
    assert!(table.matches(" 1.00").count() >= 8, "ours is the measure of itself:\n{table}");
}

#[test]
fn every_structure_gives_back_what_was_put_in() {
    let place = Place::new();
    for workers in ["1", "3"] {
        let few = ["bench", "core", "--operations", "5000", "--runs", "2", "--workers", workers];
        let ended = place.turgo(&[&few[..], &["--json", "core.ndjson"]].concat());
        let table = ended.rows();
        for line in ["SegmentQueue  ", "deque  ", "ring::spsc  ", "RcuHashMap  ", "Counter  "] {
            let line = table.lines().find(|shown| shown.starts_with(line)).expect("a line each");
            assert!(line.contains(" right "), "{line}");
        }
        let records = records(&place.read("core.ndjson"));
        assert_eq!(records.len(), 17);
        let threads: u64 = workers.parse().unwrap();
        let of = |name: &str| {
            let record = records.iter().find(|record| record["query"] == name).unwrap();
            (record["rows"].as_u64().unwrap(), record["row"][0].as_u64().unwrap())
        };
        assert_eq!(of("MsQueue"), (5000 * threads, threads * 4999 * 5000 / 2));
        assert_eq!(of("ring::spsc"), (10_000, 4999 * 5000 / 2));
        assert_eq!(of("Counter"), (5000 * threads, 5000 * threads));
        let again = place.turgo(&[&few[..], &["map", "--baseline", "core.ndjson"]].concat());
        again.fails(2, &["cannot be compared with this run"]);
    }
}

#[test]
fn wrong_usage_is_refused() {
    let place = Place::new();
    for (args, said) in [
        (&["scenarios", "4"][..], "possible values: 0, 1, 2, 3a, 3b"),
        (&["scenarios", "0", "--ablate"], "cannot be used with"),
        (&["nexmark", "q4"], "possible values: q0, q1, q2"),
        (&["nexmark", "--source", "bids.txt"], "a file that ends in .ndjson, .csv or .parquet"),
        (&["nexmark", "--source", "a.csv", "--rows", "5"], "a file has its own"),
        (&["nexmark", "--source", "generator", "--in-memory"], "--source memory"),
        (&["nexmark", "--baseline", "none"], "cannot read none"),
        (&["core", "tree"], "possible values: queue, stack, deque"),
    ] {
        place.turgo(&[&["bench"], args].concat()).fails(2, &[said]);
    }
    place.write("late.ndjson", concat!(
        r#"{"auction":1,"bidder":1,"price":1,"channel":"","url":"","date_time":"2024-01-01T00:01:00","extra":""}"#, "\n",
        r#"{"auction":1,"bidder":1,"price":1,"channel":"","url":"","date_time":"2024-01-01T00:00:00","extra":""}"#, "\n",
        r#"{"auction":1,"bidder":1,"channel":"","url":"","date_time":"2024-01-01T00:00:00","extra":""}"#, "\n",
    ));
    let late = place.turgo(&["bench", "nexmark", "tumble", "--source", "late.ndjson"]);
    late.fails(1, &["a bid without `price` is no bid"]);
    assert_eq!(late.out, "");
    let two: String = place.read("late.ndjson").lines().take(2).map(|l| format!("{l}\n")).collect();
    place.write("late.ndjson", two);
    let late = place.turgo(&["bench", "nexmark", "tumble", "--source", "late.ndjson"]);
    late.fails(1, &["rows were left out: 1 late"]);
    assert_eq!(late.out, "", "no rate without a right answer");
}
