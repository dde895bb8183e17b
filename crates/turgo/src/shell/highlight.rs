//! Colours for what is being typed.

use turgo_sql::parse::typed::{LexemeKind, lexemes};

/// Longer texts stay as they are: each key paints the whole text again.
const PAINTED_MAX: usize = 16 << 10;

/// `line` with colours, as it reads after the lines `before`.
pub(super) fn paint(before: &str, line: &str) -> String {
    let text = format!("{before}{line}");
    if text.len() > PAINTED_MAX || before.is_empty() && line.trim_start().starts_with('\\') {
        return line.to_owned();
    }
    let mut painted = String::with_capacity(2 * line.len());
    let mut done = before.len();
    for lexeme in lexemes(&text) {
        // A string or a comment may have begun on a line before.
        let (start, end) = (lexeme.span.start.max(before.len()), lexeme.span.end);
        if end <= before.len() {
            continue;
        }
        painted.push_str(&text[done..start]);
        done = end;
        match color(lexeme.kind) {
            Some(color) => {
                painted.push_str(color);
                painted.push_str(&text[start..end]);
                painted.push_str("\x1b[0m");
            }
            None => painted.push_str(&text[start..end]),
        }
    }
    painted.push_str(&text[done..]);
    painted
}

fn color(kind: LexemeKind) -> Option<&'static str> {
    match kind {
        LexemeKind::Keyword => Some("\x1b[34m"),
        LexemeKind::String => Some("\x1b[32m"),
        LexemeKind::Number => Some("\x1b[36m"),
        LexemeKind::Comment => Some("\x1b[2m"),
        LexemeKind::Name | LexemeKind::Symbol => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_strings_numbers_and_comments_have_colours() {
        assert_eq!(
            paint("", "SELECT a, 'ä', 1 -- x"),
            "\x1b[34mSELECT\x1b[0m a, \x1b[32m'ä'\x1b[0m, \x1b[36m1\x1b[0m \x1b[2m-- x\x1b[0m"
        );
        assert_eq!(paint("", "\\d select"), "\\d select");
    }

    #[test]
    fn a_line_is_painted_as_it_reads_after_those_before() {
        assert_eq!(paint("SELECT 'a\n", "b' x"), "\x1b[32mb'\x1b[0m x");
        assert_eq!(paint("SELECT\n", ""), "");
        assert_eq!(paint("SELECT /*\n", "open"), "\x1b[2mopen\x1b[0m");
    }
}
