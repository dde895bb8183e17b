//! Lines that are no whole statement yet.

use turgo_sql::parse::typed::{Typed, first_statement};

use crate::script::Script;

/// What has been read and not run.
#[derive(Debug)]
pub(super) struct Pending {
    text: String,
    /// The number of its first line.
    line: usize,
    /// A statement has begun, so only a semicolon can end it: others than the last line need no
    /// second look.
    begun: bool,
}

impl Default for Pending {
    /// Nothing, before line 1.
    fn default() -> Self {
        Self { text: String::new(), line: 1, begun: false }
    }
}

impl Pending {
    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether no statement has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The number of the line that comes next.
    pub(super) fn next_line(&self) -> usize {
        self.line + self.text.matches('\n').count()
    }

    /// Takes a line that is no part of a statement.
    pub(super) fn skip_line(&mut self) {
        self.line += 1;
    }

    /// Takes a line.
    pub(super) fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.begun &= !line.contains(';');
    }

    /// The next whole statement as a script called `name`.
    pub(super) fn next(&mut self, name: &str) -> Option<Script> {
        if self.begun {
            return None;
        }
        match first_statement(&self.text) {
            Typed::Finished(end) => Some(self.take(name, end)),
            Typed::Unfinished => {
                self.begun = true;
                None
            }
            Typed::Nothing => {
                self.take(name, self.text.len());
                None
            }
        }
    }

    /// What is left when no more lines come.
    pub(super) fn rest(mut self, name: &str) -> Option<Script> {
        (!self.is_empty()).then(|| self.take(name, self.text.len()))
    }

    /// Cuts off the text before `end`. What follows on the same line keeps its column.
    fn take(&mut self, name: &str, end: usize) -> Script {
        let rest = self.text.split_off(end);
        let taken = std::mem::replace(&mut self.text, rest);
        let script = Script::new(name, taken, self.line);
        let taken = &script.text;
        self.line += taken.matches('\n').count();
        if !self.text.is_empty() {
            let column = taken.rsplit('\n').next().map_or(0, |line| line.chars().count());
            self.text.insert_str(0, &" ".repeat(column));
        }
        script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statements that each line completes.
    fn taken(pending: &mut Pending, line: &str) -> Vec<String> {
        pending.push(line);
        std::iter::from_fn(|| pending.next("test")).map(|script| script.text).collect()
    }

    #[test]
    fn a_statement_is_taken_when_its_semicolon_comes() {
        let mut pending = Pending::default();
        assert!(taken(&mut pending, "-- nothing; yet").is_empty());
        assert!(pending.is_empty());
        assert!(taken(&mut pending, "SELECT ';").is_empty());
        assert!(taken(&mut pending, "").is_empty());
        assert_eq!(taken(&mut pending, "';"), ["SELECT ';\n\n';"]);
        assert!(pending.is_empty());
        assert_eq!(pending.next_line(), 5);
    }

    #[test]
    fn statements_of_one_line_keep_their_columns() {
        let mut pending = Pending::default();
        assert_eq!(taken(&mut pending, "ä; b; c"), ["ä;", "   b;"]);
        assert_eq!(taken(&mut pending, ";"), ["      c\n;"]);
        assert!(pending.rest("test").is_none());
    }

    #[test]
    fn what_has_no_semicolon_is_left_at_the_end() {
        let mut pending = Pending::default();
        assert!(taken(&mut pending, "SELECT 1").is_empty());
        assert_eq!(pending.rest("test").unwrap().text, "SELECT 1\n");
    }
}
