//! What columns a sample of records has.
//!
//! Of every place in the records (a column, a field, the elements of an array) it is remembered
//! which types have read *all* values seen there, so the order of the records does not matter. The
//! narrowest of them is the type; a place that only ever was NULL is `VARCHAR`.
//!
//! - N1. A column of the inferred type reads every value of the sample.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::{datetime, number};

/// The deepest nesting of types: that of a declaration.
pub(crate) const DEPTH_MAX: usize = 32;

/// Records of one file, or of its beginning.
#[derive(Debug)]
pub(crate) struct Sample {
    /// The name of the file.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Nothing follows.
    pub(crate) complete: bool,
}

/// What a sample came to.
#[derive(Debug)]
pub(crate) struct Inferred {
    /// The columns, in order of their first appearance.
    pub(crate) columns: Fields,
    /// Records looked at.
    pub(crate) rows: usize,
}

/// Why there are no columns, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// A record: the file's index, and the line it begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: usize,
    pub(crate) line: u64,
}

impl Place {
    /// `bids.ndjson:17`.
    pub(crate) fn shown(self, samples: &[Sample]) -> String {
        format!("{}:{}", samples[self.file].name, self.line)
    }
}

/// The types that read a scalar, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Readings(u16);

impl Readings {
    // The narrower a type, the lower its bit.
    const BOOLEAN: u16 = 1;
    const BIGINT: u16 = 1 << 1;
    const DECIMAL: u16 = 1 << 2;
    const DOUBLE: u16 = 1 << 3;
    const DATE: u16 = 1 << 4;
    const MILLISECONDS: u16 = 1 << 5;
    const MICROSECONDS: u16 = 1 << 6;
    const NANOSECONDS: u16 = 1 << 7;
    const VARCHAR: u16 = 1 << 8;

    /// Of `true` and `false`.
    pub(crate) fn boolean() -> Self {
        Self(Self::BOOLEAN)
    }

    /// Of a number: `BIGINT` only as it is usually written, because a column in which `1.0` stands
    /// will have `1.5` as well.
    pub(crate) fn number(text: &str) -> Self {
        let mut readings = Self::DOUBLE;
        if !text.contains(['.', 'e', 'E']) {
            readings |= if text.parse::<i64>().is_ok() { Self::BIGINT } else { 0 };
            readings |= if number::decimal128(text, 38, 0).is_ok() { Self::DECIMAL } else { 0 };
        }
        Self(readings)
    }

    /// Of a string.
    pub(crate) fn text(text: &str) -> Self {
        let mut readings = Self::VARCHAR;
        if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
            readings |= if datetime::date(text).is_ok() { Self::DATE } else { 0 };
            for (bit, digits) in
                [(Self::MILLISECONDS, 3), (Self::MICROSECONDS, 6), (Self::NANOSECONDS, 9)]
            {
                readings |= if datetime::timestamp(text, digits).is_ok() { bit } else { 0 };
            }
        }
        Self(readings)
    }

    /// Of a text of unknown kind. What has leading zeros or a plus sign is a code, not a number: it
    /// would lose them.
    pub(crate) fn field(text: &str) -> Self {
        let Self(mut readings) = Self::text(text);
        let digits = text.strip_prefix('-').unwrap_or(text);
        let code = digits.starts_with('+')
            || digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
        if number::float64(text).is_ok() && !code {
            readings |= Self::number(text).0;
        } else if matches!(text, "NaN" | "Infinity" | "-Infinity") {
            readings |= Self::DOUBLE;
        } else if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            readings |= Self::BOOLEAN;
        }
        Self(readings)
    }

    /// Whether nothing but `VARCHAR` reads it.
    pub(crate) fn only_text(self) -> bool {
        self.0 == Self::VARCHAR
    }

    fn data_type(self) -> DataType {
        match 1 << self.0.trailing_zeros() {
            Self::BOOLEAN => DataType::Boolean,
            Self::BIGINT => DataType::Int64,
            Self::DECIMAL => DataType::Decimal128(38, 0),
            Self::DOUBLE => DataType::Float64,
            Self::DATE => DataType::Date32,
            Self::MILLISECONDS => DataType::Timestamp(TimeUnit::Millisecond, None),
            Self::MICROSECONDS => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::NANOSECONDS => DataType::Timestamp(TimeUnit::Nanosecond, None),
            _ => DataType::Utf8,
        }
    }

    /// What a value of JSON is that these read.
    fn kind(self) -> &'static str {
        match self.0 {
            Self::BOOLEAN => "a boolean",
            readings if readings & Self::VARCHAR != 0 => "a string",
            _ => "a number",
        }
    }
}

