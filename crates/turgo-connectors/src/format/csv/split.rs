//! Splitting CSV into records and records into fields.
//!
//! Both walk the same automaton: a quote opens a field only directly after a delimiter or a line
//! end. [`record_end`] needs to know no more than that, so a record with broken fields still ends
//! where the reader of its neighbours thinks it does.

use std::borrow::Cow;

/// The end of the record at `from`, after its line end; `None` where no line end follows outside
/// of quotes.
pub(crate) fn record_end(bytes: &[u8], from: usize, delimiter: u8) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\n', &bytes[at..])?;
        if bytes[at] == b'\n' {
            return Some(at + 1);
        }
        let opens = at == from || bytes[at - 1] == delimiter;
        at = if opens { quoted_end(bytes, at)? } else { at + 1 };
    }
}

/// The offset after the quote that closes the field opened at `open`.
fn quoted_end(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr(b'"', &bytes[at..])? + 1;
        if bytes.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}

/// The fields of one record; kept to reuse its memory.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    fields: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    quoted: bool,
}

impl Fields {
    /// Splits `record`, which has no line end.
    pub(crate) fn split(&mut self, record: &str, delimiter: u8) -> Result<(), String> {
        self.fields.clear();
        let bytes = record.as_bytes();
        let mut at = 0;
        loop {
            let quoted = bytes.get(at) == Some(&b'"');
            let (start, end, next) = if quoted {
                let end = quoted_end(bytes, at)
                    .ok_or_else(|| format!("field {}: unclosed quote", self.fields.len() + 1))?;
                if bytes.get(end).is_some_and(|byte| *byte != delimiter) {
                    let field = self.fields.len() + 1;
                    return Err(format!("field {field}: text after the closing quote"));
                }
                (at + 1, end - 1, end)
            } else {
                let length = memchr::memchr(delimiter, &bytes[at..]);
                let end = length.map_or(bytes.len(), |length| at + length);
                (at, end, end)
            };
            self.fields.push(Span { start, end, quoted });
            if next == bytes.len() {
                return Ok(());
            }
            at = next + 1;
        }
    }

    /// The number of fields.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Field `index` of the `record` split last, and whether it is quoted.
    pub(crate) fn get<'a>(&self, record: &'a str, index: usize) -> (Cow<'a, str>, bool) {
        let Span { start, end, quoted } = self.fields[index];
        let text = &record[start..end];
        match quoted {
            true => (unquoted(text), true),
            false => (Cow::Borrowed(text), false),
        }
    }
}

/// The text of a quoted field, given what stands between its quotes.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    match text.contains('"') {
        true => Cow::Owned(text.replace("\"\"", "\"")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(record: &str) -> Result<Vec<(String, bool)>, String> {
        let mut fields = Fields::default();
        fields.split(record, b',')?;
        let owned = |index| {
            let (text, quoted) = fields.get(record, index);
            (text.into_owned(), quoted)
        };
        Ok((0..fields.len()).map(owned).collect())
    }

    #[test]
    fn fields_keep_their_quotes_apart() {
        let split = fields(r#"a,,"","x,y","say ""hi""",b"c"#).unwrap();
        let expected = [
            ("a", false),
            ("", false),
            ("", true),
            ("x,y", true),
            ("say \"hi\"", true),
            ("b\"c", false),
        ];
        assert_eq!(split, expected.map(|(text, quoted)| (text.to_owned(), quoted)));
        assert_eq!(fields("a,").unwrap().len(), 2);
        assert_eq!(fields("").unwrap().len(), 1);
        assert_eq!(fields("a,\"b\"c").unwrap_err(), "field 2: text after the closing quote");
        assert_eq!(fields("a,\"b\"\"").unwrap_err(), "field 2: unclosed quote");
    }

    #[test]
    fn records_end_outside_of_quotes() {
        let ends = |text: &str| {
            let mut ends = vec![0];
            while let Some(end) = record_end(text.as_bytes(), *ends.last().unwrap(), b',') {
                ends.push(end);
            }
            ends.split_off(1)
        };
        assert_eq!(ends("a,b\nc,d\n"), [4, 8]);
        assert_eq!(ends("\"a\nb\",c\nd"), [8]);
        assert_eq!(ends("\"a\"\"\n\"\n"), [7]);
        assert_eq!(ends("a\"\nb\"\n"), [3, 6]);
        assert!(ends("\"a\nb").is_empty());
        assert_eq!(ends("\"a\"x\"\nb\n"), [6, 8]);
        assert_eq!(ends("\n\n\"\"\n"), [1, 2, 5]);
    }
}
