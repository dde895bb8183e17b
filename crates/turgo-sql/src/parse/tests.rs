//! Scripts that are read, scripts that are refused and the carets under them.

mod accepted;
mod refused;
mod soup;
mod typed;

use super::parse;
use crate::error::SqlError;
use crate::statement::StatementKind;

/// The one statement of `text`.
fn one(text: &str) -> StatementKind {
    match parse(text) {
        Ok(mut statements) if statements.len() == 1 => statements.remove(0).kind,
        Ok(statements) => panic!("{} statements in {text}", statements.len()),
        Err(error) => panic!("{}", render(text, &error)),
    }
}

/// The query of the one statement of `text`, as SQL.
fn sql(text: &str) -> String {
    match one(text) {
        StatementKind::Select(query) | StatementKind::Insert { query, .. } => {
            query.query.to_string()
        }
        StatementKind::CreateView { query, .. } => query.to_string(),
        other => panic!("{text} is no query: {other:?}"),
    }
}

/// The error of `text`: message, the line at fault, carets under the place, the remedy.
fn refusal(text: &str) -> String {
    match parse(text) {
        Ok(statements) => panic!("{text} was read as {statements:?}"),
        Err(error) => render(text, &error),
    }
}

fn render(text: &str, error: &SqlError) -> String {
    let mut out = error.message.clone();
    if let Some(span) = &error.span {
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        let blank = text[start..span.start].chars().count();
        let carets = text[span.clone()].lines().next().map_or(0, |part| part.chars().count());
        out += &format!("\n{line}\n{}{}", " ".repeat(blank), "^".repeat(carets.max(1)));
    }
    if let Some(help) = &error.help {
        out += &format!("\n{help}");
    }
    out
}
