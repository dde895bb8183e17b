//! Queries that work: where statements come from, how rows are written, what is counted.

use serde_json::{Value, json};

use crate::{Place, sorted};

#[test]
fn files_and_commands_are_one_script() {
    let place = Place::new();
    place.write("view.sql", "CREATE VIEW big AS SELECT k, v FROM ev WHERE v > 1;");
    let args = ["run", "ev.sql", "view.sql", "-c", "SELECT k, v FROM big", "-c", "-- nothing"];
    let ended = place.turgo(&[&args[..], &["--format", "csv"]].concat());
    assert_eq!(sorted(ended.rows()), [",4", "b,2"]);
    assert_eq!(ended.err, "");
}

#[test]
fn scripts_without_statements_do_nothing() {
    let place = Place::new();
    for script in ["", "-- a comment\n", "/* another */ ; ;\n", "\r\n\r\n", "\u{feff}"] {
        place.write("script.sql", script);
        let ended = place.turgo(&["run", "script.sql"]);
        assert_eq!((ended.rows(), ended.err.as_str()), ("", ""), "{script:?}");
    }
    place.write("script.sql", "\u{feff}SELECT 1 AS a;\r\n");
    assert_eq!(place.turgo(&["run", "script.sql", "-f", "csv"]).rows(), "a\n1\n");
}

#[test]
fn rows_are_written_in_every_format() {
    let place = Place::new();
    let shown = |format: &str| {
        let sql = "SELECT k, v FROM ev WHERE v > 1";
        place.turgo(&["run", "ev.sql", "-c", sql, "--format", format]).rows().to_owned()
    };
    assert_eq!(shown("csv"), "k,v\nb,2\n,4\n");
    assert_eq!(shown("ndjson"), "{\"k\":\"b\",\"v\":2}\n{\"k\":null,\"v\":4}\n");
    let rows: Value = serde_json::from_str(&shown("json")).unwrap();
    assert_eq!(rows, json!([{"k": "b", "v": 2}, {"k": null, "v": 4}]));
    assert_eq!(
        shown("table"),
        "+------+---+\n| k    | v |\n+------+---+\n| b    | 2 |\n| NULL | 4 |\n+------+---+\n"
    );
}

