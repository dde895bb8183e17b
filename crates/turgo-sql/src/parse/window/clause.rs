//! Windows as a clause, in the words of ksqlDB and Velostream:
//! `GROUP BY k WINDOW TUMBLING (ts, INTERVAL '1' MINUTE)`, `WINDOW HOPPING (SIZE 1 MINUTE, ADVANCE BY
//! 10 SECONDS)`.
//!
//! The clause becomes a window function in front of the GROUP BY list of its SELECT, wherever in the
//! SELECT it stands; without a GROUP BY it becomes one. A time column that is left out is the one the
//! table declares a watermark for, which the planner knows. The added tokens have the place of the
//! words they stand for.

use std::ops::Range;

use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use crate::error::{Result, SqlError};
use crate::parse::cursor::{Cursor, closing, is_word};
use crate::parse::emission::complete;
use crate::parse::nearest::nearest;
use crate::parse::not_yet;
use crate::statement::marker;

/// Words that end a SELECT, or the list of its groups.
const ENDS: [&str; 10] = [
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "MINUS",
    "HAVING",
    "QUALIFY",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
];

/// How many of [`ENDS`] begin another SELECT.
const SET_OPERATIONS: usize = 4;

/// Units of time, with what they are called in SQL.
const UNITS: [(&str, &str); 19] = [
    ("MILLISECOND", "MILLISECOND"),
    ("MILLISECONDS", "MILLISECOND"),
    ("MS", "MILLISECOND"),
    ("SECOND", "SECOND"),
    ("SECONDS", "SECOND"),
    ("SEC", "SECOND"),
    ("S", "SECOND"),
    ("MINUTE", "MINUTE"),
    ("MINUTES", "MINUTE"),
    ("MIN", "MINUTE"),
    ("M", "MINUTE"),
    ("HOUR", "HOUR"),
    ("HOURS", "HOUR"),
    ("H", "HOUR"),
    ("DAY", "DAY"),
    ("DAYS", "DAY"),
    ("D", "DAY"),
    ("WEEK", "WEEK"),
    ("WEEKS", "WEEK"),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Tumbling,
    /// Also SLIDING.
    Hopping,
    Session,
}

const KINDS: [(&str, Kind); 4] = [
    ("TUMBLING", Kind::Tumbling),
    ("HOPPING", Kind::Hopping),
    ("SLIDING", Kind::Hopping),
    ("SESSION", Kind::Session),
];

impl Kind {
    /// The function it becomes.
    fn function(self) -> &'static str {
        match self {
            Self::Tumbling => "TUMBLE",
            Self::Hopping => "HOP",
            Self::Session => "SESSION",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Tumbling => {
                "write WINDOW TUMBLING (time, INTERVAL '1' MINUTE) or WINDOW TUMBLING (SIZE 1 MINUTE)"
            }
            Self::Hopping => {
                "write WINDOW HOPPING (time, INTERVAL '1' MINUTE, INTERVAL '10' SECOND) or WINDOW \
                 HOPPING (SIZE 1 MINUTE, ADVANCE BY 10 SECONDS)"
            }
            Self::Session => {
                "write WINDOW SESSION (time, INTERVAL '30' SECOND) or WINDOW SESSION (30 SECONDS)"
            }
        }
    }
}

/// The tokens not yet read, with window functions in GROUP BY in place of window clauses.
pub(in crate::parse) fn rewrite(cursor: &Cursor<'_>) -> Result<Vec<TokenWithSpan>> {
    let mut tokens = cursor.rest().to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match Clause::find(&cursor.over(&tokens), at)? {
            Some(clause) => clause.move_to_groups(&mut tokens),
            None => at += 1,
        }
    }
    Ok(tokens)
}

/// A window clause, checked.
struct Clause {
    /// The tokens it occupies.
    tokens: Range<usize>,
    /// The function it becomes.
    call: Vec<TokenWithSpan>,
    /// The place of its words.
    place: Span,
}

