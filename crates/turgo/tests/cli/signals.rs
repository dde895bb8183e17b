//! Ends from outside: Ctrl-C and the request to terminate, in the middle of a query, and a reader of
//! the results who has seen enough.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::Place;

#[test]
fn an_interrupted_query_leaves_nothing_behind() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(400_000));
    place.write(
        "q.sql",
        "SET 'chunk-size' = '64 KiB';
         CREATE TABLE o (k VARCHAR, v BIGINT)
         WITH ('connector' = 'filesystem', 'path' = 'out/o.csv');
         INSERT INTO o SELECT k, v FROM ev;
         SELECT 'never reached';",
    );
    std::fs::create_dir(place.path().join("out")).unwrap();
    for signal in ["INT", "TERM"] {
        let args = [
            "run",
            "ev.sql",
            "q.sql",
            "--workers",
            "1",
            "--progress",
            "always",
            "--stats",
            "s.json",
        ];
        let mut command = place.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // The first line of progress: the query runs, and is far from its end.
        let progress = lines.next().unwrap().unwrap();
        for part in [" rows in, ", " rows out, ", " rows/s, ", " %, about ", " left"] {
            assert!(progress.contains(part), "no {part:?} in {progress:?}");
        }
        assert_eq!(place.names("out").len(), 1, "the temporary file");
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{signal}: {rest:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stdout), "");
        assert!(rest.contains(&"turgo: stopping; press Ctrl-C again to stop at once".into()));
        assert!(rest.last().unwrap().starts_with("interrupted: results are incomplete"));
        assert_eq!(place.names("out"), Vec::<String>::new(), "{signal}");
        assert!(place.read("s.json").contains("\"interrupted\": true"));
    }
}

#[test]
fn a_closed_standard_output_stops_only_what_writes_to_it() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(100_000));
    place.write(
        "q.sql",
        "SELECT * FROM ev;
         CREATE TABLE o (k VARCHAR, n BIGINT)
         WITH ('connector' = 'filesystem', 'path' = 'o.csv');
         SHOW TABLES;
         EXPLAIN SELECT * FROM ev;
         SELECT 1 / (v - v) FROM ev;
         INSERT INTO o SELECT k, count(*) FROM ev GROUP BY k;
         SELECT * FROM ev;",
    );
    for format in ["csv", "json", "ndjson", "table"] {
        let args = ["run", "ev.sql", "q.sql", "--format", format];
        let mut command = place.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), &*said), (Some(0), "o: 3 rows written\n"), "{format}");
        assert_eq!(crate::sorted(&place.read("o.csv")), [",100000", "a,200000", "b,100000"]);
    }
}
