//! `turgo sql`: statements as they are typed, and commands of the shell itself.
//!
//! - **S1.** A statement runs when its semicolon has been read, before the next line is asked for.
//! - **S2.** Nothing a statement does ends a shell that somebody types into: not its failure, not
//!   Ctrl-C, not a panic.
//! - **S3.** Where standard input is no terminal, the first failure ends the shell, as it ends
//!   `turgo run`.

mod command;
mod complete;
mod editor;
mod highlight;
mod history;
mod pending;

use std::io::{BufRead, IsTerminal};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use turgo_connectors::Format;
use turgo_sql::Declared;
use turgo_sql::statement::{Statement, StatementKind};

use self::command::Command;
use self::editor::{Editor, Line};
use self::pending::Pending;
use crate::args::{ShowProgress, Sql};
use crate::interrupt::{INTERRUPTED, Interrupt};
use crate::output::print;
use crate::progress::count;
use crate::report::{Failure, say};
use crate::runner::{Options, Ran, Runner};
use crate::script::Script;

/// Runs the command.
pub(crate) fn sql(args: &Sql) -> Result<(), Failure> {
    let files: Vec<Script> =
        args.files.iter().map(|path| Script::read(path)).collect::<Result<_, _>>()?;
    let interrupt = Interrupt::listen()?;
    let options =
        Options { workers: args.workers, format: args.format.into(), progress: ShowProgress::Auto };
    let runner = Runner::new(options, interrupt.clone());
    let mut shell = Shell { runner, interrupt, watched: false, timing: false };
    if std::io::stdin().is_terminal() {
        let history = if args.no_history { None } else { history::place() };
        let functions = shell.runner.session.function_names();
        shell.converse(&files, Editor::new(history, functions)?)
    } else {
        shell.follow(&files)
    }
}

struct Shell {
    runner: Runner,
    interrupt: Interrupt,
    /// Somebody types: they are told what became of each statement.
    watched: bool,
    timing: bool,
}

/// What follows a line.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Read,
    Leave,
}

impl Shell {
    /// Talks to somebody until they leave.
    fn converse(&mut self, files: &[Script], mut editor: Editor) -> Result<(), Failure> {
        self.interrupt.begin();
        for file in files {
            self.script(file).unwrap_or_else(|failure| failure.print());
        }
        self.watched = true;
        say(concat!("turgo ", env!("CARGO_PKG_VERSION"), ": \\? for help, Ctrl-D to leave"));
        let mut pending = Pending::default();
        loop {
            editor.declare(self.runner.session.relations());
            let read = self.interrupt.wait(|| editor.read(pending.text()));
            match read.ok_or_else(Failure::told_to_end)?? {
                Line::Typed(text) => {
                    self.interrupt.begin();
                    editor.keep(&text, pending.is_empty());
                    let next = self.typed(&text, &mut pending);
                    if pending.is_empty() {
                        editor.remember();
                        // The next one counts its lines from one.
                        pending = Pending::default();
                    }
                    if next == Next::Leave {
                        return Ok(());
                    }
                }
                Line::Cleared => pending = Pending::default(),
                Line::End => return Ok(()),
            }
        }
    }

    /// Takes what has been typed: one line, or several that were pasted or come from the history.
    fn typed(&mut self, text: &str, pending: &mut Pending) -> Next {
        for line in text.split('\n') {
            match self.line(line, pending, "input") {
                Ok(Next::Read) => {}
                Ok(Next::Leave) => return Next::Leave,
                Err(failure) => {
                    failure.print();
                    if failure.code() == INTERRUPTED {
                        *pending = Pending::default();
                        break;
                    }
                }
            }
        }
        Next::Read
    }

