//! The shape of the house: which crate may see which, and what each may name.
//!
//! - A crate depends only on crates of a lower rank, so crates of one rank do not see each other.
//!   Tests included: a test that needs a higher room belongs to the higher room.
//! - Nothing depends on a workshop (`xtask`, `bench`, `fuzz`).
//! - Some outside crates, and some words, may be named only in the rooms made for them.
//! - `unsafe` is forbidden but where [`ROOMS`] says otherwise.

use crate::manifest::{self, Dependency, Kind};
use crate::rust;
use crate::tree::{Finding, Tree};

/// Where a crate may write `unsafe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsafe {
    Allowed,
    OneModule,
    Forbidden,
}

/// Every crate, its rank and its unsafe policy. ARCHITECTURE.md says why.
const ROOMS: [(&str, u8, Unsafe); 9] = [
    ("turgo-machine", 0, Unsafe::Allowed),
    ("turgo-lockfree", 1, Unsafe::Allowed),
    ("turgo-sync", 1, Unsafe::Allowed),
    ("turgo-sched", 2, Unsafe::Allowed),
    ("turgo-capability", 2, Unsafe::OneModule),
    ("turgo-engine", 3, Unsafe::Forbidden),
    ("turgo-sql", 4, Unsafe::Forbidden),
    ("turgo-connectors", 4, Unsafe::OneModule),
    ("turgo", 5, Unsafe::Forbidden),
];

/// Packages that nothing depends on and that may depend on anything.
const WORKSHOPS: [&str; 8] = [
    "bench",
    "bench-capability",
    "bench-core",
    "bench-harness",
    "bench-sched",
    "bench-sync",
    "fuzz",
    "xtask",
];

/// What workshops have in common: they may depend on it, and nothing else may.
const SHARED_WORKSHOP: &str = "bench-harness";

/// The workshop that builds structures over other libraries' reclamation, to measure ours beside them.
const UNSAFE_WORKSHOP: &str = "bench-core";

/// DataFusion's crates that compute and know no SQL.
const DATAFUSION_BELOW_SQL: [&str; 6] = [
    "datafusion-common",
    "datafusion-expr-common",
    "datafusion-functions-aggregate",
    "datafusion-functions-aggregate-common",
    "datafusion-physical-expr",
    "datafusion-physical-plan",
];

/// Async runtimes. None of ours is started anywhere: blocking calls live on source and sink threads. `turgo-sync` may use their timers where it is asked to.
const RUNTIMES: [&str; 4] = ["async-std", "compio", "smol", "tokio"];

/// Words that must not occur in the product code of a room, and why.
const ABSENT: [(&str, &str, &str); 6] = [
    ("turgo-sync", "std::sync", "it makes locks and takes none"),
    ("turgo-engine", "std::fs", "operators perform no I/O: sources and sinks do"),
    ("turgo-engine", "std::net", "operators perform no I/O: sources and sinks do"),
    ("turgo-engine", "sqlparser", "the engine knows no SQL text"),
    ("turgo-connectors", "OperatorSpec", "connectors cannot see operators"),
    ("turgo-connectors", "TaskGraph", "connectors cannot see operators"),
];

/// Paths of the atomics that `turgo-machine` hands on: only there may they be named, so that a checker's can take their place.
const ATOMICS: [&str; 2] = ["std::sync::atomic", "core::sync::atomic"];

/// All findings about the shape of the workspace.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        let Some(name) = manifest::package_name(text) else { continue };
        for dependency in manifest::dependencies(text) {
            if let Some(message) = objection(name, &dependency) {
                findings.push(Finding::at(path, dependency.line, message));
            }
        }
        let folder = path.trim_end_matches("Cargo.toml");
        if name == UNSAFE_WORKSHOP {
            continue;
        }
        if WORKSHOPS.contains(&name) {
            unsafe_policy(tree, folder, Unsafe::Forbidden, &mut findings);
        } else if let Some((_, _, policy)) = ROOMS.iter().find(|(room, ..)| *room == name) {
            unsafe_policy(tree, folder, *policy, &mut findings);
            absences(tree, folder, name, &mut findings);
        } else {
            findings.push(Finding::of(path, format!("`{name}` has no rank: add it to ROOMS")));
        }
    }
    findings
}

