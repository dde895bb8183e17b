//! The part of a `Cargo.toml` that says what depends on what.
//!
//! Reads the forms this workspace writes: `name.workspace = true`, `name = "1"`, `name = { ... }` and
//! `[dependencies.name]`. A dependency table that ends in the middle of a line, or renames a package,
//! is read by its written name; house rule: dependencies are not renamed (checked by `ranks`).

/// Which table a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `[dependencies]`, also of one target.
    Normal,
    /// `[dev-dependencies]`.
    Dev,
    /// `[build-dependencies]`.
    Build,
    /// `[workspace.dependencies]`.
    Workspace,
}

/// One dependency as written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// Its name.
    pub(crate) name: String,
    /// Its table.
    pub(crate) kind: Kind,
    /// What is written to the right of the equals sign.
    pub(crate) value: String,
    /// Its line, counted from 1.
    pub(crate) line: usize,
}

/// All dependencies of a manifest, in order.
pub(crate) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut table: Option<Kind> = None;
    let mut named = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            let (kind, name) = section(header);
            (table, named) = (kind, name.is_some());
            if let (Some(kind), Some(name)) = (kind, name) {
                let (name, value) = (name.to_owned(), String::new());
                found.push(Dependency { name, kind, value, line: index + 1 });
            }
            continue;
        }
        let (Some(kind), Some((key, value))) = (table, line.split_once('=')) else { continue };
        if line.starts_with('#') {
            continue;
        }
        let (key, value) = (key.trim(), value.trim());
        if named {
            let last = found.last_mut().expect("a named table was pushed when it was opened");
            last.value.push_str(line);
        } else {
            let name = key.split('.').next().unwrap_or(key).trim_matches('"').to_owned();
            let value =
                key.split_once('.').map_or(value.to_owned(), |(_, k)| format!("{k} = {value}"));
            found.push(Dependency { name, kind, value, line: index + 1 });
        }
    }
    found
}

/// The value of `name = "..."` in `[package]`.
pub(crate) fn package_name(manifest: &str) -> Option<&str> {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[package]").skip(1);
    lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("name")?.trim_start().strip_prefix('='))
        .map(|value| value.trim().trim_matches('"'))
}

/// The dependency table a section header opens, and the one dependency it is about.
fn section(header: &str) -> (Option<Kind>, Option<&str>) {
    let tables = [
        ("workspace.dependencies", Kind::Workspace),
        ("dev-dependencies", Kind::Dev),
        ("build-dependencies", Kind::Build),
        ("dependencies", Kind::Normal),
    ];
    // `target.'cfg(unix)'.dependencies` means what its last part means.
    let header = match header.strip_prefix("target.") {
        Some(rest) => {
            tables.iter().find_map(|(t, _)| rest.find(t).map(|at| &rest[at..])).unwrap_or(rest)
        }
        None => header,
    };
    for (table, kind) in tables {
        if let Some(rest) = header.strip_prefix(table) {
            match rest.strip_prefix('.') {
                Some(name) => return (Some(kind), Some(name.trim_matches('"'))),
                None if rest.is_empty() => return (Some(kind), None),
                None => {}
            }
        }
    }
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = { version = \"1\" }\n\
            [dev-dependencies.d]\npath = \"../d\"\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n[lints]\nf = 1\n";
        let names: Vec<_> =
            dependencies(manifest).into_iter().map(|d| (d.name, d.kind, d.line)).collect();
        let expected = [
            ("b".to_owned(), Kind::Normal, 4),
            ("c".to_owned(), Kind::Normal, 5),
            ("d".to_owned(), Kind::Dev, 6),
            ("e".to_owned(), Kind::Normal, 9),
        ];
        assert_eq!(names, expected);
        assert_eq!(package_name(manifest), Some("a"));
    }
}
