//! Every outside crate has its line in `docs/dependencies.md`, and every line its crate.

use std::collections::BTreeMap;

use crate::manifest;
use crate::tree::{Finding, Tree};

const LIST: &str = "docs/dependencies.md";

/// Compares the manifests with the list.
pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut used: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    let mut own: Vec<&str> = Vec::new();
    for (path, text) in
        tree.files().filter(|(p, _)| *p == "Cargo.toml" || p.ends_with("/Cargo.toml"))
    {
        own.extend(manifest::package_name(text));
        for dependency in manifest::dependencies(text) {
            used.entry(dependency.name).or_insert((path, dependency.line));
        }
    }
    let listed: BTreeMap<&str, usize> = tree.text(LIST).map(rows).unwrap_or_default();
    for (name, (path, line)) in &used {
        if !own.contains(&name.as_str()) && !listed.contains_key(name.as_str()) {
            findings.push(Finding::at(path, *line, format!("`{name}` has no line in {LIST}")));
        }
    }
    for (name, line) in listed {
        if !used.contains_key(name) {
            findings.push(Finding::at(
                LIST,
                line,
                format!("`{name}` is not a dependency any more"),
            ));
        }
    }
}

/// Names in the first column of the tables, `` | `name` | ... ``, and their lines.
fn rows(text: &str) -> BTreeMap<&str, usize> {
    let name = |line: &'_ str| -> Option<(usize, usize)> {
        let rest = line.strip_prefix("| `")?;
        Some((3, 3 + rest.find('`')?))
    };
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| name(line).map(|(from, to)| (&line[from..to], index + 1)))
        .collect()
}
