//! Help, and commands that make no sense.

use crate::Place;

#[test]
fn help_says_what_there_is() {
    let place = Place::new();
    let short = place.turgo(&["--help"]);
    for line in [
        "Usage: turgo <COMMAND>",
        "  run          Run statements until their inputs end, or Ctrl-C",
        "  sql          Open a shell: history, completion, results as they come",
        "  completions  Print completions for a shell",
    ] {
        assert!(short.rows().lines().any(|l| l == line), "no {line:?} in:\n{}", short.out);
    }
    for help in ["-h", "--help"] {
        let run = place.turgo(&["run", help]);
        for part in [
            "turgo run tables.sql query.sql --workers 4 --stats stats.json",
            "Results go to standard output, everything else to standard error.",
            "Exit status: 0 done, 1 an error in a query or its data, 2 wrong usage, 130 interrupted.",
            "-w, --workers <N>",
            "[default: one for each processor]",
            "table, csv, json, ndjson",
            "auto, always, never",
        ] {
            let found = run.rows().contains(part) || (help == "--help" && part.contains(", "));
            assert!(found, "no {part:?} in:\n{}", run.out);
        }
        assert!(run.out.lines().all(|line| line.chars().count() <= 100), "{}", run.out);
    }
    let long = place.turgo(&["run", "--help"]);
    assert!(long.rows().contains("- ndjson: One JSON object per line"), "{}", long.out);
    let shell = place.turgo(&["sql", "--help"]);
    for part in ["turgo sql [OPTIONS] [FILE]...", "--no-history", "Ctrl-D leaves.", "| turgo sql"] {
        assert!(shell.rows().contains(part), "no {part:?} in:\n{}", shell.out);
    }
    assert!(shell.out.lines().all(|line| line.chars().count() <= 100), "{}", shell.out);
    assert!(place.turgo(&["explain", "-h"]).rows().contains("text, json, dot"));
    assert!(place.turgo(&["--version"]).rows().starts_with("turgo "));
}

#[test]
fn shells_get_completions_of_every_command() {
    let place = Place::new();
    for (shell, part) in
        [("bash", "complete -F _turgo"), ("zsh", "#compdef turgo"), ("fish", "complete -c turgo")]
    {
        let script = place.turgo(&["completions", shell]);
        for word in [part, "explain", "progress", "ndjson"] {
            assert!(script.rows().contains(word), "no {word:?} for {shell}");
        }
    }
    place.turgo(&["completions", "tcsh"]).fails(2, &["possible values", "bash"]);
}

#[test]
fn a_plan_is_drawn_for_graphviz() {
    let place = Place::new();
    let query = "SELECT k, count(*) FROM ev GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE)";
    let dot = place.turgo(&["explain", "ev.sql", "-c", query, "--format", "dot"]);
    for part in ["digraph turgo {", "stage0 -> stage1 [label=\"by hash of k", "stage1 -> sink1;"] {
        assert!(dot.rows().contains(part), "no {part:?} in:\n{}", dot.out);
    }
    assert_eq!(dot.out.matches('{').count(), dot.out.matches('}').count());
}

#[test]
fn wrong_usage_exits_with_2() {
    let place = Place::new();
    for (args, said) in [
        (&[][..], "Usage: turgo <COMMAND>"),
        (&["rn"], "unrecognized subcommand 'rn'"),
        (&["run"], "--command <SQL>"),
        (&["explain"], "--command <SQL>"),
        (&["run", "ev.sql", "--fromat", "csv"], "a similar argument exists: '--format'"),
        (&["run", "ev.sql", "--format", "cvs"], "possible values: table, csv, json, ndjson"),
        (&["run", "ev.sql", "--workers", "0"], "1..=256"),
        (&["run", "ev.sql", "--workers", "many"], "invalid value 'many'"),
        (&["explain", "ev.sql", "--format", "svg"], "possible values: text, json, dot"),
        (&["run", "missing.sql"], "cannot read missing.sql: No such file"),
        (&["run", "."], "cannot read .: Is a directory"),
        (&["run", "latin.sql"], "cannot read latin.sql: line 2 is not UTF-8 text"),
    ] {
        place.write("latin.sql", b"SELECT 1;\nSELECT '\xe9';");
        place.turgo(args).fails(2, &[said]);
    }
}

#[test]
fn an_unwritable_stats_file_is_heard_of_before_the_query_runs() {
    let place = Place::new();
    let ended = place.turgo(&["run", "-c", "SELECT 1 a", "--stats", "missing/stats.json"]);
    ended.fails(1, &["cannot write missing/stats.json: No such file"]);
    assert_eq!(ended.out, "");
}
