//! Files that are not there, cannot be read, cannot be written, or are written twice.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::{Ended, Place, sorted};

fn table(name: &str, path: &str, more: &str) -> String {
    format!(
        "CREATE TABLE {name} (k VARCHAR, v BIGINT) \
         WITH ('connector' = 'filesystem', 'path' = '{path}'{more});"
    )
}

#[test]
fn what_cannot_be_read_is_named_with_the_reason() {
    let place = Place::new();
    symlink("nowhere.json", place.path().join("dangling.json")).unwrap();
    symlink("loop.json", place.path().join("loop.json")).unwrap();
    std::fs::create_dir_all(place.path().join("outer/inner")).unwrap();
    for (path, said) in [
        ("ev.ndjsn", "cannot read ev.ndjsn: No such file or directory"),
        ("ev.ndjsn", "did you mean ev.ndjson?"),
        ("no/such/x.json", "there is no directory no/such"),
        ("ev.sql/x.json", "cannot read ev.sql/x.json: Not a directory"),
        (
            "dangling.json",
            "cannot read dangling.json: it is a link to nowhere.json, which is not there",
        ),
        ("loop.json", "cannot read loop.json: Too many levels of symbolic links"),
        ("outer", "outer holds the directory inner, and directories inside are not read"),
        ("*.none", "cannot read *.none: no file matches this pattern"),
        ("[", "the pattern [ is not valid"),
        ("/dev/null", "cannot read /dev/null: it is not a regular file"),
    ] {
        let declared = table("t", path, ", 'format' = 'json'");
        place.sql(&format!("{declared} SELECT v FROM t")).fails(1, &[said]);
    }
}

#[test]
fn empty_files_and_directories_have_no_rows() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("empty")).unwrap();
    place.write("empty.json", "");
    place.write("lines.json", "\n\n");
    place.write("empty.csv", "");
    place.write("header.csv", "k,v\n");
    for path in ["empty", "empty.json", "lines.json", "empty.csv", "header.csv"] {
        let more = if path == "empty" { ", 'format' = 'json'" } else { "" };
        let declared = table("t", path, more);
        let counted = place.sql(&format!("{declared} SELECT count(*) n FROM t"));
        assert_eq!(counted.rows(), "n\n0\n", "{path}");
        assert_eq!(place.sql(&format!("{declared} SELECT v FROM t")).rows(), "v\n", "{path}");
    }
}

#[test]
fn what_cannot_be_written_is_named_with_the_reason() {
    let place = Place::new();
    place.write("there.csv", "mine\n");
    for (path, more, said) in [
        ("no/o.csv", "", "cannot write no/o.csv: there is no directory no; create it first"),
        ("ev.sql/o.csv", "", "cannot write ev.sql/o.csv: Not a directory"),
        ("/proc/o.csv", "", "cannot write /proc/o.csv"),
        ("/dev/full", ", 'format' = 'csv'", "cannot write /dev/full: No space left on device"),
        ("there.csv", ", 'write-mode' = 'fail'", "it exists, and 'write-mode' is 'fail'"),
    ] {
        let declared = table("o", path, more);
        place.sql(&format!("{declared} INSERT INTO o SELECT k, v FROM ev")).fails(1, &[said]);
    }
    assert_eq!(place.read("there.csv"), "mine\n");
    assert_eq!(place.names("."), ["ev.ndjson", "ev.sql", "there.csv"]);
}

#[test]
fn a_file_over_the_size_limit_is_an_error_and_leaves_nothing() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(2_000));
    place.write("o.sql", format!("{} INSERT INTO o SELECT k, v FROM ev", table("o", "o.csv", "")));
    let limited = "ulimit -f 8; exec \"$0\" run ev.sql o.sql";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_turgo")]).current_dir(place.path());
    let ended = Ended::of(&command.output().unwrap());
    ended.fails(1, &["cannot write o.csv: File too large"]);
    assert_eq!(place.names("."), ["ev.ndjson", "ev.sql", "o.sql"]);
}

#[test]
fn a_full_standard_output_is_an_error() {
    let place = Place::new();
    for args in [
        ["run", "ev.sql", "-c", "SELECT k FROM ev"],
        ["run", "ev.sql", "-c", "SHOW TABLES"],
        ["run", "ev.sql", "-c", "EXPLAIN SELECT k FROM ev"],
        ["explain", "ev.sql", "-c", "SELECT k FROM ev"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = Ended::of(&place.command(&args).stdout(full).output().unwrap());
        ended.fails(1, &["cannot write to standard output: No space left on device"]);
    }
}

#[test]
fn whoever_closes_its_end_is_not_bothered() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(20_000));
    let mut command = place.command(&["run", "ev.sql", "-c", "SELECT k, v FROM ev", "-f", "csv"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));

    let mut command = place.command(&["run", "ev.sql", "-c", "SELECT nothing FROM ev"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_script_reads_what_it_has_written() {
    let place = Place::new();
    let declared = table("o", "o.json", "");
    let sql =
        format!("{declared} INSERT INTO o SELECT k, v FROM ev WHERE v > 1; SELECT k, v FROM o");
    let ended = place.sql(&sql);
    assert_eq!(sorted(ended.rows()), [",4", "b,2"]);
    assert_eq!(ended.err, "o: 2 rows written\n");
    let again = format!("{declared} INSERT INTO o SELECT k, v + 1 FROM o; SELECT v FROM o");
    let ended = place.sql(&again);
    assert_eq!(sorted(ended.rows()), ["3", "5"]);
    let appended = table("o", "o.json", ", 'write-mode' = 'append'");
    let more = format!(
        "{appended} INSERT INTO o SELECT k, v FROM o; INSERT INTO o SELECT 'z', 9; SELECT v FROM o"
    );
    let ended = place.sql(&more);
    assert_eq!(sorted(ended.rows()), ["3", "3", "5", "5", "9"]);
    assert_eq!(ended.err, "o: 2 rows written\no: 1 row written\n");
}

#[test]
fn an_insert_does_not_replace_what_an_earlier_one_wrote() {
    let place = Place::new();
    symlink("o.csv", place.path().join("link.csv")).unwrap();
    for other in ["o.csv", "./o.csv", "link.csv"] {
        let declared = format!("{} {}", table("o", "o.csv", ""), table("p", other, ""));
        let insert = "INSERT INTO o SELECT k, v FROM ev; INSERT INTO p SELECT k, v FROM ev";
        place.sql(&format!("{declared} {insert}")).fails(
            1,
            &[
                "this INSERT would replace the rows that an earlier one wrote to `p`",
                "'write-mode' = 'append'",
            ],
        );
        assert_eq!(place.read("o.csv").lines().count(), 5);
    }
}

#[test]
fn a_limit_on_file_size_leaves_no_half_written_file() {
    let place = Place::new();
    place.write("ev.ndjson", crate::EVENTS.repeat(5_000));
    let declared = table("o", "o.csv", "");
    place.write("q.sql", format!("{declared} INSERT INTO o SELECT k, v FROM ev"));
    let limited = "ulimit -f 8; exec \"$0\" run ev.sql q.sql";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", limited, env!("CARGO_BIN_EXE_turgo")]).current_dir(place.path());
    assert!(!shell.output().unwrap().status.success());
    assert!(!place.exists("o.csv"));
}
