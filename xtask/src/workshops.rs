//! `cargo xtask workshops`: that every program in `bench/` compiles, with the versions of its own lock file.
//!
//! Each is a workspace of its own, which nothing else builds, so a change of what it measures would break it unseen.

use std::path::Path;

use crate::ci::{cargo, now, seconds};
use crate::tree::Tree;

/// Checks one after the other.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::read(root).map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    for manifest in manifests(&tree) {
        let start = now();
        let args = ["check", "--locked", "--all-targets", "--manifest-path", &manifest];
        // One folder for all: what several have in common is compiled once.
        cargo(root, &[&args[..], &["--target-dir", "target/workshops"]].concat(), &[])?;
        eprintln!("xtask: {manifest}: ok in {}", seconds(start.elapsed()));
    }
    Ok(())
}

/// The manifests of all programs in `bench/`; what they share is compiled with them.
fn manifests(tree: &Tree) -> Vec<String> {
    let folder = |path: &str| {
        let name = path.strip_prefix("bench/")?.strip_suffix("/src/main.rs")?;
        (!name.contains('/')).then(|| format!("bench/{name}/Cargo.toml"))
    };
    let found = tree.files().filter_map(|(path, _)| folder(path));
    found.filter(|manifest| tree.text(manifest).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_among_the_workshops_is_compiled() {
        let tree = Tree::of([
            ("bench/new/Cargo.toml", ""),
            ("bench/new/src/main.rs", ""),
            ("bench/shared/Cargo.toml", ""),
            ("bench/shared/src/lib.rs", ""),
            ("bench/scripts/run.py", ""),
            ("crates/turgo/Cargo.toml", ""),
            ("crates/turgo/src/main.rs", ""),
        ]);
        assert_eq!(manifests(&tree), ["bench/new/Cargo.toml"]);
    }

    #[test]
    fn the_workshops_of_this_workspace_are_found() {
        let root = crate::tree::root();
        let tree = Tree::read(&root).expect("it can be read");
        let found = manifests(&tree);
        let is_workspace =
            |path: &String| tree.text(path).is_some_and(|text| text.contains("\n[workspace]"));
        assert!(found.len() > 1 && found.iter().all(is_workspace), "{found:?}");
        let folders = std::fs::read_dir(root.join("bench")).expect("there are workshops");
        let folders = folders.map(|folder| folder.expect("it can be read").path());
        let programs = folders.filter(|folder| folder.join("src/main.rs").exists());
        assert_eq!(programs.count(), found.len(), "{found:?}");
    }
}
