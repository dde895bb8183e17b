//! Scanning JSON text: finds the ends of values and checks their grammar, builds nothing.
//!
//! - S1. A value that [`Cursor::value`] has passed over is valid JSON in UTF-8: scanning it again
//!   cannot fail.
//! - S2. Recursion is bounded by [`DEPTH_MAX`].
//! - S3. A line feed is never passed over: what has been scanned lies in one line.

use std::borrow::Cow;

use super::plain;
use crate::format::bytes;

/// The deepest nesting, the record itself included.
pub(crate) const DEPTH_MAX: usize = 128;

/// Where and why a text is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// Byte offset.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) what: &'static str,
}

type Result<T> = std::result::Result<T, Syntax>;

/// What stands between the quotes of a string; UTF-8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'a> {
    /// As it is written.
    pub(crate) raw: &'a [u8],
    /// Whether escapes stand for something else.
    pub(crate) escaped: bool,
}

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At byte `at` of `text`.
    pub(crate) fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// The offset in the text.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The text from `start` to here.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.text[start..self.at]
    }

    /// The rest of the text.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// Passes over `bytes` bytes that the caller has looked at.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next byte.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes over white space.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over `byte`, or fails with `what`.
    pub(crate) fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    /// After an element: whether another one follows the comma, or `close` ends the list.
    pub(crate) fn another(&mut self, close: u8, what: &'static str) -> Result<bool> {
        self.skip_space();
        let byte = self.peek();
        if byte != Some(b',') && byte != Some(close) {
            return Err(self.error(what));
        }
        self.at += 1;
        self.skip_space();
        Ok(byte == Some(b','))
    }

    /// The text has to end here.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end of the line")),
        }
    }

    /// Passes over a value at nesting depth `depth` and returns it as it is written.
    #[inline]
    pub(crate) fn value(&mut self, depth: usize) -> Result<&'a [u8]> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => drop(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.other(depth)?,
        }
        Ok(self.since(start))
    }

    fn other(&mut self, depth: usize) -> Result<()> {
        match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH_MAX => Err(self.error("nested too deeply")),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.error("expected a value")),
        }
    }

    /// Passes over a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Quoted<'a>> {
        let start = self.at + 1;
        match (self.peek(), plain::text_end(self.text, start)) {
            (Some(b'"'), Some(end)) => {
                self.at = end + 1;
                Ok(Quoted { raw: &self.text[start..end], escaped: false })
            }
            _ => self.rich_string(),
        }
    }

    /// Passes over a string, perhaps with escapes and letters beyond ASCII.
    fn rich_string(&mut self) -> Result<Quoted<'a>> {
        self.expect(b'"', "expected a string")?;
        let start = self.at;
        let (mut escaped, mut ascii) = (false, true);
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.escape()?;
                    escaped = true;
                }
                Some(..0x20) => return Err(self.error("control character in a string")),
                Some(0x80..) => {
                    self.at += 1;
                    ascii = false;
                }
                Some(_) => self.at = bytes::plain_text_end(self.text, self.at),
                None => return Err(self.error("unclosed string")),
            }
        }
        let raw = self.since(start);
        if !ascii && let Err(error) = std::str::from_utf8(raw) {
            return Err(Syntax { at: start + error.valid_up_to(), what: "invalid UTF-8" });
        }
        self.at += 1;
        Ok(Quoted { raw, escaped })
    }

    fn escape(&mut self) -> Result<()> {
        const LONE: &str = "half of a surrogate pair";
        let start = self.at;
        match self.rest().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.hex()? {
                0xD800..0xDC00 => match self.rest().starts_with(b"\\u").then(|| self.hex()) {
                    Some(Ok(0xDC00..0xE000)) => {}
                    Some(Err(error)) => return Err(error),
                    _ => return Err(Syntax { at: start, what: LONE }),
                },
                0xDC00..0xE000 => return Err(Syntax { at: start, what: LONE }),
                _ => {}
            },
            _ => return Err(self.error("unknown escape in a string")),
        }
        Ok(())
    }

    /// Passes over `\uXXXX`.
    fn hex(&mut self) -> Result<u32> {
        let digits =
            self.rest().get(2..6).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else { return Err(self.error("expected four hex digits")) };
        self.at += 6;
        Ok(hex_value(digits))
    }

    #[inline]
    fn number(&mut self) -> Result<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if let Some(b'.' | b'e' | b'E' | b'0'..=b'9') = self.peek() {
            self.fraction()?;
        }
        Ok(())
    }

    /// Passes over what follows the whole part of a number.
    fn fraction(&mut self) -> Result<()> {
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        match self.peek() {
            Some(b'0'..=b'9') => Err(self.error("a number with a leading zero")),
            _ => Ok(()),
        }
    }

    #[inline]
    fn digits(&mut self) -> Result<()> {
        let end = bytes::digits_end(self.text, self.at);
        if end == self.at {
            return Err(self.error("expected a digit"));
        }
        self.at = end;
        Ok(())
    }

    fn literal(&mut self, word: &'static str) -> Result<()> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<()> {
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.string()?;
            self.colon()?;
            self.value(depth)?;
            if !self.another(b'}', "expected `,` or `}`")? {
                return Ok(());
            }
        }
    }

    /// Passes over the colon of a member and the space around it.
    pub(crate) fn colon(&mut self) -> Result<()> {
        self.skip_space();
        self.expect(b':', "expected `:`")?;
        self.skip_space();
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<()> {
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if !self.another(b']', "expected `,` or `]`")? {
                return Ok(());
            }
        }
    }

    /// An error at this place.
    pub(crate) fn error(&self, what: &'static str) -> Syntax {
        match self.at >= self.text.len() {
            true => Syntax { at: self.text.len(), what: "the line ends too early" },
            false => Syntax { at: self.at, what },
        }
    }
}

