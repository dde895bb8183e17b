//! What may come next in a text that is being typed.
//!
//! A guess from the words around the place, not from a grammar: a statement that is half typed has
//! none. What is offered fits what has been typed; what does not fit is never offered.

use std::path::{MAIN_SEPARATOR, Path};

use turgo_connectors::Format;
use turgo_sql::Declared;
use turgo_sql::parse::typed::{KEYWORDS, Lexeme, LexemeKind, Typed, first_statement, lexemes};

use super::command::WORDS;

/// The names there are.
#[derive(Debug)]
pub(super) struct Names {
    /// Tables and views.
    pub(super) relations: Vec<Declared>,
    /// Functions, sorted.
    pub(super) functions: Vec<String>,
}

/// Words that a table follows.
const BEFORE_TABLES: [&str; 7] = ["FROM", "JOIN", "INTO", "TABLE", "VIEW", "DESCRIBE", "COLUMNS"];

/// Words that may stand where a table does.
const IN_PLACE_OF_TABLES: [&str; 6] = ["CUMULATE", "HOP", "IF", "SESSION", "TABLE", "TUMBLE"];

/// What the text before `at` may be completed to, and where the part begins that it replaces.
pub(super) fn complete(names: &Names, text: &str, at: usize) -> (usize, Vec<String>) {
    let head = &text[..at];
    if head.trim_start().starts_with('\\') {
        return of_command(names, head);
    }
    let parts = lexemes(head);
    let last = parts.last().filter(|part| part.span.end == at);
    let (prefix, before) = match last.map(|part| part.kind) {
        Some(LexemeKind::Comment) => return (at, Vec::new()),
        Some(LexemeKind::String) => return of_string(head, &parts),
        Some(LexemeKind::Keyword | LexemeKind::Name) => {
            (parts[parts.len() - 1].span.start, &parts[..parts.len() - 1])
        }
        _ => (at, &parts[..]),
    };
    let statement = Statement::around(names, text, at);
    let typed = &head[prefix..];
    let found = match before.last().map(|part| &head[part.span.clone()]) {
        Some(".") => {
            let owner = before.len().checked_sub(2).map(|owner| &head[before[owner].span.clone()]);
            owner.map_or(Vec::new(), |owner| statement.columns_of(owner))
        }
        Some(word) if BEFORE_TABLES.iter().any(|w| w.eq_ignore_ascii_case(word)) => {
            let mut found = relations(names);
            if !typed.is_empty() {
                found.extend(cased(&IN_PLACE_OF_TABLES, typed));
            }
            found
        }
        _ => {
            let mut found = statement.columns();
            if !typed.is_empty() {
                found.extend(relations(names));
                found.extend(names.functions.iter().map(|name| format!("{name}(")));
                found.extend(cased(&KEYWORDS, typed));
            }
            found
        }
    };
    (prefix, fitting(found, typed))
}

/// Those of `found` that begin with `typed`, in any case, each once.
fn fitting(found: Vec<String>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let mut fitting: Vec<String> = Vec::new();
    for name in found {
        if name.to_lowercase().starts_with(&typed) && !fitting.contains(&name) {
            fitting.push(name);
        }
    }
    fitting
}

fn relations(names: &Names) -> Vec<String> {
    names.relations.iter().map(|relation| quoted(&relation.name)).collect()
}

/// `words` in the case that is being typed.
fn cased(words: &[&str], typed: &str) -> Vec<String> {
    let lower = typed.contains(char::is_lowercase);
    let cased = |word: &&str| if lower { word.to_lowercase() } else { (*word).to_owned() };
    words.iter().map(cased).collect()
}

/// A name as it has to be written.
fn quoted(name: &str) -> String {
    let plain = |c: char| c == '_' || c.is_alphanumeric() && !c.is_uppercase();
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_numeric()) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// The name that a word stands for.
fn unquoted(word: &str) -> String {
    match word.chars().next() {
        Some(quote @ ('"' | '`')) => word.trim_matches(quote).replace("\"\"", "\""),
        _ => word.to_lowercase(),
    }
}

/// The tables that a statement reads, as far as they can be told.
struct Statement<'a> {
    names: &'a Names,
    /// Each relation under every name it has in the statement.
    reads: Vec<(String, &'a Declared)>,
}

