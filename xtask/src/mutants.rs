//! `cargo xtask mutants`: every planted mistake, and the test that must find it.
//!
//! A mistake is planted by `mutant!("name")` in the code, and has a row in a table `crates/*/mutants/*.txt`:
//! `name | harness | test | what is wrong`. A name begins with the invariant it breaks. An invariant that no one line of code can break has a row
//! `invariant | none | file whose header numbers it | why`. Tables, code and headers are compared first (that is also a check of `tidy`'s kind,
//! without a build): every numbered invariant must be in a row. Then each harness is built once; each named test must pass as it is
//! and fail, or not end, with the mistake chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{CRATES, Harness};
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

/// A row about an invariant that no planted mistake breaks.
#[derive(Debug)]
struct Exempt<'a> {
    path: &'a str,
    line: usize,
    invariant: &'a str,
    file: &'a str,
    why: &'a str,
}

/// What the tables say.
#[derive(Debug, Default)]
struct Tables<'a> {
    rows: Vec<Row<'a>>,
    exempt: Vec<Exempt<'a>>,
    findings: Vec<Finding>,
}

/// Rows without a planted mistake, planted mistakes without a row, invariants without either, and rows that cannot be read.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Tables { rows, exempt, mut findings } = tables(tree);
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
    findings.extend(uncovered(tree, &exempt));
    findings
}

/// Numbered invariants that no planted mistake breaks and no row excuses, and excuses for what is not there.
fn uncovered(tree: &Tree, exempt: &[Exempt<'_>]) -> Vec<Finding> {
    let invariants = invariants(tree);
    let planted = planted(tree);
    let is_of = |row: &Exempt<'_>, id: &str, path: &str| {
        row.invariant == id && path.strip_suffix(row.file).is_some_and(|rest| rest.ends_with('/'))
    };
    let mut findings = Vec::new();
    for (id, path, line) in &invariants {
        // Two crates may number alike, and two modules: then a mistake belongs to the one it is planted in.
        let shared = invariants.iter().any(|(other, at, _)| {
            other == id && area(at).0 == area(path).0 && area(at) != area(path)
        });
        let is_planted = planted.iter().any(|(name, (at, _))| {
            let here = if shared { area(at) == area(path) } else { area(at).0 == area(path).0 };
            name.split(' ').next() == Some(id) && here
        });
        if !is_planted && !exempt.iter().any(|row| is_of(row, id, path)) {
            let message = format!("no planted mistake breaks {id}, and no row says why");
            findings.push(Finding::at(path, *line, message));
        }
    }
    for row in exempt {
        if !invariants.iter().any(|(id, path, _)| is_of(row, id, path)) {
            let message = format!("`{}` numbers no {}", row.file, row.invariant);
            findings.push(Finding::at(row.path, row.line, message));
        }
    }
    findings
}

/// The invariants that headers of concurrent crates number: name, path and line.
fn invariants(tree: &Tree) -> Vec<(&str, &str, usize)> {
    let mut found = Vec::new();
    let is_source = |path: &str| {
        let rest = path.strip_prefix("crates/").and_then(|path| path.split_once('/'));
        rest.is_some_and(|(name, rest)| CRATES.contains(&name) && rest.starts_with("src/"))
    };
    for (path, text) in tree.with_extension("rs").filter(|(path, _)| is_source(path)) {
        for (index, line) in text.lines().enumerate().take_while(|(_, l)| l.starts_with("//!")) {
            let id = line.strip_prefix("//! - **").and_then(|rest| rest.split_once("**"));
            let is_number = |id: &str| id.len() > 1 && id[1..].bytes().all(|b| b.is_ascii_digit());
            found.extend(id.filter(|(id, _)| is_number(id)).map(|(id, _)| (id, path, index + 1)));
        }
    }
    found
}

/// The crate and the module at its root that a source belongs to.
fn area(path: &str) -> (&str, &str) {
    let (before, inside) = path.split_once("/src/").unwrap_or((path, ""));
    (before, inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs"))
}

/// Runs all mistakes and prints which test found each; an error if one survives.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::read(root).map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    crate::check(root, check)?;
    let Tables { rows, exempt, .. } = tables(&tree);
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
    for Exempt { invariant, file, why, .. } in &exempt {
        println!("{:<9} {invariant:<44} {file}: {why}", "none");
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
        Harness::Std | Harness::Shuttle => 10,
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
fn tables(tree: &Tree) -> Tables<'_> {
    let mut tables = Tables::default();
    for (path, text) in tree.with_extension("txt").filter(|(path, _)| path.contains("/mutants/")) {
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let harness = Harness::ALL.into_iter().find(|h| cells.get(1) == Some(&h.name()));
            let line = index + 1;
            match (cells.as_slice(), harness) {
                ([name, _, test, _], Some(harness)) => {
                    tables.rows.push(Row { path, line, name, harness, test });
                }
                ([invariant, "none", file, why], None) => {
                    tables.exempt.push(Exempt { path, line, invariant, file, why });
                }
                _ => tables.findings.push(Finding::at(
                    path,
                    line,
                    "expected `name | std, loom, shuttle or none | test or file | what is wrong`",
                )),
            }
        }
    }
    tables
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
    fn every_numbered_invariant_is_broken_or_excused() {
        let header = "//! A queue.\n//!\n//! - **A1** Its head\n//! - **B2** never.\n";
        let files = |table: &str, ring: &str| {
            lines(&check(&Tree::of([
                ("crates/turgo-lockfree/mutants/a.txt", table),
                ("crates/turgo-lockfree/src/queue/array.rs", header),
                ("crates/turgo-lockfree/src/queue.rs", "if mutant!(\"A1 lost\") {}\n"),
                ("crates/turgo-lockfree/src/ring.rs", ring),
            ])))
        };
        let (row, excuse) = ("A1 lost | std | t | x\n", "B2 | none | queue/array.rs | as it is\n");
        assert_eq!(files(&[row, excuse].concat(), ""), "");
        assert!(files(row, "").contains("array.rs:4: no planted mistake breaks B2"));
        let other = files(&[row, excuse].concat(), "//! - **A1** Another.\n");
        assert!(other.contains("ring.rs:1: no planted mistake breaks A1"), "{other}");
        let excess = files(&[row, excuse, "C3 | none | ring.rs | x"].concat(), "");
        assert!(excess.contains("a.txt:3: `ring.rs` numbers no C3"), "{excess}");
    }

    #[test]
    fn a_row_names_a_harness_and_a_test() {
        for table in ["A1 | nothing | t | x", "A1 | loom | t", "A1"] {
            assert!(findings(table, "mutant!(\"A1\")").contains("expected `name"), "{table}");
        }
    }
}