/// Text that the cursor has passed over; S1.
pub(crate) fn text(scanned: &[u8]) -> &str {
    std::str::from_utf8(scanned).expect("the cursor passes over UTF-8 only")
}

/// The text a string stands for.
pub(crate) fn unescaped(quoted: Quoted<'_>) -> Cow<'_, str> {
    let raw = text(quoted.raw);
    let first = memchr::memchr(b'\\', raw.as_bytes()).filter(|_| quoted.escaped);
    let Some(first) = first else { return Cow::Borrowed(raw) };
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut next = Some(first);
    while let Some(at) = next {
        text.push_str(&rest[..at]);
        let (resolved, length) = resolve(&rest.as_bytes()[at..]);
        text.push(resolved);
        rest = &rest[at + length..];
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character of a valid escape and the escape's length.
fn resolve(escape: &[u8]) -> (char, usize) {
    let simple = match escape[1] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let high = hex_value(&escape[2..6]);
            let (code, length) = match high {
                0xD800..0xDC00 => {
                    let low = hex_value(&escape[8..12]);
                    (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12)
                }
                _ => (high, 6),
            };
            return (char::from_u32(code).expect("the scanner refuses half pairs"), length);
        }
        other => char::from(other),
    };
    (simple, 2)
}

fn hex_value(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| {
        value << 4 | char::from(*digit).to_digit(16).expect("the scanner has checked the digits")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<&str> {
        let mut cursor = Cursor::new(text.as_bytes(), 0);
        cursor.skip_space();
        let value = cursor.value(0)?;
        cursor.end()?;
        Ok(super::text(value))
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json() {
        for text in [
            "0",
            "-0",
            "01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1e5",
            "-",
            "+1",
            "1.5e-3",
            "true",
            "tru",
            "nul",
            "null ",
            "[]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{\"a\":1,}",
            "{\"a\" : 1}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\"}",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ud83dx\"",
            "\"\\ude00\"",
            "\"\\ud83d\\u0041\"",
            "\"a\nb\"",
            "\"\u{7f}\"",
            "\"é\"",
            "\"a",
            "\"\\\"",
            "[[[[1]]]]",
            "",
            " ",
            "1 1",
            "NaN",
            "{\"a\":{\"b\":[null,{}]}}",
        ] {
            let expected = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(scan(text).is_ok(), expected, "{text}: {:?}", scan(text));
        }
    }

    #[test]
    fn escapes_are_resolved_as_serde_json_does() {
        for text in [r#""""#, r#""plain""#, r#""\"\\\/\b\f\n\r\t""#, r#""a\u00e9\ud83d\ude00z""#] {
            let expected: String = serde_json::from_str(text).unwrap();
            let quoted = Cursor::new(text.as_bytes(), 0).string().unwrap();
            assert_eq!(unescaped(quoted), expected);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(scan(&nested(DEPTH_MAX)).is_ok());
        let error = scan(&nested(DEPTH_MAX + 1)).unwrap_err();
        assert_eq!((error.at, error.what), (DEPTH_MAX, "nested too deeply"));
    }
}
