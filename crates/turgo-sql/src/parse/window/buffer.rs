//! `OVER (ROWS WINDOW BUFFER 100 ROWS PARTITION BY k ORDER BY ts)`, as Velostream writes a frame.
//!
//! A buffer of `n` rows holds the row itself and the `n - 1` before it. The tokens become
//! `OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN n - 1 PRECEDING AND CURRENT ROW)`.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Result, SqlError};
use crate::parse::cursor::{Cursor, closing, is_word};
use crate::parse::not_yet;

const HELP: &str = "write OVER (ROWS WINDOW BUFFER 100 ROWS PARTITION BY key ORDER BY time)";

/// The tokens not yet read, with frames in place of buffers.
pub(in crate::parse) fn rewrite(cursor: &Cursor<'_>) -> Result<Vec<TokenWithSpan>> {
    let tokens = cursor.rest();
    let mut out = Vec::with_capacity(tokens.len());
    // Frames, innermost last, each with the index of the parenthesis it stands before.
    let mut frames: Vec<(usize, Vec<TokenWithSpan>)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((_, frame)) = frames.pop_if(|(end, _)| *end == at) {
            out.extend(frame);
        }
        out.push(tokens[at].clone());
        at += 1;
        let opens = tokens[at - 1].token == Token::LParen;
        let mut rest = cursor.clone();
        rest.skip(at);
        if opens && rest.are(&["ROWS", "WINDOW", "BUFFER"]) {
            let Some(end) = closing(tokens, at - 1) else {
                return Err(SqlError::new("the parenthesis of OVER is never closed")
                    .at(cursor.bytes(&tokens[at - 1])));
            };
            frames.push((end, frame(&mut rest)?));
            at = tokens.len() - rest.rest().len();
            check(cursor, at, end)?;
        }
    }
    Ok(out)
}

/// Reads `ROWS WINDOW BUFFER n ROWS` and returns the frame it stands for.
fn frame(rest: &mut Cursor<'_>) -> Result<Vec<TokenWithSpan>> {
    rest.skip(3);
    let count = match rest.peek() {
        Some(Token::Number(text, _)) => text.parse::<u64>().ok().filter(|count| *count > 0),
        _ => None,
    };
    let Some(count) = count else {
        return Err(rest.unexpected("a number of rows").help(HELP));
    };
    let place = rest.rest()[0].span;
    rest.skip(1);
    rest.expect("ROWS").map_err(|error| error.help(HELP))?;
    let word = |text: &str| TokenWithSpan::new(Token::make_word(text, None), place);
    let before = Token::Number((count - 1).to_string(), false);
    Ok(vec![
        word("ROWS"),
        word("BETWEEN"),
        TokenWithSpan::new(before, place),
        word("PRECEDING"),
        word("AND"),
        word("CURRENT"),
        word("ROW"),
    ])
}

/// Refuses what Velostream writes beside a buffer and is not there yet.
fn check(cursor: &Cursor<'_>, from: usize, end: usize) -> Result<()> {
    let mut depth = 0usize;
    for token in &cursor.rest()[from..end] {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            word if is_word(word, "ROWS") || is_word(word, "RANGE") => {
                return Err(
                    not_yet("a frame beside BUFFER", cursor.bytes(token)).help("write one of them")
                );
            }
            word if is_word(word, "EXPIRE") || is_word(word, "EMIT") => {
                let what = format!("{} in OVER", cursor.text(cursor.bytes(token)));
                return Err(not_yet(&what, cursor.bytes(token)).help("leave it out"));
            }
            _ => {}
        }
    }
    Ok(())
}
