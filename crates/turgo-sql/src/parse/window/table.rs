//! Windows as tables: `TABLE(TUMBLE(TABLE t, DESCRIPTOR(c), INTERVAL '10' SECOND))`.
//!
//! sqlparser does not read these, so they are replaced among the tokens, innermost first, by a
//! derived table. Every token written by the user keeps its place; the added ones have the place
//! of the window's name.

use std::ops::Range;

use datafusion_sql::sqlparser::ast::Expr;
use datafusion_sql::sqlparser::keywords::RESERVED_FOR_TABLE_ALIAS;
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::{Window, wrong_count};
use crate::error::{Result, SqlError};
use crate::parse::cursor::{Cursor, closing, is_word};
use crate::parse::nearest::nearest;
use crate::parse::{file, not_yet, query};
use crate::statement::marker;

/// The tokens not yet read, with derived tables in place of window tables.
pub(in crate::parse) fn rewrite(cursor: &Cursor<'_>) -> Result<Vec<TokenWithSpan>> {
    let tokens = cursor.rest();
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        match Call::find(cursor, at)? {
            Some(call) => {
                at = call.next;
                call.write(tokens.get(at), &mut out);
            }
            None => {
                out.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    Ok(out)
}

/// A window table, checked.
struct Call {
    window: Window,
    /// The place of its name.
    place: Span,
    /// What stands behind FROM, rewritten, and its name where it has one.
    source: (Vec<TokenWithSpan>, Option<TokenWithSpan>),
    /// The columns of PARTITION BY.
    partition: Vec<TokenWithSpan>,
    time: TokenWithSpan,
    /// The slide of HOP, the step of CUMULATE; of the others the same as `size`.
    slide: Vec<TokenWithSpan>,
    /// The size, or the gap of SESSION.
    size: Vec<TokenWithSpan>,
    /// The index of the token behind it.
    next: usize,
}

impl Call {
    /// The window table that begins with token `at`, if one does.
    fn find(cursor: &Cursor<'_>, at: usize) -> Result<Option<Self>> {
        let tokens = cursor.rest();
        let wrapped = tokens.len() > at + 3
            && is_word(&tokens[at].token, "TABLE")
            && tokens[at + 1].token == Token::LParen;
        let name = if wrapped { at + 2 } else { at };
        let Token::Word(word) = &tokens[name].token else { return Ok(None) };
        let opens = tokens.get(name + 1).is_some_and(|token| token.token == Token::LParen);
        if word.quote_style.is_some() || !opens {
            return Ok(None);
        }
        let before = at.checked_sub(1).map(|before| &tokens[before].token);
        if !wrapped && !stands_as_table(before, &tokens[name + 2..]) {
            return Ok(None);
        }
        let Some(window) = Window::from_word(&word.value) else { return Ok(None) };
        let Some(end) = closing(tokens, name + 1) else {
            let message = format!("the parenthesis of {} is never closed", window.name());
            return Err(SqlError::new(message).at(cursor.bytes(&tokens[name + 1])));
        };
        let mut call = Arguments::read(cursor, window, name, end)?.check()?;
        call.next = end + 1;
        if wrapped {
            let mut after = cursor.clone();
            after.skip(end + 1);
            after.expect_token(&Token::RParen)?;
            call.next += 1;
        }
        Ok(Some(call))
    }

    /// Writes `(SELECT *, START(...) AS window_start, ... FROM source) [AS name]`.
    fn write(self, next: Option<&TokenWithSpan>, out: &mut Vec<TokenWithSpan>) {
        let place = self.place;
        let token = |token: Token| TokenWithSpan::new(token, place);
        let word = |text: &str| token(Token::make_word(text, None));
        out.extend([token(Token::LParen), word("SELECT"), token(Token::Mul)]);
        for (function, column) in marker::COLUMNS {
            out.extend([token(Token::Comma), word(function), token(Token::LParen)]);
            out.extend([self.time.clone(), token(Token::Comma)]);
            out.extend(self.slide.iter().cloned());
            out.push(token(Token::Comma));
            out.extend(self.size.iter().cloned());
            if let Some(kind) = self.window.marker(false) {
                let kind = Token::SingleQuotedString(kind.into());
                out.extend([token(Token::Comma), token(kind)]);
            }
            for column in &self.partition {
                out.extend([token(Token::Comma), column.clone()]);
            }
            out.extend([token(Token::RParen), word("AS"), word(column)]);
        }
        out.push(word("FROM"));
        let (source, name) = self.source;
        out.extend(source);
        out.push(token(Token::RParen));
        if let Some(name) = name.filter(|_| !is_alias(next)) {
            out.extend([word("AS"), name]);
        }
    }
}

/// Whether a call behind `before` with these arguments is a table: it stands behind FROM or JOIN,
/// or has arguments only a table has.
fn stands_as_table(before: Option<&Token>, arguments: &[TokenWithSpan]) -> bool {
    let Some(before) = before else { return false };
    let first = arguments.first().map(|token| &token.token);
    let named = arguments.get(1).is_some_and(|token| token.token == Token::RArrow);
    let described = arguments
        .windows(2)
        .find(|pair| pair[0].token == Token::Comma)
        .is_some_and(|pair| is_word(&pair[1].token, "DESCRIPTOR"));
    is_word(before, "FROM")
        || is_word(before, "JOIN")
        || first.is_some_and(|token| is_word(token, "TABLE"))
        || named
        || described
}

/// Whether `token` begins an alias of a table.
fn is_alias(token: Option<&TokenWithSpan>) -> bool {
    match token.map(|token| &token.token) {
        Some(Token::Word(word)) => {
            word.value.eq_ignore_ascii_case("AS") && word.quote_style.is_none()
                || !RESERVED_FOR_TABLE_ALIAS.contains(&word.keyword)
        }
        _ => false,
    }
}

/// The arguments of a window table, by their meaning.
struct Arguments<'a> {
    window: Window,
    place: Span,
    /// The call, for errors about all of it.
    span: Range<usize>,
    data: Cursor<'a>,
    time: Cursor<'a>,
    slide: Cursor<'a>,
    size: Cursor<'a>,
}

impl<'a> Arguments<'a> {
    /// Sorts the arguments of the call whose name is token `name` and that is closed by `end`.
    fn read(cursor: &Cursor<'a>, window: Window, name: usize, end: usize) -> Result<Self> {
        let tokens = cursor.rest();
        let span = cursor.bytes_of(&tokens[name..=end]);
        let order = window.arguments();
        let mut inner = cursor.take(end);
        inner.skip(name + 2);
        let mut found: Vec<Option<Cursor<'a>>> = vec![None; order.len()];
        let mut count = 0;
        while !inner.rest().is_empty() {
            let mut argument = inner.take(inner.item_len());
            inner.skip(argument.rest().len() + 1);
            let slot = match argument.peek_nth(1) {
                Some(Token::RArrow) => named(&mut argument, order, window)?,
                _ => count,
            };
            count += 1;
            match found.get_mut(slot) {
                Some(Some(_)) => {
                    return Err(SqlError::new(format!("{} is given twice", order[slot]))
                        .at(argument.rest_span())
                        .help(format!("write {}", window.as_table())));
                }
                Some(place) => *place = Some(argument),
                None => {}
            }
        }
        let all: Option<Vec<_>> = found.into_iter().collect();
        let Some(all) = all.filter(|all| count == all.len()) else {
            return Err(wrong_count(window, order.len(), count, window.as_table(), span));
        };
        let [data, time, .., size] = &all[..] else {
            unreachable!("a window has at least three arguments")
        };
        let (data, time, slide, size) = (data.clone(), time.clone(), all[2].clone(), size.clone());
        Ok(Self { window, place: tokens[name].span, span, data, time, slide, size })
    }

    fn check(self) -> Result<Call> {
        let (data, partition) = self.partition()?;
        let source = self.source(data)?;
        let time = self.time_column()?;
        let slide = self.interval(&self.slide)?;
        let size = self.interval(&self.size)?;
        let Self { window, place, .. } = self;
        Ok(Call { window, place, source, partition, time, slide, size, next: 0 })
    }

    fn wrong(&self, what: &str, at: &Cursor<'_>) -> SqlError {
        let span = if at.rest().is_empty() { self.span.clone() } else { at.rest_span() };
        SqlError::new(what).at(span).help(format!("write {}", self.window.as_table()))
    }

    /// What stands before PARTITION BY, and its columns: one, or several in parentheses.
    fn partition(&self) -> Result<(Cursor<'a>, Vec<TokenWithSpan>)> {
        let tokens = self.data.rest();
        let words = |at: usize, words: &[&str]| {
            tokens[at..].iter().zip(words).filter(|(t, word)| is_word(&t.token, word)).count()
                == words.len()
        };
        // What a query in parentheses is partitioned by is its own affair.
        let table = usize::from(words(0, &["TABLE"]));
        let query = tokens.get(table).is_some_and(|token| token.token == Token::LParen);
        let behind = if query { closing(tokens, table) } else { None }.unwrap_or_default();
        let by = (behind..tokens.len()).find(|at| words(*at, &["PARTITION", "BY"]));
        let Some(by) = by else { return Ok((self.data.clone(), Vec::new())) };
        let span = self.data.bytes_of(&tokens[by..]);
        if self.window != Window::Session {
            return Err(SqlError::new("only the window SESSION has PARTITION BY")
                .at(span)
                .help("leave it out and write the column in GROUP BY"));
        }
        let columns = columns(&tokens[by + 2..]).ok_or_else(|| {
            SqlError::new("PARTITION BY takes a column, or several in parentheses")
                .at(span)
                .help(format!("write {}", self.window.as_table()))
        })?;
        Ok((self.data.take(by), columns))
    }

    /// `[TABLE] name`, `[TABLE] 'file'` or `[TABLE] (query)`.
    fn source(&self, mut data: Cursor<'a>) -> Result<(Vec<TokenWithSpan>, Option<TokenWithSpan>)> {
        data.eat(&["TABLE"]);
        let tokens = data.rest();
        let what = format!("the first argument of {} is a table", self.window.name());
        if closing(tokens, 0)
            .is_some_and(|end| tokens[0].token == Token::LParen && end + 1 == tokens.len())
        {
            return Ok((rewrite(&data)?, None));
        }
        let parts = tokens
            .iter()
            .step_by(2)
            .all(|token| matches!(token.token, Token::Word(_) | Token::SingleQuotedString(_)));
        let dots = tokens.iter().skip(1).step_by(2).all(|token| token.token == Token::Period);
        if !parts || !dots || tokens.len().is_multiple_of(2) {
            return Err(self.wrong(&what, &self.data));
        }
        let name = tokens.last().and_then(|last| match &last.token {
            Token::SingleQuotedString(path) => {
                let name = Token::make_word(&file::table_name(path)?, Some('"'));
                Some(TokenWithSpan::new(name, last.span))
            }
            _ => Some(last.clone()),
        });
        Ok((tokens.to_vec(), name))
    }

    /// `DESCRIPTOR(column)`.
    fn time_column(&self) -> Result<TokenWithSpan> {
        match self.time.rest() {
            [word, open, column, close]
                if is_word(&word.token, "DESCRIPTOR")
                    && open.token == Token::LParen
                    && matches!(column.token, Token::Word(_))
                    && close.token == Token::RParen =>
            {
                Ok(column.clone())
            }
            _ => Err(self.wrong("the time column is written DESCRIPTOR(column)", &self.time)),
        }
    }

    fn interval(&self, argument: &Cursor<'_>) -> Result<Vec<TokenWithSpan>> {
        match query::expression(argument) {
            Ok(Expr::Interval(_)) => Ok(argument.rest().to_vec()),
            Ok(_) => Err(self.wrong("an INTERVAL is expected here", argument)),
            Err(error) => Err(error.help(format!("write {}", self.window.as_table()))),
        }
    }
}

/// The columns in `column` or `(column, ...)`.
fn columns(tokens: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let list = match tokens {
        [open, list @ .., close]
            if open.token == Token::LParen && close.token == Token::RParen && !list.is_empty() =>
        {
            list
        }
        [_] => tokens,
        _ => return None,
    };
    let column = |token: &TokenWithSpan| matches!(token.token, Token::Word(_));
    let columns: Vec<_> = list.iter().step_by(2).cloned().collect();
    let commas = list.iter().skip(1).step_by(2).all(|token| token.token == Token::Comma);
    (columns.iter().all(column) && commas && list.len() % 2 == 1).then_some(columns)
}

/// Reads `name =>`; the argument's place in `order`.
fn named(argument: &mut Cursor<'_>, order: &[&str], window: Window) -> Result<usize> {
    let written = argument.text(argument.span());
    let slot = order.iter().position(|name| argument.is(name));
    let Some(slot) = slot else {
        if argument.is("OFFSET") && window != Window::Session {
            let what = format!("the offset of {}", window.name());
            return Err(not_yet(&what, argument.rest_span()).help("leave it out"));
        }
        let error = SqlError::new(format!("{} has no argument `{written}`", window.name()))
            .at(argument.span());
        return Err(match nearest(written, order.iter().copied()) {
            Some(name) => error.help(format!("did you mean {name}?")),
            None => error.help(format!("its arguments are {}", order.join(", "))),
        });
    };
    argument.skip(2);
    Ok(slot)
}
