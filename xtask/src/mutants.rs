//! `cargo xtask mutants`: every planted mistake, and the test that must find it.
//!
//! A mistake is planted by `mutant!("name")` in the code, and has a row in a table `crates/*/mutants/*.txt`:
//! `name | harness | test | what is wrong`. Tables and code are compared first (that is also a check of `tidy`'s kind, without a
//! build). Then each harness is built once; each named test must pass as it is and fail, or not end, with the mistake chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::Harness;
use crate::rust;
use crate::tree::{Finding, Tree};

/// A test that takes longer than this with a mistake planted has found it: it waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A row of a table.
#[derive(Debug)]
struct Row<'a> {
    path: &'a str,
    line: usize,
    name: &'a str,
    harness: Harness,
    test: &'a str,
}

impl Row<'_> {
    /// The package whose tests are meant: tables stand in `crates/<package>/mutants`.
    fn package(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }
}

/// Rows without a planted mistake, planted mistakes without a row, and rows that cannot be read.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let (rows, mut findings) = rows(tree);
    let planted = planted(tree);
    for row in &rows {
        if !planted.contains_key(row.name) {
            findings.push(Finding::at(
                row.path,
                row.line,
                format!("no code asks for `{}`", row.name),
            ));
        }
    }
    for (name, (path, line)) in planted {
        if !rows.iter().any(|row| row.name == name) {
            let message = format!("the mistake `{name}` has no row in a table of mutants");
            findings.push(Finding::at(path, line, message));
        }
    }
    findings
}

/// Runs all mistakes and prints which test found each; an error if one survives.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::read(root).map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    crate::check(root, check)?;
    let (rows, _) = rows(&tree);
    let mut survivors = 0;
    for harness in Harness::ALL {
        let rows: Vec<_> = rows.iter().filter(|row| row.harness == harness).collect();
        if rows.is_empty() {
            continue;
        }
        let programs = harness.build(root, true)?;
        let tests = programs.tests()?;
        let program = |row: &Row<'_>| {
            let key = (row.package().to_owned(), row.test.to_owned());
            match tests.get(&key).map_or(&[][..], Vec::as_slice) {
                [program] => Ok(*program),
                _ => {
                    let Row { path, line, test, .. } = row;
                    Err(format!("{path}:{line}: not one test `{test}` for {}", harness.name()))
                }
            }
        };
        let programs = rows.iter().map(|row| program(row)).collect::<Result<Vec<_>, _>>()?;
        let asked: BTreeSet<_> =
            rows.iter().zip(programs).map(|(row, program)| (program, row.test)).collect();
        let asked: Vec<_> = asked.into_iter().collect();
        let healthy = at_once(harness, &asked, |(program, test)| passes(program, test, None));
        let healthy = asked.iter().zip(healthy).map(|(test, passed)| Ok((*test, passed?)));
        let healthy = healthy.collect::<Result<BTreeMap<_, _>, String>>()?;
        let survives = |row: &&Row<'_>| {
            let program = program(row)?;
            let mut survives = true;
            for _ in 0..tries(harness) {
                survives = survives && passes(program, row.test, Some(row.name))?;
            }
            let found = match (healthy[&(program, row.test)], survives) {
                (false, _) => "FAILS WITHOUT IT",
                (true, true) => "SURVIVES",
                (true, false) => "found",
            };
            println!("{found:<9} {:<44} {:<7} {}", row.name, harness.name(), row.test);
            Ok(found != "found")
        };
        for survives in at_once(harness, &rows, survives) {
            survivors += usize::from(survives?);
        }
    }
    println!("{} planted mistake(s), {survivors} not found", rows.len());
    if survivors == 0 { Ok(()) } else { Err("a mistake survives".into()) }
}

/// What `work` makes of each item, in their order. Checkers use one processor each, so as many run as there are; tests of threads want all
/// processors for themselves.
fn at_once<T: Sync, R: Send>(
    harness: Harness,
    items: &[T],
    work: impl Fn(&T) -> Result<R, String> + Sync,
) -> Vec<Result<R, String>> {
    let threads = match harness {
        Harness::Std => 1,
        Harness::Loom | Harness::Shuttle => thread::available_parallelism().map_or(1, usize::from),
    };
    let waiting = Mutex::new(items.iter().enumerate());
    let take = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || iter::from_fn(take).map(|(at, item)| (at, work(item))).collect::<Vec<_>>();
    let mut done: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no worker panics")).collect()
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, done)| done).collect()
}

