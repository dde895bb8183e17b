//! Texts of statements, and where they come from.

use std::fs;
use std::path::Path;

use turgo_sql::SqlError;
use turgo_sql::statement::Statement;

use crate::args::Scripts;
use crate::report::Failure;

/// A text of statements.
#[derive(Debug)]
pub(crate) struct Script {
    /// Its name for messages.
    name: String,
    /// The text.
    pub(crate) text: String,
    /// The number of its first line: a text may be a part of another.
    line: usize,
}

impl Script {
    /// `text`, which begins at line `line` of what is called `name`.
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>, line: usize) -> Self {
        Self { name: name.into(), text: text.into(), line }
    }

    /// The script in a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let bytes = fs::read(path)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        let text = text(bytes).map_err(|line| {
            Failure::usage(format!("cannot read {name}: line {line} is not UTF-8 text"))
        })?;
        Ok(Self::new(name, text, 1))
    }

    /// Its statements.
    ///
    /// # Errors
    /// The first error in the text.
    pub(crate) fn parse(&self) -> Result<Vec<Statement>, Failure> {
        turgo_sql::parse(&self.text).map_err(|error| self.failure(&error))
    }

    /// `error` with its place in this script.
    pub(crate) fn failure(&self, error: &SqlError) -> Failure {
        Failure::sql(&self.name, self.line, &self.text, error)
    }
}

/// Reads the files, then takes the commands.
///
/// # Errors
/// The first file that cannot be read.
pub(crate) fn scripts(scripts: &Scripts) -> Result<Vec<Script>, Failure> {
    let files = scripts.files.iter().map(|path| Script::read(path));
    let commands = scripts.command.iter().map(|text| Ok(Script::new("command line", text, 1)));
    files.chain(commands).collect()
}

/// The text of a script without the mark that some editors put in front; or the line that is no
/// text.
fn text(bytes: Vec<u8>) -> Result<String, usize> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        1 + good.iter().filter(|byte| **byte == b'\n').count()
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
