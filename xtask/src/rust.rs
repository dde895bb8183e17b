//! Just enough of Rust's surface to tell code from comments, strings and tests.
//!
//! Not a parser: it blanks out what is not code and keeps every line and column, so that searching
//! the rest for words gives true places.

/// `text` with comments and the contents of strings and character literals turned into spaces.
pub(crate) fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => block_end(&chars, at),
            'r' if !continues_word(&chars, at) => raw_string_end(&chars, at),
            '"' => string_end(&chars, at),
            '\'' => char_end(&chars, at),
            _ => at,
        };
        match end > at {
            true => code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' })),
            false => code.push(chars[at]),
        }
        at = end.max(at + 1);
    }
    code
}

/// As [`code_of`], also without the modules and items marked `#[cfg(test)]`.
pub(crate) fn product_code_of(text: &str) -> String {
    let code = code_of(text);
    let mut out = code.clone().into_bytes();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let end = item_end(&code, start);
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a path holds only tests: a `tests` folder, or a file named `tests.rs`.
pub(crate) fn is_test_path(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// Byte offsets where `word` stands alone in `line`.
pub(crate) fn words<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).map(|(at, _)| at).filter(move |at| {
        !line[..*at].ends_with(part) && !line[at + word.len()..].starts_with(part)
    })
}

/// End of the item that starts at `start`: its closing brace, or a semicolon before any brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0usize;
    for (offset, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return start + offset + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + offset + 1,
            _ => {}
        }
    }
    code.len()
}

fn continues_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() && chars[at - 1] != 'b' || chars[at - 1] == '_')
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)
}

fn block_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut end) = (0usize, at);
    while end < chars.len() {
        match (chars[end], chars.get(end + 1)) {
            ('/', Some('*')) => (depth, end) = (depth + 1, end + 2),
            ('*', Some('/')) => (depth, end) = (depth - 1, end + 2),
            _ => end += 1,
        }
        if depth == 0 {
            break;
        }
    }
    end.min(chars.len())
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while end < chars.len() && chars[end] != '"' {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(chars.len())
}

/// End of `r"..."`, `r#"..."#` and so on; `at` itself where there is no raw string.
fn raw_string_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let mut end = at + 1 + hashes;
    if chars.get(end) != Some(&'"') {
        return at;
    }
    end += 1;
    while end < chars.len() {
        let closing = chars[end] == '"' && chars[end + 1..].iter().take(hashes).all(|c| *c == '#');
        end += 1;
        if closing {
            return (end + hashes).min(chars.len());
        }
    }
    end
}

/// End of a character literal; `at` itself where the quote starts a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), Some(_)) => chars[at + 3..]
            .iter()
            .position(|c| *c == '\'')
            .map_or(chars.len(), |length| at + 3 + length + 1),
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank_and_places_stay() {
        let text = "a /* b /* c */ d */ e // f\n\"g\\\"h\" r#\"i\"j\"# 'k' '\\'' 'life x";
        let code = code_of(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "e", "'life", "x"]);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.find('\n'), text.find('\n'));
    }

    #[test]
    fn tests_are_not_product_code() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\nfn c() {}\n#[cfg(test)]\nmod d;\n";
        let code = product_code_of(text);
        assert!(code.contains("fn a") && code.contains("fn c"));
        assert!(!code.contains("fn b") && !code.contains("mod d"));
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(words("Mutex MutexGuard x_Mutex <Mutex>", "Mutex").collect::<Vec<_>>(), [0, 26]);
    }
}