/// What has been seen in one place of the records.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    shape: Shape,
    /// The first value that was not NULL.
    first: Option<Place>,
}

#[derive(Debug, Default)]
enum Shape {
    /// Nothing but NULL.
    #[default]
    Nothing,
    Scalar(Readings),
    Row(Members),
    List(Box<Seen>),
}

/// Two values that no type reads, or one that is nested too deeply.
#[derive(Debug)]
pub(crate) struct Conflict {
    /// Where in a record: `bid.items`.
    path: String,
    /// What stands there, and in which records.
    found: Vec<(&'static str, Place)>,
}

impl Conflict {
    /// The conflict of a value nested too deeply.
    pub(crate) fn too_deep(at: Place) -> Self {
        Self { path: String::new(), found: vec![("nested more than 32 deep", at)] }
    }

    /// The same, inside field `name`.
    pub(crate) fn within(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with(['[', '.']) { "" } else { "." };
        Self { path: format!("{name}{dot}{}", self.path), found: self.found }
    }

    /// What is said of it.
    pub(crate) fn refused(self, samples: &[Sample]) -> Refused {
        let found = self.found.iter();
        let found = found.map(|(what, place)| format!("{what} in {}", place.shown(samples)));
        let what = format!("`{}` is {}", self.path, found.collect::<Vec<_>>().join(" and "));
        let remedy = "no type reads that: declare the columns with CREATE TABLE, and leave this one \
                      out or skip the other rows with 'on-error' = 'skip'";
        Refused { what, remedy: remedy.into() }
    }
}

impl Seen {
    /// A scalar.
    pub(crate) fn scalar(&mut self, readings: Readings, at: Place) -> Result<(), Conflict> {
        match &mut self.shape {
            Shape::Scalar(all) if all.0 & readings.0 != 0 => all.0 &= readings.0,
            shape @ Shape::Nothing => *shape = Shape::Scalar(readings),
            _ => return Err(self.conflict(readings.kind(), at)),
        }
        self.first.get_or_insert(at);
        Ok(())
    }

    /// An object, whose members are to be added.
    pub(crate) fn row(&mut self, at: Place) -> Result<&mut Members, Conflict> {
        if matches!(self.shape, Shape::Nothing) {
            (self.shape, self.first) = (Shape::Row(Members::default()), Some(at));
        }
        if !matches!(self.shape, Shape::Row(_)) {
            return Err(self.conflict("an object", at));
        }
        let Shape::Row(members) = &mut self.shape else { unreachable!("looked at above") };
        Ok(members)
    }

    /// An array, whose elements are to be added.
    pub(crate) fn list(&mut self, at: Place) -> Result<&mut Seen, Conflict> {
        if matches!(self.shape, Shape::Nothing) {
            (self.shape, self.first) = (Shape::List(Box::default()), Some(at));
        }
        if !matches!(self.shape, Shape::List(_)) {
            return Err(self.conflict("an array", at));
        }
        let Shape::List(element) = &mut self.shape else { unreachable!("looked at above") };
        Ok(element)
    }

    fn conflict(&self, what: &'static str, at: Place) -> Conflict {
        let before = match &self.shape {
            Shape::Nothing => "NULL",
            Shape::Scalar(readings) => readings.kind(),
            Shape::Row(_) => "an object",
            Shape::List(_) => "an array",
        };
        let first = self.first.unwrap_or(at);
        Conflict { path: String::new(), found: vec![(before, first), (what, at)] }
    }