/// How often a mistake may go unseen: threads and random schedules do not meet it every time.
fn tries(harness: Harness) -> usize {
    match harness {
        Harness::Loom => 1,
        Harness::Std | Harness::Shuttle => 3,
    }
}

/// Whether a test passes with a mistake chosen, or none.
#[expect(clippy::disallowed_methods, reason = "the workshop times real commands")]
fn passes(program: &Path, test: &str, mutant: Option<&str>) -> Result<bool, String> {
    let mut command = Command::new(program);
    command.args([test, "--exact", "--include-ignored"]).env_remove("TURGO_MUTANT");
    command.envs(mutant.map(|name| ("TURGO_MUTANT", name)));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child =
        command.spawn().map_err(|e| format!("cannot start {}: {e}", program.display()))?;
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|e| format!("cannot wait for {test}: {e}"))? {
            Some(status) => return Ok(status.success()),
            None if start.elapsed() > PATIENCE => {
                child.kill().map_err(|e| format!("cannot stop {test}: {e}"))?;
                child.wait().map_err(|e| format!("cannot wait for {test}: {e}"))?;
                return Ok(false);
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The rows of all tables, and what is wrong with lines that are none.
fn rows(tree: &Tree) -> (Vec<Row<'_>>, Vec<Finding>) {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for (path, text) in tree.with_extension("txt").filter(|(path, _)| path.contains("/mutants/")) {
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let harness = Harness::ALL.into_iter().find(|h| cells.get(1) == Some(&h.name()));
            match (cells.as_slice(), harness) {
                ([name, _, test, _], Some(harness)) => {
                    rows.push(Row { path, line: index + 1, name, harness, test });
                }
                _ => findings.push(Finding::at(
                    path,
                    index + 1,
                    "expected `name | std, loom or shuttle | test | what is wrong`",
                )),
            }
        }
    }
    (rows, findings)
}

/// Where each planted mistake is asked for.
fn planted(tree: &Tree) -> BTreeMap<&str, (&str, usize)> {
    const CALL: &str = "mutant!(";
    let mut planted = BTreeMap::new();
    for (path, text) in tree.with_extension("rs").filter(|(path, _)| path.starts_with("crates/")) {
        // Blanked code has as many characters in a line, but not as many bytes: lines are compared, not offsets.
        for (index, (line, code)) in text.lines().zip(rust::code_of(text).lines()).enumerate() {
            let calls = rust::words(code, CALL).count();
            for call in line.split(CALL).skip(1).take(calls) {
                if let Some(name) = call.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    planted.insert(name, (path, index + 1));
                }
            }
        }
    }
    planted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{here, lines};

    fn findings(table: &str, code: &str) -> String {
        let files = [("crates/x/mutants/a.txt", table), ("crates/x/src/lib.rs", code)];
        lines(&check(&Tree::of(files)))
    }

    #[test]
    fn every_planted_mistake_of_this_workspace_has_a_row() {
        assert_eq!(here(check), "");
    }

    #[test]
    fn code_and_tables_name_the_same_mistakes() {
        let code = "if mutant!(\"A1 no fence\") {}\n// mutant!(\"of a comment\")\n";
        assert_eq!(findings("A1 no fence | loom | t | nothing orders\n", code), "");
        assert!(findings("", code).contains("lib.rs:1: the mistake `A1 no fence` has no row"));
        let other = findings("A2 | std | t | x", "");
        assert!(other.contains("a.txt:1: no code asks for `A2`"), "{other}");
    }

    #[test]
    fn a_row_names_a_harness_and_a_test() {
        for table in ["A1 | nothing | t | x", "A1 | loom | t", "A1"] {
            assert!(findings(table, "mutant!(\"A1\")").contains("expected `name"), "{table}");
        }
    }
}
