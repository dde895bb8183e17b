//! Text while it is being typed: where its first statement ends, and what its parts are, whether
//! or not they make sense yet.
//!
//! For programs that people type SQL into. The parts are the tokens that [`super::parse()`] reads,
//! so the two never differ about what is a string or a comment.

use std::ops::Range;

use datafusion_sql::sqlparser::tokenizer::{Token, TokenizerError, Whitespace};

use super::lexicon;
use super::lines::LineIndex;

/// How far the first statement of a text has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// There is none, only blanks and comments.
    Nothing,
    /// It goes on.
    Unfinished,
    /// It ends before this byte; its semicolon, if it has one, stands before it, too.
    Finished(usize),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub kind: LexemeKind,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What a part of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexemeKind {
    /// One of [`KEYWORDS`], unquoted.
    Keyword,
    /// Another word, or a quoted name.
    Name,
    /// A string of any kind, closed or not.
    String,
    /// A number.
    Number,
    /// A comment, closed or not.
    Comment,
    /// An operator or a separator.
    Symbol,
}

/// The words of statements that people do not have to look up, sorted. Many may also be names.
#[rustfmt::skip]
pub const KEYWORDS: [&str; 108] = [
    "ALL", "AND", "ARRAY", "AS", "ASC", "BETWEEN", "BIGINT", "BOOLEAN", "BY", "CASE", "CAST",
    "CHANGES", "COLUMNS", "CREATE", "CUMULATE", "DATE", "DAY", "DECIMAL", "DESC", "DESCRIBE",
    "DESCRIPTOR", "DISTINCT", "DOUBLE", "DROP", "ELSE", "EMIT", "END", "EVERY", "EXCEPT", "EXISTS",
    "EXPLAIN", "EXTRACT", "FALSE", "FILTER", "FINAL", "FLOAT", "FOLLOWING", "FOR", "FROM", "FULL",
    "FUNCTIONS", "GROUP", "HAVING", "HOP", "HOUR", "IF", "IN", "INNER", "INSERT", "INTEGER",
    "INTERSECT", "INTERVAL", "INTO", "IS", "JOIN", "LATERAL", "LEFT", "LIKE", "LIMIT", "MAP",
    "MILLISECOND", "MINUTE", "MONTH", "NOT", "NULL", "NULLS", "OFFSET", "ON", "OR", "ORDER",
    "OUTER", "OVER", "PARTITION", "PRECEDING", "RANGE", "REPLACE", "RIGHT", "ROW", "ROWS",
    "SECOND", "SELECT", "SESSION", "SET", "SHOW", "SMALLINT", "STRING", "TABLE", "TABLES",
    "THEN", "TIME", "TIMESTAMP", "TINYINT", "TO", "TRUE", "TUMBLE", "UNBOUNDED", "UNION",
    "USING", "VALUES", "VARCHAR", "VIEW", "VIEWS", "WATERMARK", "WHEN", "WHERE", "WINDOW", "WITH",
    "YEAR",
];

/// How far the first statement of `text` has got.
///
/// A semicolon ends it that is in no string, comment or quoted name. So does what no further text
/// can mend: reading it then says what is wrong with it.
#[must_use]
pub fn first_statement(text: &str) -> Typed {
    let (lexemes, stopped) = read(text);
    let semicolon =
        |lexeme: &&Lexeme| lexeme.kind == LexemeKind::Symbol && &text[lexeme.span.clone()] == ";";
    if let Some(lexeme) = lexemes.iter().find(semicolon) {
        return Typed::Finished(lexeme.span.end);
    }
    match (stopped, lexemes.last()) {
        (Some(error), Some(rest)) if !can_be_closed(&text[rest.span.clone()], &error) => {
            Typed::Finished(text.len())
        }
        (Some(_), _) => Typed::Unfinished,
        (None, _) if lexemes.iter().all(|lexeme| lexeme.kind == LexemeKind::Comment) => {
            Typed::Nothing
        }
        (None, _) => Typed::Unfinished,
    }
}

/// The parts of `text` between blanks, in order. What cannot be read is one part to the end.
#[must_use]
pub fn lexemes(text: &str) -> Vec<Lexeme> {
    read(text).0
}

/// Whether more text can make a token of `rest`, which is none because of `error`.
fn can_be_closed(rest: &str, error: &TokenizerError) -> bool {
    let message = error.message.to_lowercase();
    message.contains("comment")
        || message.contains("dollar")
        || ["'", "\"", "`"]
            .iter()
            .any(|quote| lexicon::tokens(&format!("{rest}{quote}")).1.is_none())
}

fn read(text: &str) -> (Vec<Lexeme>, Option<TokenizerError>) {
    let lines = LineIndex::new(text);
    let (tokens, stopped) = lexicon::tokens(text);
    let mut lexemes = Vec::with_capacity(tokens.len());
    let mut read = 0;
    for token in &tokens {
        let Some(span) = lines.span_to_bytes(token.span) else { continue };
        read = span.end;
        if let Some(kind) = kind(&token.token) {
            lexemes.push(Lexeme { kind, span });
        }
    }
    if stopped.is_some() {
        lexemes.push(Lexeme { kind: kind_of_rest(&text[read..]), span: read..text.len() });
    }
    (lexemes, stopped)
}

fn kind(token: &Token) -> Option<LexemeKind> {
    Some(match token {
        Token::Whitespace(Whitespace::Space | Whitespace::Newline | Whitespace::Tab) => {
            return None;
        }
        Token::Whitespace(_) => LexemeKind::Comment,
        Token::Word(word) if word.quote_style.is_none() && is_keyword(&word.value) => {
            LexemeKind::Keyword
        }
        Token::Word(_) => LexemeKind::Name,
        Token::Number(..) => LexemeKind::Number,
        Token::SingleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::SingleQuotedByteStringLiteral(_)
        | Token::HexStringLiteral(_) => LexemeKind::String,
        _ => LexemeKind::Symbol,
    })
}

fn kind_of_rest(rest: &str) -> LexemeKind {
    match rest.chars().find(|c| !c.is_alphabetic()) {
        Some('\'' | '$') => LexemeKind::String,
        Some('"' | '`') => LexemeKind::Name,
        Some('/') => LexemeKind::Comment,
        _ => LexemeKind::Symbol,
    }
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}