    /// The narrowest type that has read all.
    pub(crate) fn data_type(&self) -> DataType {
        match &self.shape {
            Shape::Nothing => DataType::Utf8,
            Shape::Scalar(readings) => readings.data_type(),
            Shape::List(element) => DataType::new_list(element.data_type(), true),
            // A ROW has at least one field.
            Shape::Row(members) if members.list.is_empty() => empty_objects(),
            Shape::Row(members) => DataType::Struct(members.fields()),
        }
    }
}

/// `MAP<VARCHAR, VARCHAR>`.
fn empty_objects() -> DataType {
    let key = Field::new("key", DataType::Utf8, false);
    let entry = Fields::from(vec![key, Field::new("value", DataType::Utf8, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
}

/// What has been seen of the members of objects, or of the columns of a table.
#[derive(Debug, Default)]
pub(crate) struct Members {
    list: Vec<(String, Seen)>,
    places: HashMap<String, usize>,
}

impl Members {
    /// The member `name`, and its place; likely to be at `expected`.
    pub(crate) fn member(&mut self, name: &str, expected: usize) -> (usize, &mut Seen) {
        let place = match self.list.get(expected) {
            Some((there, _)) if there == name => expected,
            _ => *self.places.entry(name.to_owned()).or_insert_with(|| {
                self.list.push((name.to_owned(), Seen::default()));
                self.list.len() - 1
            }),
        };
        (place, &mut self.list[place].1)
    }

    /// The columns they are.
    pub(crate) fn fields(&self) -> Fields {
        let field = |(name, seen): &(String, Seen)| Field::new(name, seen.data_type(), true);
        self.list.iter().map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use turgo_engine::types::sql_type;

    use super::*;

    const AT: Place = Place { file: 0, line: 1 };

    fn inferred(values: &[&str], read: impl Fn(&str) -> Readings) -> String {
        let mut forwards = Seen::default();
        let mut backwards = Seen::default();
        for value in values {
            forwards.scalar(read(value), AT).unwrap();
        }
        for value in values.iter().rev() {
            backwards.scalar(read(value), AT).unwrap();
        }
        assert_eq!(forwards.data_type(), backwards.data_type(), "{values:?}");
        sql_type(&forwards.data_type())
    }

    #[test]
    fn numbers_widen_as_far_as_they_must() {
        for (values, expected) in [
            (&["1", "-3"][..], "BIGINT"),
            (&["9223372036854775807"], "BIGINT"),
            (&["1", "9223372036854775808"], "DECIMAL(38, 0)"),
            (&["99999999999999999999999999999999999999"], "DECIMAL(38, 0)"),
            (&["100000000000000000000000000000000000000"], "DOUBLE"),
            (&["1", "1.0"], "DOUBLE"),
            (&["1e3"], "DOUBLE"),
            (&["9223372036854775808", "0.5"], "DOUBLE"),
        ] {
            assert_eq!(inferred(values, Readings::number), expected, "{values:?}");
            assert_eq!(inferred(values, Readings::field), expected, "{values:?}");
        }
    }

    #[test]
    fn strings_are_times_where_all_are() {
        for (values, expected) in [
            (&["2024-01-15", "1999-12-31"][..], "DATE"),
            (&["2024-01-15T10:00:00"], "TIMESTAMP(3)"),
            (&["2024-01-15 10:00", "2024-01-15T10:00:00.120Z"], "TIMESTAMP(3)"),
            (&["2024-01-15T10:00:00+02:00"], "TIMESTAMP(3)"),
            (&["2024-01-15 10:00:00.000000", "2024-01-15 10:00:00.0001"], "TIMESTAMP(6)"),
            (&["2024-01-15 10:00:00", "2024-01-15 10:00:00.123456789"], "TIMESTAMP(9)"),
            // Nanoseconds end in 2262.
            (&["3000-01-01 00:00:00", "2024-01-15 10:00:00.123456789"], "VARCHAR"),
            (&["2024-01-15", "2024-01-15 10:00:00"], "VARCHAR"),
            (&["2024-02-30"], "VARCHAR"),
            (&["2024-01-15", ""], "VARCHAR"),
            (&["10:00:00"], "VARCHAR"),
        ] {
            assert_eq!(inferred(values, Readings::text), expected, "{values:?}");
            assert_eq!(inferred(values, Readings::field), expected, "{values:?}");
        }
    }

    #[test]
    fn fields_are_read_for_what_they_look_like() {
        for (values, expected) in [
            (&["true", "FALSE"][..], "BOOLEAN"),
            (&["true", "1"], "VARCHAR"),
            (&["0", "-0", "10"], "BIGINT"),
            (&["007"], "VARCHAR"),
            (&["-01"], "VARCHAR"),
            (&["+49"], "VARCHAR"),
            (&["0.5", "NaN", "-Infinity"], "DOUBLE"),
            (&["1", "x"], "VARCHAR"),
            (&["1", ""], "VARCHAR"),
        ] {
            assert_eq!(inferred(values, Readings::field), expected, "{values:?}");
        }
    }
}
