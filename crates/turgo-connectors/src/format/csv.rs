//! CSV (RFC 4180): records of fields between delimiters, quoted where needed.
//!
//! A quote opens a quoted field only at the field's start; inside, `""` is a quote and line ends are
//! text. Lines end with LF or CRLF. An unquoted field equal to the null text is NULL, a quoted one
//! never is. Empty lines are no records.

use turgo_engine::{EngineError, Result};

pub(crate) mod infer;
mod marks;
pub(crate) mod read;
pub(crate) mod split;
pub(crate) mod write;

use split::Fields;

/// The dialect of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The first record names the columns.
    pub(crate) header: bool,
    /// What stands between fields: one ASCII character.
    pub(crate) delimiter: u8,
    /// How NULL is written, without quotes.
    pub(crate) null: String,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { header: true, delimiter: b',', null: String::new() }
    }
}

impl Dialect {
    /// The end of the record at `from`, after its line end; `None` where it has no line end.
    pub(crate) fn record_end(&self, bytes: &[u8], from: usize) -> Option<usize> {
        split::record_end(bytes, from, self.delimiter)
    }

    /// The names in a header record, with or without its line end.
    ///
    /// # Errors
    /// `Data` where it is not UTF-8 or not CSV.
    pub(crate) fn header_names(&self, record: &[u8]) -> Result<Vec<String>> {
        let text = std::str::from_utf8(record)
            .map_err(|_| EngineError::data("the header is not UTF-8"))?
            .trim_end_matches(['\r', '\n']);
        let mut fields = Fields::default();
        fields
            .split(text, self.delimiter)
            .map_err(|what| EngineError::data(format!("the header: {what}")))?;
        Ok((0..fields.len()).map(|index| fields.get(text, index).0.into_owned()).collect())
    }
}
