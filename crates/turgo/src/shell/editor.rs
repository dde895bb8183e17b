//! The line that is being typed: `rustyline` with our completion, colours and history.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::PathBuf;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, CompletionType, Config, Context, Helper};
use turgo_sql::Declared;

use super::complete::{Names, complete};
use super::highlight::paint;
use crate::report::Failure;

/// Statements that are remembered.
const HISTORY_MAX: usize = 1000;

/// What came of asking for a line.
#[derive(Debug)]
pub(super) enum Line {
    Typed(String),
    /// Ctrl-C: what has been typed is not meant.
    Cleared,
    /// Ctrl-D: there will be no more.
    End,
}

/// Asks for lines.
pub(super) struct Editor {
    lines: rustyline::Editor<Assistant, FileHistory>,
    history: Option<PathBuf>,
    /// What has been typed since the last statement was remembered.
    typed: String,
}

impl Editor {
    /// An editor that knows `functions` and keeps its history in a file, where there is one.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub(super) fn new(history: Option<PathBuf>, functions: Vec<String>) -> Result<Self, Failure> {
        // Prompts are not rows: they go to the terminal also where standard output does not.
        let behavior =
            if std::io::stdout().is_terminal() { Behavior::Stdio } else { Behavior::PreferTerm };
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|error| refused(&error))?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .behavior(behavior)
            .build();
        let mut lines = rustyline::Editor::with_config(config).map_err(|error| refused(&error))?;
        let names = Names { relations: Vec::new(), functions };
        lines.set_helper(Some(Assistant { names, before: String::new() }));
        if let Some(path) = &history {
            // There is none yet, or it cannot be read: a shell without history is still a shell.
            let _ = lines.load_history(path);
        }
        Ok(Self { lines, history, typed: String::new() })
    }

    /// From now on these tables and views are completed.
    pub(super) fn declare(&mut self, relations: Vec<Declared>) {
        if let Some(assistant) = self.lines.helper_mut() {
            assistant.names.relations = relations;
        }
    }

    /// Asks for a line; `before` are those of its statement that have been typed.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub(super) fn read(&mut self, before: &str) -> Result<Line, Failure> {
        let prompt = if before.is_empty() { "turgo> " } else { "  ...> " };
        if let Some(assistant) = self.lines.helper_mut() {
            before.clone_into(&mut assistant.before);
        }
        match self.lines.readline(prompt) {
            Ok(line) => Ok(Line::Typed(line)),
            Err(ReadlineError::Interrupted) => Ok(Line::Cleared),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(refused(&error)),
        }
    }

    /// Keeps a line until its statement is whole; `fresh`: it is the first one.
    pub(super) fn keep(&mut self, line: &str, fresh: bool) {
        if fresh {
            self.typed.clear();
        } else {
            self.typed.push('\n');
        }
        self.typed.push_str(line);
    }

    /// Adds what has been kept to the history, as one entry.
    pub(super) fn remember(&mut self) {
        let typed = std::mem::take(&mut self.typed);
        if typed.trim().is_empty() {
            return;
        }
        // At once: a shell may also be killed. A file that cannot be written is no reason to stop.
        let _ = self.lines.add_history_entry(typed.trim_end());
        if let Some(path) = &self.history {
            let _ = self.lines.append_history(path);
        }
    }
}

fn refused(error: &ReadlineError) -> Failure {
    Failure::new(format!("cannot use the terminal: {error}"))
}

/// Looks over the shoulder of whoever types.
#[derive(Debug)]
struct Assistant {
    names: Names,
    /// The lines before this one.
    before: String,
}

impl Helper for Assistant {}

impl Validator for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = self.before.len();
        let text = format!("{}{line}", self.before);
        let (start, found) = complete(&self.names, &text, before + at);
        let pairs =
            found.into_iter().map(|found| Pair { display: found.clone(), replacement: found });
        // A part of a text goes no further back than its line: names and paths have no line ends.
        Ok((start.saturating_sub(before), pairs.collect()))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(paint(&self.before, line))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}