/// What speaks against a dependency of package `name`.
fn objection(name: &str, dependency: &Dependency) -> Option<String> {
    let Dependency { name: target, kind, value, .. } = dependency;
    if value.contains("package =") {
        return Some(format!("`{target}` renames a package: these checks go by names"));
    }
    let shared = target == SHARED_WORKSHOP && WORKSHOPS.contains(&name);
    if WORKSHOPS.contains(&target.as_str()) && !shared {
        return Some(format!("`{name}` depends on the workshop `{target}`"));
    }
    if WORKSHOPS.contains(&name) {
        return None;
    }
    if let (Some(own), Some(other)) = (rank(name), rank(target))
        && other >= own
    {
        return Some(format!(
            "`{name}` (rank {own}) depends on `{target}` (rank {other}): arrows point down"
        ));
    }
    if *kind == Kind::Dev {
        return None;
    }
    let optional = name == "turgo-sync" && value.contains("optional = true");
    if RUNTIMES.contains(&target.as_str()) && !optional {
        return Some(format!("`{name}` names the async runtime `{target}`"));
    }
    if target == "datafusion" {
        return Some("`datafusion` is a test oracle: dev-dependencies only".into());
    }
    if !target.starts_with("datafusion-") && target != "sqlparser" {
        return None;
    }
    let allowed = match name {
        "turgo-sql" => true,
        "turgo-engine" => DATAFUSION_BELOW_SQL.contains(&target.as_str()),
        _ => false,
    };
    (!allowed).then(|| format!("`{name}` may not name `{target}`: planning belongs to turgo-sql"))
}

fn rank(name: &str) -> Option<u8> {
    ROOMS.iter().find(|(room, ..)| *room == name).map(|(_, rank, _)| *rank)
}

/// The crate's roots state its policy, and where one module may be unsafe, only one is.
fn unsafe_policy(tree: &Tree, folder: &str, policy: Unsafe, findings: &mut Vec<Finding>) {
    let roots = ["src/lib.rs", "src/main.rs"].map(|file| format!("{folder}{file}"));
    for root in &roots {
        let Some(text) = tree.text(root) else { continue };
        let code = rust::code_of(text);
        let stated = code.contains("#![forbid(unsafe_code)]")
            || policy == Unsafe::OneModule && code.contains("#![deny(unsafe_code)]");
        if policy != Unsafe::Allowed && !stated {
            findings.push(Finding::of(root, "lacks `#![forbid(unsafe_code)]`"));
        }
    }
    if policy != Unsafe::OneModule {
        return;
    }
    let lifted: Vec<&str> = tree
        .with_extension("rs")
        .filter(|(path, _)| path.starts_with(folder))
        .filter(|(_, text)| {
            let code = rust::code_of(text);
            code.contains("allow(unsafe_code") || code.contains("expect(unsafe_code")
        })
        .map(|(path, _)| path)
        .collect();
    for path in lifted.iter().skip(1) {
        findings.push(Finding::of(path, format!("`unsafe` already has its module: {}", lifted[0])));
    }
}

/// Words that the room's product code must not contain.
fn absences(tree: &Tree, folder: &str, name: &str, findings: &mut Vec<Finding>) {
    let source = format!("{folder}src/");
    let files = tree.with_extension("rs").filter(|(path, _)| path.starts_with(&source));
    for (path, text) in files.filter(|(path, _)| !rust::is_test_path(path)) {
        for (index, line) in rust::product_code_of(text).lines().enumerate() {
            let mut object = |word: &str, why: &str| {
                if rust::words(line, word).next().is_some() {
                    findings.push(Finding::at(path, index + 1, format!("`{word}`: {why}")));
                }
            };
            for (_, word, why) in ABSENT.iter().filter(|(room, ..)| *room == name) {
                object(word, why);
            }
            for word in ATOMICS.iter().filter(|_| name != "turgo-machine") {
                object(
                    word,
                    "atomics come from turgo-machine, where a checker can take their place",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