impl Clause {
    /// The clause that begins with token `at`, if one does.
    fn find(cursor: &Cursor<'_>, at: usize) -> Result<Option<Self>> {
        let tokens = cursor.rest();
        let before = at.checked_sub(1).is_some_and(|before| complete(&tokens[before].token));
        let mut rest = cursor.clone();
        rest.skip(at);
        let Some(Token::Word(word)) = rest.peek_nth(1) else { return Ok(None) };
        if !before || !rest.is("WINDOW") || word.quote_style.is_some() {
            return Ok(None);
        }
        let opens = rest.peek_nth(2) == Some(&Token::LParen);
        let name = &tokens[at + 1];
        let known = KINDS.iter().find(|(kind, _)| word.value.eq_ignore_ascii_case(kind));
        let Some((_, kind)) = known else {
            return match meant(&word.value).filter(|_| opens) {
                Some(kind) => Err(SqlError::new(format!("there is no window {}", word.value))
                    .at(cursor.bytes(name))
                    .help(format!("did you mean {kind}?"))),
                None => Ok(None),
            };
        };
        rest.skip(2);
        if !opens {
            return Err(rest.unexpected("`(`").help(kind.help()));
        }
        let Some(end) = closing(tokens, at + 2) else {
            return Err(SqlError::new(format!(
                "the parenthesis of {} is never closed",
                word.value
            ))
            .at(cursor.bytes(&tokens[at + 2]))
            .help(kind.help()));
        };
        rest.skip(1);
        let call = call(*kind, name.span, &rest.take(end - at - 3))?;
        Ok(Some(Self { tokens: at..end + 1, call, place: name.span }))
    }

    /// Takes the clause out of `tokens` and puts its function among the groups of its SELECT.
    fn move_to_groups(self, tokens: &mut Vec<TokenWithSpan>) {
        let Self { tokens: clause, mut call, place } = self;
        tokens.drain(clause.clone());
        let clause = clause.start;
        let select = select_around(tokens, clause);
        for token in &mut tokens[select.clone()] {
            for (ours, theirs) in [("_WINDOW_START", "window_start"), ("_WINDOW_END", "window_end")]
            {
                if is_word(&token.token, ours) {
                    token.token = Token::make_word(theirs, None);
                }
            }
        }
        let word = |text: &str| TokenWithSpan::new(Token::make_word(text, None), place);
        let top = at_top(tokens, select.clone());
        let is = |at: usize, name: &str| is_word(&tokens[at].token, name);
        let groups =
            top.iter().find(|at| is(**at, "GROUP") && **at + 1 < select.end && is(**at + 1, "BY"));
        let at = match groups {
            Some(group) => {
                call.push(TokenWithSpan::new(Token::Comma, place));
                group + 2
            }
            None => {
                call.splice(0..0, [word("GROUP"), word("BY")]);
                let ends = |at: &&usize| **at >= clause && ENDS.iter().any(|end| is(**at, end));
                top.iter().find(ends).copied().unwrap_or(select.end)
            }
        };
        tokens.splice(at..at, call);
    }
}

/// The kind of window that a misspelt word stands for.
fn meant(word: &str) -> Option<&'static str> {
    match word.to_ascii_uppercase().as_str() {
        "TUMBLE" => Some("TUMBLING"),
        "HOP" => Some("HOPPING"),
        "SLIDE" => Some("SLIDING"),
        _ => nearest(word, KINDS.map(|(kind, _)| kind)),
    }
}

/// The tokens of the SELECT that holds a token at `at`: between parentheses and set operations.
fn select_around(tokens: &[TokenWithSpan], at: usize) -> Range<usize> {
    let divides = |token: &Token| ENDS[..SET_OPERATIONS].iter().any(|word| is_word(token, word));
    let (mut start, mut depth) = (at, 0usize);
    while start > 0 {
        match &tokens[start - 1].token {
            Token::RParen => depth += 1,
            Token::LParen if depth == 0 => break,
            Token::LParen => depth -= 1,
            token if depth == 0 && divides(token) => break,
            _ => {}
        }
        start -= 1;
    }
    let (mut end, mut depth) = (at, 0usize);
    while end < tokens.len() {
        match &tokens[end].token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => break,
            Token::RParen => depth -= 1,
            token if depth == 0 && divides(token) => break,
            _ => {}
        }
        end += 1;
    }
    start..end
}

