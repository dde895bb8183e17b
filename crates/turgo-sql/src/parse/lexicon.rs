//! How characters become tokens: the words and quotes of our SQL.
//!
//! The tokens are then read with sqlparser's generic grammar. Only the lexical rules differ from
//! its generic dialect: `#`, `@` and `$` are no letters, and a comment is a comment whatever it
//! begins with.

use datafusion_sql::sqlparser::dialect::Dialect;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

#[derive(Debug)]
struct Lexicon;

impl Dialect for Lexicon {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"' || ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }
}

/// The tokens of `text`, as far as they can be read, and why reading stopped before the end, if it
/// did.
pub(super) fn tokens(text: &str) -> (Vec<TokenWithSpan>, Option<TokenizerError>) {
    let mut tokens = Vec::new();
    let stopped = Tokenizer::new(&Lexicon, text).tokenize_with_location_into_buf(&mut tokens).err();
    (tokens, stopped)
}

/// The same without blanks and comments.
pub(super) fn tokenize(text: &str) -> (Vec<TokenWithSpan>, Option<TokenizerError>) {
    let (mut tokens, stopped) = tokens(text);
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    (tokens, stopped)
}
