//! Formats: how rows are written as bytes, independent of where the bytes lie.
//!
//! A format reads records ([`records`]) into columns ([`mod@column`]) and writes batches as text
//! ([`text`]). [`mod@parquet`] has columns as it is. Rules that hold for every format:
//!
//! - F1. A row is read whole or rejected whole; nothing is rounded, cut or guessed to make it fit.
//! - F2. What an encoder writes for a program, the decoder of that format reads back as the same
//!   row; a value the format has no word for is an error, such as NaN and the infinities in JSON.
//!   For people at a terminal something is always shown ([`text::Reader`]).
//! - F3. Text is UTF-8. In text, `VARBINARY` is base64, instants are ISO 8601 in UTC.

pub(crate) mod base64;
pub(crate) mod bytes;
pub(crate) mod column;
pub(crate) mod csv;
pub(crate) mod datetime;
pub(crate) mod infer;
pub(crate) mod json;
pub(crate) mod number;
pub(crate) mod parquet;
pub(crate) mod records;
pub(crate) mod text;

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// One JSON object per line.
    Json,
    /// Comma-separated values, RFC 4180.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl FileFormat {
    /// Its name in `'format' = '...'`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}
