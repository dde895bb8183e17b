//! The lock inventory: every lock of the product, and why it is not on a per-row path.
//!
//! A lock is where one comes to be: a field, a static or a local whose type or initialiser names
//! one. Imports, borrows (`&Mutex<T>`) and calls (`Mutex::new` inside a field's initialiser) are not
//! counted again. Each lock needs a comment that starts with `// LOCK:` at the end of its line or
//! directly above it (attributes and documentation may stand between); two locks on
//! neighbouring lines, such as a mutex and its condition variable, may share one.
//!
//! `turgo-sync` makes locks under the same names, so it is left out: that it takes none of the standard library is
//! checked with the ranks.

use std::fmt::Write;

use crate::rust;
use crate::tree::{Finding, Tree};

/// Types that can make a thread wait for another.
const LOCKS: [&str; 5] = ["Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock"];

/// The crate that makes locks.
const MAKER: &str = "crates/turgo-sync/";

const MARK: &str = "// LOCK:";

/// A lock and its argument.
#[derive(Debug)]
struct Lock<'a> {
    path: &'a str,
    line: usize,
    code: &'a str,
    /// Why it may be there, where that is written.
    argument: Option<&'a str>,
}

/// One line per lock.
pub(crate) fn inventory(tree: &Tree) -> String {
    let locks = find(tree);
    let mut out = String::new();
    for Lock { path, line, code, argument } in &locks {
        let argument = argument.unwrap_or("NO ARGUMENT");
        writeln!(out, "{path}:{line}: {code}\n    {argument}").expect("a string takes all");
    }
    writeln!(out, "{} lock(s)", locks.len()).expect("a string takes all");
    out
}

/// Locks without an argument, and locks under another name.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = find(tree)
        .into_iter()
        .filter(|lock| lock.argument.is_none())
        .map(|lock| {
            Finding::at(
                lock.path,
                lock.line,
                format!("a lock without `{MARK} why it is not per row`"),
            )
        })
        .collect();
    for (path, text) in product(tree) {
        for (index, line) in rust::product_code_of(text).lines().enumerate() {
            let renamed = |name: &&&str| line.contains(&format!("{name} as "));
            if let Some(name) = LOCKS.iter().find(renamed) {
                let message = format!("`{name}` under another name hides from the inventory");
                findings.push(Finding::at(path, index + 1, message));
            }
        }
    }
    findings
}

fn product(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.with_extension("rs").filter(|(path, _)| {
        path.starts_with("crates/")
            && path.contains("/src/")
            && !path.starts_with(MAKER)
            && !rust::is_test_path(path)
    })
}

fn find(tree: &Tree) -> Vec<Lock<'_>> {
    let mut locks: Vec<Lock<'_>> = Vec::new();
    for (path, text) in product(tree) {
        let code = rust::product_code_of(text);
        let written: Vec<&str> = text.lines().collect();
        let mut in_import = false;
        for (index, line) in code.lines().enumerate() {
            let statement = line.trim_start();
            in_import |= statement.starts_with("use ") || statement.starts_with("pub use ");
            if !in_import && makes_lock(line) {
                let shared = locks.last().filter(|last| last.path == path && last.line == index);
                let argument = argument(&written, index).or(shared.and_then(|last| last.argument));
                locks.push(Lock { path, line: index + 1, code: written[index].trim(), argument });
            }
            in_import &= !line.contains(';');
        }
    }
    locks
}

/// Whether a line of code declares a lock: names one as a type it owns, or binds a new one.
fn makes_lock(line: &str) -> bool {
    let statement = line.trim_start();
    let binds = statement.starts_with("let ");
    LOCKS.iter().any(|lock| {
        rust::words(line, lock).any(|at| {
            let borrowed = line[..at].trim_end().ends_with('&');
            let call = line[at + lock.len()..].starts_with("::");
            !borrowed && (!call || binds)
        })
    })
}

/// The text after the mark, on line `index` or in the comments directly above it.
fn argument<'a>(lines: &[&'a str], index: usize) -> Option<&'a str> {
    let marked = |line: &'a str| line.split_once(MARK).map(|(_, why)| why.trim());
    let above = lines[..index].iter().rev().map(|line| line.trim_start());
    let attached = above.take_while(|line| line.starts_with("//") || line.starts_with("#["));
    marked(lines[index])
        .or_else(|| attached.filter_map(marked).next())
        .filter(|why| !why.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{here, lines};

    fn findings(code: &str) -> String {
        lines(&check(&Tree::of([("crates/x/src/a.rs", code)])))
    }

    #[test]
    fn every_lock_here_is_argued() {
        assert_eq!(here(check), "");
    }

    #[test]
    fn a_lock_needs_an_argument() {
        let bare = "struct A {\n    inner: Mutex<u8>,\n}\n";
        assert!(findings(bare).starts_with("crates/x/src/a.rs:2: a lock without"));
        assert_ne!(findings("static A: OnceLock<u8> = OnceLock::new();\n"), "");
        assert_ne!(findings("let a = Arc::new(Mutex::new(0));\n"), "");
        assert_ne!(findings("struct A(RwLock<u8>); // LOCK:\n"), "", "an empty argument is none");
    }

    #[test]
    fn an_argument_stands_beside_or_above() {
        assert_eq!(findings("struct A(Mutex<u8>); // LOCK: once a run\n"), "");
        let above =
            "// LOCK: once a chunk,\n// never per row.\n#[cfg(unix)]\nstatic A: Mutex<u8> = b();\n";
        assert_eq!(findings(above), "");
        let pair = "// LOCK: sleep and wake.\na: Mutex<u8>,\nb: Condvar,\n";
        assert_eq!(findings(pair), "");
        assert_ne!(findings("// LOCK: far away\n\na: Mutex<u8>,\n"), "");
    }

    #[test]
    fn what_owns_no_lock_is_not_listed() {
        assert_eq!(findings("use std::sync::{\n    Mutex,\n};\n"), "");
        assert_eq!(findings("fn a(b: &Mutex<u8>) -> MutexGuard<u8> {}\n"), "");
        assert_eq!(findings("Self { inner: Mutex::new(0) }\n"), "");
        assert_eq!(
            findings("// a Mutex<u8> in words\n#[cfg(test)]\nmod tests { type A = Mutex<u8>; }\n"),
            ""
        );
    }

    #[test]
    fn a_renamed_lock_is_found() {
        assert!(findings("use std::sync::Mutex as M;\n").contains("hides"));
    }

    #[test]
    fn the_inventory_lists_place_and_reason() {
        let tree = Tree::of([("crates/x/src/a.rs", "a: Mutex<u8>, // LOCK: once a run\n")]);
        let listed =
            "crates/x/src/a.rs:1: a: Mutex<u8>, // LOCK: once a run\n    once a run\n1 lock(s)\n";
        assert_eq!(inventory(&tree), listed);
    }
}
