//! SQL: whatever is written, the answer is statements or an error that points into the text.

use std::ops::Range;

/// Any text is read or refused, with places that are there; each statement that was read is read
/// alone, too.
pub fn sql(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match turgo_sql::parse(&text) {
        Err(error) => {
            assert!(!error.message.is_empty(), "an error says what is wrong");
            if let Some(span) = &error.span {
                within(&text, span);
            }
        }
        Ok(statements) => {
            let mut end = 0;
            for statement in statements {
                within(&text, &statement.span);
                assert!(statement.span.start >= end, "statements follow each other");
                end = statement.span.end;
                let alone = turgo_sql::parse(&text[statement.span]);
                assert_eq!(alone.map(|alone| alone.len()), Ok(1), "a statement alone");
            }
        }
    }
}

fn within(text: &str, span: &Range<usize>) {
    assert!(text.get(span.clone()).is_some(), "{span:?} is a place in the text");
}
