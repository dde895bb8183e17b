//! Where the history of statements is kept: with the state of the user, as the XDG base directory
//! specification has it.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The file of the history, in a directory that is there; `None` where there is no place for one.
pub(super) fn place() -> Option<PathBuf> {
    let file = file(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"))?;
    // What is typed may hold secrets: nobody else may read it.
    DirBuilder::new().recursive(true).mode(0o700).create(file.parent()?).ok()?;
    Some(file)
}

fn file(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let state = state.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.filter(|home| !home.is_empty());
    let state = state.or_else(|| Some(Path::new(&home?).join(".local/state")))?;
    Some(state.join("turgo/history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_state_of_the_user() {
        let path = |state: Option<&str>, home: Option<&str>| {
            file(state.map(OsString::from), home.map(OsString::from))
        };
        let default = Some(PathBuf::from("/home/x/.local/state/turgo/history"));
        assert_eq!(path(Some("/s"), Some("/home/x")), Some(PathBuf::from("/s/turgo/history")));
        assert_eq!(path(None, Some("/home/x")), default);
        // The specification: relative paths are invalid and are to be ignored.
        assert_eq!(path(Some("s"), Some("/home/x")), default);
        assert_eq!(path(Some(""), Some("/home/x")), default);
        assert_eq!(path(None, None), None);
        assert_eq!(path(None, Some("")), None);
    }
}
