//! The shell as somebody meets who types into it, and as a script that pipes into it.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::terminal::{CTRL_C, CTRL_D, CTRL_R, PROMPT, Terminal, UP};
use crate::{Ended, Place};

/// Tables that never end.
const ENDLESS: &str = "
CREATE TABLE n (v BIGINT, at TIMESTAMP(3), WATERMARK FOR at AS at)
WITH ('connector' = 'datagen', 'rows-per-second' = '100', 'fields.v.kind' = 'sequence',
  'fields.at.kind' = 'sequence');
CREATE TABLE o (v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o.csv');
";

impl Place {
    fn shell(&self) -> Terminal {
        Terminal::shell(self.path(), &["ev.sql"])
    }

    /// Runs the shell with `input` piped into it.
    fn pipe(&self, args: &[&str], input: &str) -> Ended {
        let mut command = self.command(&[&["sql"], args].concat());
        command.env("HOME", self.path()).env_remove("XDG_STATE_HOME");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A shell that has failed reads no further.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        Ended::of(&child.wait_with_output().expect("it ends"))
    }
}

#[test]
fn a_statement_runs_when_its_semicolon_has_been_typed() {
    let place = Place::new();
    let mut shell = place.shell();
    let seen = shell.line("SELECT k, v FROM ev WHERE v = 2;", "(1 row, ");
    assert!(seen.contains("| b | 2 |"), "{seen}");
    shell.press("SELECT ';' AS semicolon, -- no end;\r");
    shell.until("  ...> ");
    shell.press("count(*) AS n\r");
    shell.until("  ...> ");
    let seen = shell.line("FROM ev; SELECT 'two' AS more;", "two");
    assert!(seen.contains("| ;         | 4 |"), "{seen}");
    // A pasted text is one entry, with as many statements and commands as it has lines.
    shell.press(
        "\x1b[200~SELECT 'pa'\n|| 'sted' AS x;\n\\timing on\nSELECT nonsense;\n\\dt\n\x1b[201~",
    );
    let seen = shell.line("", "| ev   | table |");
    for part in ["| pasted |", "timing is on", "input:4:8"] {
        assert!(seen.contains(part), "no {part:?} in {seen}");
    }
    // Changes are told, too.
    shell.line("CREATE VIEW w AS SELECT v FROM ev;", "view w is declared");
    shell.press(CTRL_D);
    let (code, _) = shell.end();
    assert_eq!(code, Some(0));
}

#[test]
fn an_error_points_into_the_statement_and_changes_nothing() {
    let place = Place::new();
    let mut shell = place.shell();
    shell.press("SELECT k,\r");
    shell.until("  ...> ");
    let seen = shell.line("  vv FROM ev;", "the columns are `k`, `v`, `ts`");
    for part in ["there is no column `vv`", "input:2:3", "^^"] {
        assert!(seen.contains(part), "no {part:?} in {seen}");
    }
    shell.line("SET 'workers' = '3';", "workers is set");
    shell.line("CREATE TABLE ev (v BIGINT) WITH ('connector' = 'print');", "there is a table");
    shell.line("SELECT 1 / (v - v) FROM ev;", "error: ");
    let seen = shell.line("SHOW ALL;", "edge-size");
    let set = |line: &str| line.starts_with("| workers ") && line.contains(" | 3 ");
    assert!(seen.lines().any(set), "{seen}");
    shell.line("SELECT sum(v) AS v FROM ev;", "| 7 |");
}

#[test]
fn tab_completes_tables_columns_keywords_and_files() {
    let place = Place::new();
    place.write("more.sql", "CREATE VIEW included AS SELECT k AS letter FROM ev;");
    let mut shell = place.shell();
    shell.line("CREATE VIEW evening_flights AS SELECT v AS velocity FROM ev;", "is declared");
    shell.press("sel\t");
    shell.until("select");
    shell.press(" velo\t");
    shell.until("velocity");
    shell.press(", velocity IS NULL AS unknown FROM eve\t");
    shell.until("evening_flights");
    shell.line(" WHERE velocity = 4;", "(1 row");
    // Two that fit are listed.
    shell.press("SELECT v FROM ev\t");
    let seen = shell.until("evening_flights");
    assert!(seen.contains("ev  "), "{seen}");
    shell.until("turgo> SELECT v FROM ev");
    shell.clear();
    // Columns of the lines before, of a name for a table.
    shell.press("SELECT v FROM ev AS e\r");
    shell.until("  ...> ");
    shell.press("WHERE e.t\t");
    shell.until("e.ts");
    shell.clear();
    shell.press("\\i mor\t");
    shell.until("more.sql");
    shell.line("", "view included is declared");
    shell.press("\\tim\t");
    shell.line("", "timing is on");
}

#[test]
fn ctrl_c_stops_the_query_and_not_the_shell() {
    let place = Place::new();
    place.write("endless.sql", ENDLESS);
    let mut shell = Terminal::shell(place.path(), &["endless.sql"]);
    shell.press("SELECT v FROM n;\r");
    // Rows come while the query runs.
    for row in ["| v", "| 0 ", "| 50 "] {
        shell.until(row);
    }
    shell.press(CTRL_C);
    let seen = shell.until("interrupted: results are incomplete");
    assert!(seen.contains(" rows read: "), "{seen}");
    shell.until(PROMPT);
    shell.line("SELECT 6 * 7 AS answer;", "42");
    // What an interrupted INSERT did not write may be written by the next.
    shell.press("INSERT INTO o SELECT v FROM n; SELECT 'not' || ' run';\r");
    shell.until(" rows in, ");
    shell.press(CTRL_C);
    let seen = shell.until("interrupted: results are incomplete");
    shell.until(PROMPT);
    assert!(!seen.contains("not run"), "{seen}");
    assert!(!place.exists("o.csv"));
    shell.line("INSERT INTO o SELECT 7;", "o: 1 row written");
    assert_eq!(place.read("o.csv"), "v\n7\n");
    shell.press("\\q\r");
    let (code, seen) = shell.end();
    assert_eq!(code, Some(0), "{seen}");
}

#[test]
fn rows_and_progress_share_the_screen() {
    let place = Place::new();
    place.write("endless.sql", ENDLESS);
    let mut shell = Terminal::shell(place.path(), &["endless.sql"]);
    shell.press("SELECT v FROM n;\r");
    shell.until(" rows in, ");
    shell.until("| 150 ");
    shell.press(CTRL_C);
    shell.until(PROMPT);
    let raw = shell.raw();
    let drawn: Vec<&str> = raw.split("\r\x1b[2K").filter(|p| p.contains(" rows in, ")).collect();
    // Where Ctrl-C is pressed, the line stays as it is.
    let (_, before) = drawn.split_last().expect("there was progress");
    assert!(!before.is_empty(), "{raw}");
    assert!(before.iter().all(|part| !part.contains('|')), "{before:?}");
}

#[test]
fn ctrl_c_at_the_prompt_clears_what_is_typed() {
    let place = Place::new();
    let mut shell = place.shell();
    shell.press("SELECT 'never\r");
    shell.until("  ...> ");
    shell.press("closed");
    shell.clear();
    shell.press("nonsense");
    shell.clear();
    shell.line("SELECT 'cl' || 'ean' AS x;", "clean");
}

#[test]
fn history_is_kept_from_one_shell_to_the_next() {
    let place = Place::new();
    let mut shell = place.shell();
    shell.press("SELECT 'one'\r");
    shell.until("  ...> ");
    shell.line("|| ' \\ ' || 'two' AS whole;", "one \\ two");
    shell.line("SELECT nonsense;", "there is no column");
    shell.press("exit\r");
    assert_eq!(shell.end().0, Some(0));
    let file = place.read(".local/state/turgo/history");
    assert_eq!(
        file.lines().collect::<Vec<_>>(),
        ["#V2", "SELECT 'one'\\n|| ' \\\\ ' || 'two' AS whole;", "SELECT nonsense;", "exit"]
    );
    let mut shell = place.shell();
    shell.press(&format!("{UP}{UP}"));
    shell.until("SELECT nonsense;");
    // Both lines are one entry.
    shell.press(UP);
    shell.until("AS whole;");
    shell.line("", "| one \\ two |");
    shell.press(&format!("{CTRL_R}nonse"));
    shell.until("SELECT nonsense;");
    shell.line("", "there is no column");
}

#[test]
fn a_history_that_cannot_be_kept_is_no_error() {
    let place = Place::new();
    place.write(".local", "no directory");
    let mut shell = place.shell();
    shell.line("SELECT 'fine' AS x;", "| fine |");
    drop(shell);
    let place = Place::new();
    let mut shell = Terminal::shell(place.path(), &["--no-history"]);
    shell.line("SELECT 'fine' AS x;", "| fine |");
    shell.press(UP);
    shell.until("SELECT 'fine' AS x;");
    assert!(!place.exists(".local"));
}

#[test]
fn commands_tell_what_there_is() {
    let place = Place::new();
    let mut shell = place.shell();
    shell.line("CREATE VIEW w AS SELECT v FROM ev;", "is declared");
    let seen = shell.line("\\d", "| w    | view  |            |");
    assert!(seen.contains("| ev   | table | filesystem |"), "{seen}");
    let seen = shell.line("\\dt", "| ev   | table | filesystem |");
    assert!(!seen.contains("view"), "{seen}");
    let seen = shell.line("\\d ev", "WITH ('connector' = 'filesystem', 'format' = 'json', ");
    assert!(seen.contains("event time, watermark ts - INTERVAL '4' SECOND"), "{seen}");
    shell.line("\\d w", "BIGINT");
    shell.line("\\d evv", "did you mean `ev`?");
    shell.line("\\?", "\\timing");
    shell.line("\\timing", "timing is on");
    let seen = shell.line("SELECT count(*) AS n FROM ev;", "4 rows read, ");
    assert!(seen.contains("time 0.") || seen.contains("time 1"), "{seen}");
    shell.line("\\timing off", "timing is off");
    shell.line("\\format csv", "rows are written as csv");
    let seen = shell.line("SELECT 1 AS a, 2 AS b;", "1,2");
    assert!(!seen.contains("1 row"), "{seen}");
    shell.line("\\timign", "did you mean \\timing?");
    shell.line("\\i missing.sql", "cannot read missing.sql: No such file");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let place = Place::new();
    for (no_color, colored) in [("", true), ("1", false)] {
        let mut shell = Terminal::start(place.path(), &["sql"], &[("NO_COLOR", no_color)]);
        shell.until(PROMPT);
        shell.line("SELECT nonsense;", "there is no column");
        assert_eq!(shell.raw().contains("\x1b[34mSELECT"), colored, "{:?}", shell.raw());
        assert_eq!(shell.raw().contains("\x1b[1m\x1b[91merror"), colored, "{:?}", shell.raw());
    }
}

#[test]
fn a_shell_that_is_told_to_end_ends() {
    let place = Place::new();
    place.write("endless.sql", ENDLESS);
    for running in [false, true] {
        let mut shell = Terminal::shell(place.path(), &["endless.sql"]);
        if running {
            shell.press("SELECT v FROM n;\r");
            shell.until("| 0 ");
        }
        assert_eq!(shell.is_plain(), running, "the editor changes how the terminal works");
        let id = shell.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        let (code, seen) = shell.end();
        assert_eq!(code, Some(130), "{seen}");
        assert!(shell.is_plain(), "and puts it back");
        assert_eq!(seen.contains("interrupted: results are incomplete"), running, "{seen}");
    }
}

#[test]
fn piped_statements_run_one_after_another() {
    let place = Place::new();
    let ended = place.pipe(
        &["--format", "csv", "ev.sql"],
        "\u{feff}-- all of them; in order\nSELECT max(v) AS m\nFROM ev; SELECT 'ä;' AS x;\n\\format json\n\
         SELECT 1 AS last",
    );
    assert_eq!(ended.rows(), "m\n4\nx\nä;\n[\n{\"last\":1}\n]\n");
    assert_eq!(ended.err, "rows are written as json\n");
    assert!(!place.exists(".local"), "no history of what nobody typed");
    // What follows \q is not run.
    assert_eq!(place.pipe(&[], "\\q\nSELECT 1;").rows(), "");
}

#[test]
fn the_first_failure_ends_a_piped_shell_with_its_place() {
    let place = Place::new();
    let ended = place.pipe(
        &["-f", "csv", "ev.sql"],
        "SELECT 1 AS a;\n\nSELECT 2 AS b; SELECT w\nFROM ev;\nSELECT 3;",
    );
    ended.fails(1, &["there is no column `w`", "standard input:3:23", "^"]);
    assert_eq!(ended.out, "a\n1\nb\n2\n");
    place.pipe(&[], "\\nonsense\n").fails(1, &["there is no command \\nonsense"]);
    place.pipe(&[], "SELECT 'open").fails(1, &["a string is never closed", "standard input:1:8"]);
    place.pipe(&["missing.sql"], "").fails(2, &["cannot read missing.sql"]);
}

#[test]
fn rows_of_a_piped_statement_come_before_the_next_is_read() {
    use std::io::{BufRead, BufReader};
    let place = Place::new();
    let mut command = place.command(&["sql", "--format", "ndjson"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    for n in 1..4 {
        writeln!(keys, "SELECT {n} AS n;").unwrap();
        assert_eq!(rows.next().unwrap().unwrap(), format!("{{\"n\":{n}}}"));
    }
    drop(keys);
    assert!(child.wait().unwrap().success());
}
