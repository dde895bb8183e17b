//! The workspace as paths and texts: what every check looks at.
//!
//! Reads the files people write; what tools make (`target/`, `Cargo.lock`) and hidden folders other
//! than `.cargo` and `.ci` are left out. Checks never touch the disk themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Paths, relative to the root and with `/`, and the text of each file that is text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Every file below `root`.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = folder.join(&name);
                if entry.file_type()?.is_dir() {
                    if name != "target"
                        && (!name.starts_with('.') || name == ".cargo" || name == ".ci")
                    {
                        folders.push(path);
                    }
                } else if name != "Cargo.lock" {
                    let text = std::fs::read(root.join(&path))?;
                    let path = path.to_string_lossy().replace('\\', "/");
                    files.insert(path, String::from_utf8_lossy(&text).into_owned());
                }
            }
        }
        Ok(Self { files })
    }

    /// A tree of `(path, text)` pairs: planted mistakes.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self { files: files.map(|(path, text)| (path.into(), text.into())).into() }
    }

    /// All files, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files whose name ends in `.extension`.
    pub(crate) fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        let suffix = format!(".{extension}");
        self.files().filter(move |(path, _)| path.ends_with(&suffix))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether `path` is a file or a folder with files in it; the root is.
    pub(crate) fn contains(&self, path: &str) -> bool {
        path.is_empty()
            || self.files.contains_key(path)
            || self
                .files
                .keys()
                .any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// A broken rule and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    /// At a line, counted from 1.
    pub(crate) fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }

    /// About a file as a whole.
    pub(crate) fn of(path: &str, message: impl Into<String>) -> Self {
        Self::at(path, 1, message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// The root of the workspace: the folder above this package.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the package lies inside the workspace").to_path_buf()
}

/// What a check says about this very workspace, one finding a line.
#[cfg(test)]
pub(crate) fn here(check: impl Fn(&Tree) -> Vec<Finding>) -> String {
    let tree = Tree::read(&root()).expect("the workspace can be read");
    assert!(tree.contains("crates/turgo-engine/src/lib.rs"), "the workspace was found");
    lines(&check(&tree))
}

/// Findings, one a line.
#[cfg(test)]
pub(crate) fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}
