//! What a text points at exists: links between documents, and decisions by number.

use crate::tree::{Finding, Tree};

/// Where decisions live.
const DECISIONS: &str = "docs/adr/";

/// Local links and images in Markdown files.
pub(super) fn links(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.with_extension("md") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut in_code = false;
        for (index, line) in text.lines().enumerate() {
            in_code ^= line.trim_start().starts_with("```");
            if in_code {
                continue;
            }
            for target in targets(line) {
                let file = target.split('#').next().unwrap_or_default();
                if !file.is_empty() && !resolve(folder, file).is_some_and(|p| tree.contains(&p)) {
                    let message = format!("`{target}` points nowhere");
                    findings.push(Finding::at(path, index + 1, message));
                }
            }
        }
    }
}

/// Decisions cited anywhere by number, that is, by `ADR`, a dash or a space, and four digits.
pub(super) fn decisions(tree: &Tree, findings: &mut Vec<Finding>) {
    let written =
        ["md", "rs", "sql", "toml", "py"].into_iter().flat_map(|e| tree.with_extension(e));
    for (path, text) in written {
        for (index, line) in text.lines().enumerate() {
            for number in numbers(line) {
                let file = format!("{DECISIONS}{number}-");
                if !tree.files().any(|(path, _)| path.starts_with(&file)) {
                    let message = format!("decision {number} has no file {file}*.md");
                    findings.push(Finding::at(path, index + 1, message));
                }
            }
        }
    }
}

/// Targets of `[text](target)` on a line that name a place in the repository.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, open)| {
        let target = line[at + open.len()..].split(')').next().unwrap_or_default();
        let outside = target.contains("://") || target.starts_with("mailto:");
        (!outside).then_some(target)
    })
}

/// `file` as seen from `folder`; `None` where it leaves the repository.
fn resolve(folder: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Four digits after `ADR-` or `ADR `.
fn numbers(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("ADR").filter_map(|(at, adr)| {
        let number = line[at + adr.len()..].strip_prefix(['-', ' '])?.get(..4)?;
        number.bytes().all(|b| b.is_ascii_digit()).then_some(number)
    })
}
