//! Rules about files that no compiler checks: headers, lengths, names, leftovers, citations.
//!
//! Function lengths are clippy's (`too_many_lines`); layout is rustfmt's.

mod citations;
mod dependencies;

use crate::rust;
use crate::tree::{Finding, Tree};

/// Lines a file may have; documentation counts. Files aim at 300 and are looked at again at 600.
const LINES_MAX: usize = 1000;

/// What people write and read. Data, licences and lock files may be longer.
const WRITTEN: [&str; 7] = ["md", "py", "rs", "sh", "slt", "sql", "toml"];

/// Module names that say nothing.
const EMPTY_NAMES: [&str; 5] = ["common", "helpers", "misc", "util", "utils"];

/// Leftovers. Written in two halves, so that this file does not contain them.
const LEFTOVERS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
];

/// All findings.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        headers(path, text, &mut findings);
        names(path, &mut findings);
        leftovers(path, text, &mut findings);
    }
    for (path, text) in WRITTEN.iter().flat_map(|extension| tree.with_extension(extension)) {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            findings.push(Finding::of(path, format!("{lines} lines; the limit is {LINES_MAX}")));
        }
    }
    citations::links(tree, &mut findings);
    citations::decisions(tree, &mut findings);
    dependencies::check(tree, &mut findings);
    findings
}

/// Every Rust file opens with what it is.
fn headers(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let first = text.lines().next().unwrap_or_default();
    let words = first.strip_prefix("//! ").unwrap_or_default();
    if words.len() < 10 {
        findings.push(Finding::of(path, "does not open with a `//!` header that says what it is"));
    }
}

/// `foo.rs` beside `foo/`, and names of the domain.
fn names(path: &str, findings: &mut Vec<Finding>) {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if parts.last() == Some(&"mod") {
        findings.push(Finding::of(path, "`mod.rs`: write `foo.rs` beside `foo/`"));
    }
    if let Some(name) = parts.iter().find(|part| EMPTY_NAMES.contains(part)) {
        findings.push(Finding::of(path, format!("`{name}` names no thing of the domain")));
    }
}

/// Work that was put off.
fn leftovers(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        let left = |word: &&&str| rust::words(line, word).next().is_some();
        if let Some(word) = LEFTOVERS.iter().find(left) {
            findings.push(Finding::at(path, index + 1, format!("`{word}`: do it, or file it")));
        }
    }
}

#[cfg(test)]
mod tests;