#[test]
fn stats_account_for_every_row() {
    let place = Place::new();
    let late = r#"{"k":"z","v":9,"ts":"2024-01-01T00:00:02"}"#;
    place.write("ev.ndjson", format!("{}{late}\nnot json\n", crate::EVENTS));
    place.write("ev.sql", crate::EVENT_TABLE.replace("'json')", "'json', 'on-error' = 'skip')"));
    let query = "SELECT window_start, count(*) n FROM ev WHERE v IS NOT NULL \
                 GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)";
    let args = ["run", "ev.sql", "-c", query, "-f", "csv", "-w", "2", "--stats", "stats.json"];
    let ended = place.turgo(&args);
    assert_eq!(sorted(ended.rows()), ["2024-01-01T00:00:00.000,2", "2024-01-01T00:00:20.000,1"]);
    assert!(ended.err.starts_with("note: 6 rows read: 3 used"), "{}", ended.err);
    let mut stats: Value = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert!(stats["cpu_seconds"].is_f64());
    assert!(stats["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    let entry = stats["queries"][0].take();
    assert!(entry["wall_seconds"].as_f64().unwrap() > 0.0);
    let count = |key: &str| entry[key].as_u64().unwrap();
    let counts = ["rows_in", "used", "late", "late_partial", "rejected", "filtered", "rows_out"];
    assert_eq!(counts.map(count), [6, 3, 1, 0, 1, 1, 2]);
    assert_eq!((entry["statement"].as_str(), &entry["interrupted"]), (Some(query), &json!(false)));
    assert_eq!(entry["sinks"], json!([{"name": "stdout csv", "rows": 2}]));
    let source = &entry["sources"][0];
    assert_eq!((&source["table"], &source["rows_in"]), (&json!("ev"), &json!(6)));
    assert_eq!(
        source["partitions"][0],
        json!({
            "name": "ev.ndjson", "active": false, "rows": 6, "batches": 1,
            "bytes": source["bytes_in"], "watermark_us": 1_704_067_221_000_000_i64,
        })
    );
}

#[test]
fn bytes_are_those_of_the_file_however_it_is_cut() {
    let place = Place::new();
    place.write("in.csv", format!("\u{feff}number\n{}", "1\n".repeat(100)));
    let table = "CREATE TABLE i (number BIGINT) \
                 WITH ('connector' = 'filesystem', 'path' = 'in.csv'); \
                 SELECT sum(number) FROM i";
    for size in ["1 B", "50 B", "4 MiB"] {
        let sql = format!("SET 'chunk-size' = '{size}'; {table}");
        place.turgo(&["run", "-c", &sql, "--stats", "stats.json"]).rows();
        let stats: Value = serde_json::from_str(&place.read("stats.json")).unwrap();
        assert_eq!(stats["queries"][0]["sources"][0]["bytes_in"], json!(210), "{size}");
    }
}

#[test]
fn stats_name_the_query_that_failed() {
    let place = Place::new();
    let sql = "SELECT count(*) n FROM ev; SELECT 1 / (v - v) FROM ev";
    let ended = place.turgo(&["run", "ev.sql", "-c", sql, "--stats", "stats.json"]);
    ended.fails(1, &["division by zero"]);
    let stats: Value = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert_eq!(stats["queries"][0]["used"], json!(4));
    assert_eq!(stats["queries"][1]["code"], json!("data"));
}

#[test]
fn workers_of_the_command_line_win() {
    let place = Place::new();
    let sql = "SET 'workers' = '3'; SELECT k, count(*) n FROM ev GROUP BY k";
    for more in [&[][..], &["--workers", "1"], &["--workers", "7"]] {
        let args = [&["run", "ev.sql", "-c", sql, "--format", "csv"], more].concat();
        assert_eq!(sorted(place.turgo(&args).rows()), [",1", "a,2", "b,1"], "{more:?}");
    }
}

#[test]
fn answers_do_not_depend_on_the_size_of_batches_and_chunks() {
    let place = Place::new();
    let sql = "SET 'batch-rows' = '1'; SET 'chunk-size' = '1 B'; SET 'edge-size' = '1 B'; \
               SELECT k, sum(v) s FROM ev GROUP BY k";
    assert_eq!(sorted(place.sql(sql).rows()), [",4", "a,1", "b,2"]);
}

#[test]
fn plans_are_shown_as_text_and_json() {
    let place = Place::new();
    let query = "SELECT k, count(*) n FROM ev GROUP BY k";
    let text = place.turgo(&["explain", "ev.sql", "-c", query]);
    for part in [
        "Logical plan",
        "scan ev, filesystem json ev.ndjson: k, ts; event time ts, watermark ts - 4s",
        "-> stage 1, by hash of k: partial states (one worker: rows), merged by the owner of their key",
        "-> stdout table",
    ] {
        assert!(text.rows().contains(part), "no {part:?} in:\n{}", text.out);
    }
    let inner = place.turgo(&["run", "ev.sql", "-c", &format!("EXPLAIN {query}")]);
    assert_eq!(inner.rows(), text.out);
    let json = place.turgo(&["explain", "ev.sql", "-c", query, "--format", "json"]);
    let plan: Value = serde_json::from_str(json.rows()).unwrap();
    assert_eq!(plan["stages"].as_array().unwrap().len(), 2);
    assert_eq!(plan["stages"][0]["output"]["distribution"], json!("hash"));
}

#[test]
fn declarations_are_described_as_they_were_written() {
    let place = Place::new();
    let sql = "CREATE TABLE t (a ROW<b BIGINT>, c AS a.b + 1, d INT NOT NULL, t TIMESTAMP(3), \
               WATERMARK FOR t AS t - INTERVAL '4' SECOND) \
               WITH ('connector' = 'filesystem', 'path' = 't.json'); DESCRIBE t";
    let ended = place.sql(sql);
    assert_eq!(
        ended.rows().lines().collect::<Vec<_>>(),
        [
            "column,type,notes",
            "a,ROW<b BIGINT>,\"\"",
            "c,BIGINT,computed: a.b + 1",
            "d,INT,NOT NULL",
            "t,TIMESTAMP(3),\"event time, watermark t - INTERVAL '4' SECOND\"",
        ]
    );
}

#[test]
fn a_missing_watermark_is_told_once() {
    let place = Place::new();
    place.write(
        "ev.sql",
        crate::EVENT_TABLE.replace(", WATERMARK FOR ts AS ts - INTERVAL '4' SECOND", ""),
    );
    let query = "SELECT window_start, count(*) FROM ev GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)";
    let ended = place.sql(&format!("{query} UNION ALL {query}"));
    assert_eq!(sorted(ended.rows()).len(), 6);
    assert_eq!(
        ended.err,
        "warning: table ev declares no watermark: windows are held until the input ends\n"
    );
}

#[test]
fn functions_of_order_follow_the_file_whoever_works_on_it() {
    use std::fmt::Write as _;
    let place = Place::new();
    let mut rows = String::new();
    for v in 0..2_000 {
        let _ = writeln!(rows, "{{\"k\":\"a\",\"v\":{v},\"ts\":\"2024-01-01T00:00:00\"}}");
    }
    place.write("ev.ndjson", rows);
    let sql = "SET 'chunk-size' = '256'; SET 'batch-rows' = '2'; \
               SELECT k, first_value(v) AS f, last_value(v) AS l FROM ev GROUP BY k";
    for workers in ["1", "2", "4", "4", "4", "7"] {
        let args = ["run", "ev.sql", "-c", sql, "--format", "csv", "--workers", workers];
        assert_eq!(place.turgo(&args).rows(), "k,f,l\na,0,1999\n", "{workers} workers");
    }
}

/// Every instance runs, each query has a trace of its own, and what the workers did is counted.
#[test]
fn traces_show_which_worker_ran_which_instance() {
    let place = Place::new();
    let grouped = "SELECT k, sum(v) FROM ev GROUP BY k";
    let args = ["run", "ev.sql", "-c", grouped, "-c", "SELECT v FROM ev", "-w", "2"];
    place.turgo(&[&args[..], &["--trace", "t.json", "--stats", "s.json"]].concat()).rows();
    let slices = |name: &str| {
        let trace: Value = serde_json::from_str(&place.read(name)).unwrap();
        let events = trace["traceEvents"].as_array().expect("a list").clone();
        let is_slice = |event: &&Value| event["ph"] == "X" || event["ph"] == "B";
        let names = events.iter().filter(is_slice).map(|event| event["name"].to_string());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    for name in ["stage 0, instance 0", "stage 0, instance 1", "stage 1, instance 1"] {
        let found = slices("t.json");
        assert!(found.iter().any(|slice| slice.contains(name)), "no {name} in {found:?}");
    }
    assert!(slices("t.2.json").iter().all(|slice| slice.contains("stage 0")));
    let stats: Value = serde_json::from_str(&place.read("s.json")).unwrap();
    for (query, instances) in [(0, 4), (1, 2)] {
        let workers = stats["queries"][query]["scheduler"]["workers"].as_array().unwrap();
        let turns: u64 = workers.iter().filter_map(|worker| worker["turns"].as_u64()).sum();
        assert!(workers.len() == 2 && turns >= instances, "{workers:?}");
    }
    let ended = place.turgo(&["run", "-c", "SELECT 1", "--trace", "no/such/place"]);
    ended.fails(1, &["cannot write no/such/place"]);
}