    /// Runs what comes through a pipe until it ends.
    fn follow(&mut self, files: &[Script]) -> Result<(), Failure> {
        files.iter().try_for_each(|file| self.script(file))?;
        let mut pending = Pending::default();
        loop {
            let mut line = Vec::new();
            let read = self.interrupt.wait(|| std::io::stdin().lock().read_until(b'\n', &mut line));
            match read.ok_or_else(Failure::told_to_end)? {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    return Err(Failure::usage(format!("cannot read standard input: {error}")));
                }
            }
            let line = String::from_utf8(line).map_err(|_| {
                let line = pending.next_line();
                Failure::usage(format!("standard input: line {line} is not UTF-8 text"))
            })?;
            let line = line.trim_end_matches(['\r', '\n']);
            // Some programs mark the begin of what they write.
            let marked =
                if pending.next_line() == 1 { line.strip_prefix('\u{feff}') } else { None };
            if self.line(marked.unwrap_or(line), &mut pending, STDIN)? == Next::Leave {
                return Ok(());
            }
        }
        pending.rest(STDIN).map_or(Ok(()), |script| self.script(&script))
    }

    /// Takes a line: runs the command that it is or the statements that it completes.
    fn line(&mut self, line: &str, pending: &mut Pending, name: &str) -> Result<Next, Failure> {
        if pending.is_empty()
            && let Some(command) = command::read(line)
        {
            pending.skip_line();
            return self.command(command?);
        }
        pending.push(line);
        while let Some(script) = pending.next(name) {
            match self.script(&script) {
                Err(failure) if self.watched && failure.code() != INTERRUPTED => failure.print(),
                ended => ended?,
            }
        }
        Ok(Next::Read)
    }

    /// Runs all statements of a script, up to the first that fails.
    fn script(&mut self, script: &Script) -> Result<(), Failure> {
        for statement in &script.parse()? {
            if self.interrupt.asked() {
                return Err(Failure::interrupted());
            }
            self.statement(script, statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, script: &Script, statement: &Statement) -> Result<(), Failure> {
        let start = now();
        let ran = survive(|| self.runner.statement(script, statement));
        let took = start.elapsed();
        // Kept for `--stats`, which a shell does not write.
        self.runner.queries.clear();
        let ran = ran?;
        if self.watched {
            self.tell(&ran, matches!(statement.kind, StatementKind::Select(_)), took);
        }
        if self.timing {
            say(time(&ran, took));
        }
        Ok(())
    }

    /// Says what became of a statement, where its rows do not.
    fn tell(&self, ran: &Ran, select: bool, took: Duration) {
        let rows = match ran {
            Ran::Done(what) => return say(what),
            Ran::Rows(rows) => *rows as u64,
            Ran::Query(report) if select => report.rows_out(),
            Ran::Query(_) | Ran::Shown => return,
        };
        if self.runner.options.format == Format::Table {
            let s = if rows == 1 { "" } else { "s" };
            say(format_args!("({rows} row{s}, {:.2} s)", took.as_secs_f64()));
        }
    }

    fn command(&mut self, command: Command) -> Result<Next, Failure> {
        match command {
            Command::Help => print(command::help())?,
            Command::Quit => return Ok(Next::Leave),
            Command::List { views } => self.list(views)?,
            Command::Describe(name) => self.describe(&name)?,
            Command::Timing(wanted) => {
                self.timing = wanted.unwrap_or(!self.timing);
                say(format_args!("timing is {}", if self.timing { "on" } else { "off" }));
            }
            Command::Format(format) => {
                self.runner.options.format = format.unwrap_or(self.runner.options.format);
                say(format_args!("rows are written as {}", self.runner.options.format.name()));
            }
            Command::Include(path) => self.script(&Script::read(&path)?)?,
        }
        Ok(Next::Read)
    }

    /// `\d`, `\dt`: what is declared, as rows are shown.
    fn list(&mut self, views: bool) -> Result<(), Failure> {
        let mut declared = self.runner.session.relations();
        declared.retain(|relation| views || relation.kind == "table");
        let column = |value: fn(&Declared) -> &str| {
            Arc::new(declared.iter().map(|relation| Some(value(relation))).collect::<StringArray>())
                as ArrayRef
        };
        let rows = RecordBatch::try_from_iter([
            ("name", column(|relation| &relation.name)),
            ("kind", column(|relation| relation.kind)),
            ("connector", column(|relation| relation.options.get("connector").map_or("", |c| c))),
        ]);
        let rows = rows.expect("three columns of the same length are a batch");
        self.runner.show(rows)
    }

    /// `\d NAME`: as DESCRIBE, and the options it was declared with.
    fn describe(&mut self, name: &str) -> Result<(), Failure> {
        self.script(&Script::new("input", format!("DESCRIBE {name}"), 1))?;
        let folded = name.to_lowercase();
        let named = |declared: &&Declared| {
            declared.name == folded || declared.name == name.trim_matches(['"', '`'])
        };
        let relations = self.runner.session.relations();
        let Some(declared) = relations.iter().find(named) else { return Ok(()) };
        let options: Vec<String> =
            declared.options.iter().map(|(key, value)| format!("'{key}' = '{value}'")).collect();
        if options.is_empty() {
            return Ok(());
        }
        Ok(print(&format!("WITH ({})", options.join(", ")))?)
    }
}

/// What standard input is called in messages.
const STDIN: &str = "standard input";

/// Runs `statement`; a panic in it is a failure of that statement alone.
fn survive<T>(statement: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What a statement leaves behind half done is its own: the session changes in one step, when
    // everything that can fail has gone well.
    catch_unwind(AssertUnwindSafe(statement)).unwrap_or_else(|_| {
        Err(Failure::new("internal error: the statement panicked; tables and settings are kept"))
    })
}

/// The line of `\timing`.
fn time(ran: &Ran, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match ran {
        Ran::Query(report) => format!(
            "time {seconds:.3} s, {} rows read, {} rows/s",
            report.rows_in(),
            count(report.rows_in() as f64 / seconds.max(1e-6))
        ),
        _ => format!("time {seconds:.3} s"),
    }
}

#[expect(clippy::disallowed_methods, reason = "people are told how long they waited")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_of_its_statement() {
        let ended: Result<(), Failure> = survive(|| panic!("planted"));
        assert_eq!(ended.unwrap_err().code(), 1);
        assert_eq!(survive(|| Ok(7)).unwrap(), 7);
    }
}