impl<'a> Statement<'a> {
    /// The statement in `text` that byte `at` is in.
    fn around(names: &'a Names, text: &str, at: usize) -> Self {
        let all = lexemes(text);
        let word = |part: &Lexeme| &text[part.span.clone()];
        let begin = all.iter().rposition(|part| part.span.end <= at && word(part) == ";");
        let parts = &all[begin.map_or(0, |begin| begin + 1)..];
        let end = parts.iter().position(|part| word(part) == ";").unwrap_or(parts.len());
        let parts = &parts[..end];
        let mut reads = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let name = unquoted(word(part));
            let Some(relation) = names.relations.iter().find(|other| other.name == name) else {
                continue;
            };
            reads.push((name, relation));
            let mut after = parts[index + 1..].iter();
            let next = after.next();
            let alias = match next.map(word) {
                Some(text) if text.eq_ignore_ascii_case("AS") => after.next(),
                _ => next,
            };
            if let Some(alias) = alias.filter(|alias| alias.kind == LexemeKind::Name) {
                reads.push((unquoted(word(alias)), relation));
            }
        }
        Self { names, reads }
    }

    /// The columns of the relation called `owner`.
    fn columns_of(&self, owner: &str) -> Vec<String> {
        let owner = unquoted(owner);
        let owned = self.reads.iter().filter(|(name, _)| *name == owner);
        owned.flat_map(|(_, relation)| &relation.columns).map(|name| quoted(name)).collect()
    }

    /// The columns that can be meant: of every relation, before the first is named.
    fn columns(&self) -> Vec<String> {
        let relations: Vec<&Declared> = match self.reads.is_empty() {
            true => self.names.relations.iter().collect(),
            false => self.reads.iter().map(|(_, relation)| *relation).collect(),
        };
        relations.iter().flat_map(|relation| &relation.columns).map(|name| quoted(name)).collect()
    }
}

/// Completes a command of the shell or what it takes.
fn of_command(names: &Names, head: &str) -> (usize, Vec<String>) {
    let start = head.len() - head.trim_start().len();
    let Some((word, rest)) = head.trim_start().split_once(char::is_whitespace) else {
        return (start, fitting(WORDS.map(str::to_owned).into(), &head[start..]));
    };
    let typed = rest.trim_start();
    let begin = head.len() - typed.len();
    match word {
        "\\d" => (begin, fitting(relations(names), typed)),
        "\\format" => {
            (begin, fitting(Format::ALL.map(|format| format.name().to_owned()).into(), typed))
        }
        "\\i" => {
            let path = typed.strip_prefix('\'').unwrap_or(typed);
            (head.len() - path.len(), paths(path))
        }
        _ => (head.len(), Vec::new()),
    }
}

/// Completes the path in a string that is still open: after FROM, or as the value of an option
/// named like one.
fn of_string(head: &str, parts: &[Lexeme]) -> (usize, Vec<String>) {
    let nothing = (head.len(), Vec::new());
    let word = |back: usize| {
        let index = parts.len().checked_sub(1 + back)?;
        Some(&head[parts[index].span.clone()])
    };
    let Some(string) = word(0) else { return nothing };
    let open = first_statement(&format!("{string}\n;")) == Typed::Unfinished;
    let read = word(1)
        .is_some_and(|w| ["FROM", "JOIN"].iter().any(|before| before.eq_ignore_ascii_case(w)));
    let option = word(1) == Some("=") && word(2).is_some_and(|key| key.ends_with("path'"));
    match string.strip_prefix('\'') {
        Some(path) if open && (read || option) => (head.len() - path.len(), paths(path)),
        _ => nothing,
    }
}

/// The files and directories whose paths begin with `typed`, sorted.
fn paths(typed: &str) -> Vec<String> {
    let (folder, name) = typed.split_at(typed.rfind(MAIN_SEPARATOR).map_or(0, |at| at + 1));
    let place = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut paths: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let found = entry.file_name().into_string().ok()?;
            // Hidden files are for those who ask for them.
            let hidden = found.starts_with('.') && !name.starts_with('.');
            (found.starts_with(name) && !hidden).then(|| match entry.path().is_dir() {
                true => format!("{folder}{found}{MAIN_SEPARATOR}"),
                false => format!("{folder}{found}"),
            })
        })
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests;