/// The indices of the tokens in `range` that stand in no parenthesis of it.
fn at_top(tokens: &[TokenWithSpan], range: Range<usize>) -> Vec<usize> {
    let mut depth = 0usize;
    range
        .filter(|at| {
            match tokens[*at].token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
        .collect()
}

/// The window function for what stands in the parentheses of a clause.
fn call(kind: Kind, place: Span, inner: &Cursor<'_>) -> Result<Vec<TokenWithSpan>> {
    let mut rest = inner.clone();
    let mut arguments = Vec::new();
    while rest.peek().is_some() {
        let count = rest.item_len();
        arguments.push(rest.take(count));
        rest.skip(count);
        if !rest.eat_token(&Token::Comma) && rest.peek().is_some() {
            return Err(rest.unexpected("`,` or `)`").help(kind.help()));
        }
    }
    let token = |token: Token| TokenWithSpan::new(token, place);
    let word = |text: &str| token(Token::make_word(text, None));
    let time = match arguments.first() {
        Some(first) if is_column(first) => arguments.remove(0).rest().to_vec(),
        _ => vec![word(marker::EVENT_TIME)],
    };
    let wanted: &[&[&str]] = match kind {
        Kind::Tumbling => &[&["SIZE"]],
        Kind::Hopping => &[&["SIZE"], &["ADVANCE", "BY"]],
        Kind::Session => &[&["GAP"]],
    };
    let mut lengths = Vec::with_capacity(wanted.len());
    for (argument, said) in arguments.iter().zip(wanted) {
        lengths.push(length(kind, argument.clone(), said)?);
    }
    if let Some(more) = arguments.get(wanted.len()) {
        return Err(match more.is("GRACE") || more.is("RETENTION") {
            true => not_yet(more.text(more.span()), more.rest_span()).help("leave it out"),
            false => more.unexpected("`)`").help(kind.help()),
        });
    }
    if lengths.len() < wanted.len() {
        let what =
            if lengths.is_empty() { "the length of the window" } else { "how far it advances" };
        let message = format!("expected {what}, found `)`");
        let end = inner.end();
        return Err(SqlError::new(message).at(end..end + 1).help(kind.help()));
    }
    let mut call = vec![word(kind.function()), token(Token::LParen)];
    call.extend(time);
    // HOP takes the slide first.
    for length in lengths.into_iter().rev() {
        call.push(token(Token::Comma));
        call.extend(length);
    }
    call.push(token(Token::RParen));
    Ok(call)
}

/// Whether an argument is the name of a column.
fn is_column(argument: &Cursor<'_>) -> bool {
    let words = ["INTERVAL", "SIZE", "ADVANCE", "GAP", "GRACE", "RETENTION"];
    argument.rest().len() % 2 == 1
        && argument.rest().iter().enumerate().all(|(at, token)| match &token.token {
            Token::Word(_) => at % 2 == 0 && !words.iter().any(|word| is_word(&token.token, word)),
            Token::Period => at % 2 == 1,
            _ => false,
        })
}

/// An interval, `SIZE 1 MINUTE`, `1 MINUTE` or `1m` as an interval; `said` are the words that may stand
/// in front.
fn length(kind: Kind, mut argument: Cursor<'_>, said: &[&str]) -> Result<Vec<TokenWithSpan>> {
    let wrong = |error: SqlError| error.help(kind.help());
    argument.eat(said);
    if argument.is("INTERVAL") {
        return Ok(argument.rest().to_vec());
    }
    let Some(Token::Number(number, _)) = argument.peek() else {
        return Err(wrong(argument.unexpected("an interval")));
    };
    let place = argument.rest()[0].span;
    let number = Token::SingleQuotedString(number.clone());
    argument.skip(1);
    let unit = match argument.peek() {
        Some(Token::Word(word)) => {
            UNITS.iter().find(|(unit, _)| word.value.eq_ignore_ascii_case(unit))
        }
        _ => None,
    };
    let Some((_, unit)) = unit else {
        return Err(wrong(argument.unexpected("a unit of time")));
    };
    argument.skip(1);
    argument.finish().map_err(|_| wrong(argument.unexpected("`,` or `)`")))?;
    let words = [Token::make_word("INTERVAL", None), number, Token::make_word(unit, None)];
    Ok(words.map(|token| TokenWithSpan::new(token, place)).to_vec())
}
