//! Columns being read: typed memory fed with values as a format found them.
//!
//! - V1. [`ReadColumn::append`] appends exactly one value, also where it fails. A bad value thus
//!   never shifts its neighbours; the caller cuts the row off again.
//!
//! What a type accepts is decided here once for all formats; [`Input`] says how much a format
//! knows of a value (JSON tells a number from a string, CSV does not). Formats that have already
//! read an integer or a text may push it into the common kinds of [`Column`] at once.

mod scalar;
mod values;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field};
use turgo_engine::types::sql_type;

use super::number::Why;
pub(crate) use scalar::{Longs, Texts, scalar};

/// A value that is not NULL, as a format found it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A string, its escapes resolved.
    Text(&'a str),
    /// A text of unknown kind: a CSV field.
    Field(&'a str),
    /// An object or an array, as it is written.
    Nested(&'a str),
}

impl Input<'_> {
    /// The value for a message, cut where it is long.
    fn shown(&self) -> String {
        const CHARS_MAX: usize = 60;
        let cut = |text: &str| match text.char_indices().nth(CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Number(text) | Self::Nested(text) => cut(text),
            Self::Text(text) | Self::Field(text) => format!("{:?}", cut(text)),
        }
    }
}

/// Why a value was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The column, with fields and elements inside it: `bid.items[2]`.
    path: String,
    /// What is wrong.
    what: String,
}

impl Fault {
    /// A fault whose column the callers fill in.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// The same, inside field `name`.
    pub(crate) fn within(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with(['[', '.']) { "" } else { "." };
        Self { path: format!("{name}{dot}{}", self.path), what: self.what }
    }

    /// As [`turgo_engine::io::Rejected::reason`] wants it.
    pub(crate) fn reason(self) -> String {
        format!("column `{}`: {}", self.path, self.what)
    }
}

/// A column being read.
pub(crate) trait ReadColumn: Send {
    /// Appends a value; V1.
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault>;

    /// Appends NULL.
    fn append_null(&mut self);

    /// Values appended since the last [`ReadColumn::finish`].
    fn len(&self) -> usize;

    /// Keeps the first `length` of them.
    fn truncate(&mut self, length: usize);

    /// The values as an array; the column is empty afterwards.
    fn finish(&mut self) -> ArrayRef;
}

/// A column by what is known of it when the program is compiled.
pub(crate) enum Column {
    /// `BIGINT` and `TIMESTAMP`.
    Long(Longs),
    /// `VARCHAR`.
    Text(Texts),
    /// Any other.
    Other(Box<dyn ReadColumn>),
}

/// `$call` on whichever kind of column it is.
macro_rules! each {
    ($column:expr, $name:ident => $call:expr) => {
        match $column {
            Column::Long($name) => $call,
            Column::Text($name) => $call,
            Column::Other($name) => $call,
        }
    };
}

/// A column with its name and whether it may be NULL.
pub(crate) struct Slot {
    name: String,
    nullable: bool,
    /// The values.
    pub(crate) column: Column,
}

impl Slot {
    /// The slot of `field`, whose values go to `column`.
    pub(crate) fn new(field: &Field, column: Column) -> Self {
        Self { name: field.name().clone(), nullable: field.is_nullable(), column }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Appends a value, `None` for NULL; V1.
    pub(crate) fn append(&mut self, input: Option<Input<'_>>) -> Result<(), Fault> {
        match input {
            Some(input) => each!(&mut self.column, column => column.append(input))
                .map_err(|fault| fault.within(&self.name)),
            None => {
                self.pad();
                match self.nullable {
                    true => Ok(()),
                    false => Err(Fault::new("it is NULL and declared NOT NULL").within(&self.name)),
                }
            }
        }
    }

    /// Appends NULL whether it is allowed or not: where what contains the value is NULL.
    pub(crate) fn pad(&mut self) {
        each!(&mut self.column, column => column.append_null());
    }

    /// Values appended since the last [`Slot::finish`].
    #[inline]
    pub(crate) fn len(&self) -> usize {
        each!(&self.column, column => column.len())
    }

    /// Keeps the first `length` of them.
    pub(crate) fn truncate(&mut self, length: usize) {
        each!(&mut self.column, column => column.truncate(length));
    }

    /// The values as an array; the column is empty afterwards.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        each!(&mut self.column, column => column.finish())
    }
}

/// The fault of a value that is not of a type.
pub(crate) fn mismatch(input: &Input<'_>, data_type: &DataType, why: Why) -> Fault {
    let name = sql_type(data_type);
    // What is in a ROW or ARRAY has faults of its own.
    let name = name.split('<').next().unwrap_or_default();
    let article = if name.starts_with(['A', 'I']) { "an" } else { "a" };
    let colon = if why.is_empty() { "" } else { ": " };
    Fault::new(format!("{} is not {article} {name}{colon}{why}", input.shown()))
}
