//! Commands of the shell itself: a backslash and a word.

use std::path::PathBuf;

use turgo_connectors::Format;
use turgo_sql::parse::nearest;

use crate::report::Failure;

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Quit,
    /// All tables; all views, too.
    List {
        views: bool,
    },
    /// A table or a view, as it was written.
    Describe(String),
    /// On, off, or the other.
    Timing(Option<bool>),
    /// How rows are written, where it changes.
    Format(Option<Format>),
    /// A script to run.
    Include(PathBuf),
}

/// The words of commands.
pub(super) const WORDS: [&str; 7] = ["\\?", "\\d", "\\dt", "\\format", "\\i", "\\q", "\\timing"];

/// What the commands do.
pub(super) fn help() -> &'static str {
    "\
A statement ends with a semicolon and may take several lines.

  \\d             tables and views
  \\d NAME        columns, watermark and options of a table or view
  \\dt            tables
  \\i FILE        run the statements of a file
  \\format HOW    write rows as table, csv, json or ndjson
  \\timing        say how long statements take, or stop saying it
  \\?             this help
  \\q             leave, as exit, quit and Ctrl-D

  Tab            completes keywords, tables, columns, functions and files
  Up, Ctrl-R     what was typed before
  Ctrl-C         stops the query that runs, or clears what is typed

SHOW FUNCTIONS; and SHOW ALL; list functions and settings."
}

/// The command that `line` is, if it is none of SQL's.
pub(super) fn read(line: &str) -> Option<Result<Command, Failure>> {
    let line = line.trim();
    let bare = line.trim_end_matches(';').trim_end().to_lowercase();
    match bare.as_str() {
        "exit" | "quit" => return Some(Ok(Command::Quit)),
        "help" => return Some(Ok(Command::Help)),
        _ if !line.starts_with('\\') => return None,
        _ => {}
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    // People end everything with a semicolon here; no command needs one.
    let rest = rest.trim().trim_end_matches(';').trim_end();
    Some(command(word.trim_end_matches(';'), rest))
}

fn command(word: &str, rest: &str) -> Result<Command, Failure> {
    let alone = |command| match rest {
        "" => Ok(command),
        _ => Err(Failure::new(format!("{word} takes nothing, found `{rest}`"))),
    };
    match word {
        "\\?" => alone(Command::Help),
        "\\q" => alone(Command::Quit),
        "\\d" if rest.is_empty() => Ok(Command::List { views: true }),
        "\\d" => Ok(Command::Describe(rest.to_owned())),
        "\\dt" => alone(Command::List { views: false }),
        "\\timing" => match rest {
            "" => Ok(Command::Timing(None)),
            "on" => Ok(Command::Timing(Some(true))),
            "off" => Ok(Command::Timing(Some(false))),
            _ => Err(Failure::new(format!("\\timing takes on or off, found `{rest}`"))),
        },
        "\\format" if rest.is_empty() => Ok(Command::Format(None)),
        "\\format" => {
            let named = Format::ALL.into_iter().find(|format| format.name() == rest);
            let wrong = || format!("\\format takes table, csv, json or ndjson, found `{rest}`");
            named.map(|format| Command::Format(Some(format))).ok_or_else(|| Failure::new(wrong()))
        }
        "\\i" => match rest.trim_matches('\'') {
            "" => Err(Failure::new("\\i takes the name of a file")),
            path => Ok(Command::Include(PathBuf::from(path))),
        },
        _ => Err(Failure::new(match nearest(word, WORDS) {
            Some(near) => format!("there is no command {word}\nhelp: did you mean {near}?"),
            None => format!("there is no command {word}\nhelp: \\? lists the commands"),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_statements() {
        for (line, command) in [
            (" \\q ", Command::Quit),
            ("exit", Command::Quit),
            ("QUIT;", Command::Quit),
            ("help", Command::Help),
            ("\\?", Command::Help),
            ("\\d;", Command::List { views: true }),
            ("\\dt", Command::List { views: false }),
            ("\\d \"My Table\" ;", Command::Describe("\"My Table\"".into())),
            ("\\timing", Command::Timing(None)),
            ("\\timing off", Command::Timing(Some(false))),
            ("\\format csv;", Command::Format(Some(Format::Csv))),
            ("\\format", Command::Format(None)),
            ("\\i 'a b.sql'", Command::Include("a b.sql".into())),
        ] {
            assert_eq!(read(line).unwrap().unwrap(), command, "{line}");
        }
        for line in ["SELECT 1;", "", "exit now", "-- \\q"] {
            assert!(read(line).is_none(), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for line in ["\\x", "\\timign", "\\format cvs", "\\i", "\\q now", "\\timing maybe"] {
            assert_eq!(read(line).unwrap().unwrap_err().code(), 1, "{line}");
        }
    }

    #[test]
    fn every_command_is_explained_and_read() {
        for word in WORDS {
            assert!(help().lines().any(|line| line.trim_start().starts_with(word)), "{word}");
            let unknown = "there is no command";
            let read = read(&format!("{word} ")).unwrap();
            assert!(read.is_ok() || !format!("{read:?}").contains(unknown), "{word}");
        }
    }
}
