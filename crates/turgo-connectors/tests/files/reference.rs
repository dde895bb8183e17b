//! Records as they are meant, read in the plainest way: what decoders are held against.
//!
//! Nothing of the product is used here, and nothing here is fast. JSON is taken apart by
//! `serde_json`, CSV byte by byte; numbers and instants are read digit by digit.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use serde_json::value::RawValue;

/// The columns. Two names are of one length and alike at the start, for whoever compares no more
/// than that.
pub(crate) const KEYS: [&str; 5] =
    ["long", "a key that is cents", "text", "time", "a key that is float"];

/// Their types.
pub(crate) fn types() -> [DataType; 5] {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    [DataType::Int64, DataType::Decimal128(12, 2), DataType::Utf8, time, DataType::Float64]
}

/// A value as text: the outer `None` rejects the row, the inner one is NULL.
pub(crate) type Cell = Option<Option<String>>;

/// Value `row` of a column as a cell has it.
pub(crate) fn shown(column: &ArrayRef, row: usize) -> Option<String> {
    column.is_valid(row).then(|| match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row).to_string(),
        DataType::Timestamp(..) => {
            column.as_primitive::<TimestampMillisecondType>().value(row).to_string()
        }
        _ => column.as_string::<i32>().value(row).to_owned(),
    })
}

/// What a line of JSON means in each column; `None`: it is not a record.
pub(crate) fn object(line: &[u8]) -> Option<[Cell; 5]> {
    let line = std::str::from_utf8(line).ok()?;
    let object: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).ok()?;
    if !strings_are_sound(line) || depth(line) > 128 {
        return None;
    }
    let string = |raw: &str| serde_json::from_str::<String>(raw).ok();
    let cell = |key: &str, read: &dyn Fn(&str) -> Option<String>| -> Cell {
        match object.get(key).map(|raw| raw.get()).filter(|raw| *raw != "null") {
            None => Some(None),
            Some(raw) => read(raw).map(Some),
        }
    };
    Some([
        cell(KEYS[0], &long),
        cell(KEYS[1], &cents),
        cell(KEYS[2], &string),
        cell(KEYS[3], &|raw| match string(raw) {
            None => long(raw),
            Some(text) => Some(millis(&text)?.to_string()),
        }),
        cell(KEYS[4], &float),
    ])
}

/// `serde_json` passes over values it is not asked for without resolving their escapes.
fn strings_are_sound(json: &str) -> bool {
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        rest = &rest[start..];
        let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        if !matches!(strings.next(), Some(Ok(_))) {
            return false;
        }
        rest = &rest[strings.byte_offset()..];
    }
    true
}

/// The deepest nesting; `json` has sound strings.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// A record of CSV.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Where it starts.
    pub(crate) at: usize,
    /// Its bytes without the line end.
    pub(crate) raw: &'a [u8],
    /// Its fields, and whether each was quoted; `None` where its quotes are not in order.
    pub(crate) fields: Option<Vec<(Vec<u8>, bool)>>,
}

impl Record<'_> {
    /// Whether it is an empty line, and no record at all.
    pub(crate) fn is_blank(&self) -> bool {
        self.raw.is_empty()
    }

    /// The field as a text and whether it was quoted, if all the record is UTF-8 and in order.
    fn field(&self, place: usize) -> Option<(&str, bool)> {
        let (field, quoted) = self.fields.as_ref()?.get(place)?;
        Some((std::str::from_utf8(field).ok()?, *quoted))
    }

    /// What it means in each column, if it has `width` fields and column `i` is number `places[i]`;
    /// `None`: it is rejected.
    pub(crate) fn cells(&self, null: &str, places: [usize; 5], width: usize) -> Option<[Cell; 5]> {
        if std::str::from_utf8(self.raw).is_err() || self.fields.as_ref()?.len() != width {
            return None;
        }
        let read = |column: usize| -> Cell {
            let (text, quoted) = self.field(places[column])?;
            if !quoted && text == null {
                return Some(None);
            }
            let value = match column {
                0 => long(text),
                1 => cents(text),
                2 => Some(text.to_owned()),
                3 => match text.strip_prefix('-').unwrap_or(text).chars().all(is_digit) {
                    true => long(text),
                    false => millis(text).map(|millis| millis.to_string()),
                },
                _ => match text {
                    "NaN" => Some("NaN".into()),
                    "Infinity" => Some("inf".into()),
                    "-Infinity" => Some("-inf".into()),
                    _ => float(text),
                },
            };
            value.map(Some)
        };
        Some(std::array::from_fn(read))
    }
}

/// Where a reader of CSV is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote within a quoted field, which closes it or is the first of two.
    Quote,
}

/// The records of `text`, blank ones included.
pub(crate) fn records(text: &[u8], delimiter: u8) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = at + record_length(&text[at..], delimiter);
        let raw = text[at..end].strip_suffix(b"\n").unwrap_or(&text[at..end]);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        records.push(Record { at, raw, fields: fields(raw, delimiter) });
        at = end;
    }
    records
}

fn record_length(text: &[u8], delimiter: u8) -> usize {
    let mut place = Place::FieldStart;
    for (index, byte) in text.iter().enumerate() {
        place = match (place, *byte) {
            (Place::FieldStart, b'"') | (Place::Quote, b'"') => Place::Quoted,
            (Place::Quoted, b'"') => Place::Quote,
            (Place::Quoted, _) => Place::Quoted,
            (_, b'\n') => return index + 1,
            (_, byte) if byte == delimiter => Place::FieldStart,
            _ => Place::Plain,
        };
    }
    text.len()
}

fn fields(raw: &[u8], delimiter: u8) -> Option<Vec<(Vec<u8>, bool)>> {
    let mut fields = vec![(Vec::new(), false)];
    let mut place = Place::FieldStart;
    for byte in raw {
        let (field, quoted) = fields.last_mut()?;
        place = match (place, *byte) {
            (Place::FieldStart, b'"') => {
                *quoted = true;
                Place::Quoted
            }
            (Place::Quoted, b'"') => Place::Quote,
            (Place::Quoted, _) | (Place::Quote, b'"') => {
                field.push(*byte);
                Place::Quoted
            }
            (_, byte) if byte == delimiter => {
                fields.push((Vec::new(), false));
                Place::FieldStart
            }
            (Place::Quote, _) => return None,
            _ => {
                field.push(*byte);
                Place::Plain
            }
        };
    }
    (place != Place::Quoted).then_some(fields)
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

fn long(text: &str) -> Option<String> {
    Some(i64::try_from(scaled(text, 0)?).ok()?.to_string())
}

/// Hundredths, of at most twelve digits.
fn cents(text: &str) -> Option<String> {
    let cents = scaled(text, 2)?;
    (cents.abs() < 1_000_000_000_000).then(|| cents.to_string())
}

fn float(text: &str) -> Option<String> {
    parts(text)?;
    let value: f64 = text.parse().ok()?;
    value.is_finite().then(|| value.to_string())
}

/// A number's sign, the digits before and behind its point, and its exponent.
fn parts(text: &str) -> Option<(i128, &str, &str, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => {
            let (sign, digits) = sign(exponent);
            if digits.is_empty() || !digits.chars().all(is_digit) {
                return None;
            }
            // What has no room in 64 bits moves every number out of reach.
            let exponent = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
            (mantissa, sign as i64 * exponent)
        }
    };
    let (sign, digits) = sign(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let sound = whole.chars().chain(fraction.chars()).all(is_digit);
    (sound && digits.contains(is_digit)).then_some((sign, whole, fraction, exponent))
}

fn sign(text: &str) -> (i128, &str) {
    match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(rest), _) => (-1, rest),
        (_, Some(rest)) => (1, rest),
        _ => (1, text),
    }
}

/// A number times ten to the `scale`, if that is a whole number of fewer than 39 digits.
fn scaled(text: &str, scale: i64) -> Option<i128> {
    let (sign, whole, fraction, exponent) = parts(text)?;
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
    if digits.iter().all(|digit| *digit == 0) {
        return Some(0);
    }
    // So many digits stand before the point.
    let point = whole.len() as i64 + exponent + scale;
    let mut value = 0i128;
    for (index, digit) in digits.iter().enumerate() {
        match (index as i64) < point {
            true => value = value.checked_mul(10)?.checked_add(i128::from(*digit))?,
            false if *digit != 0 => return None,
            false => {}
        }
    }
    for _ in digits.len() as i64..point {
        value = value.checked_mul(10)?;
    }
    Some(sign * value)
}

/// Milliseconds since 1970 of an instant in any form that is read.
fn millis(text: &str) -> Option<i64> {
    let (era, unsigned) = sign(text);
    let (year, rest) = unsigned.split_once('-')?;
    let longest = if unsigned.len() < text.len() { 12 } else { 4 };
    if !(4..=longest).contains(&year.len()) {
        return None;
    }
    let year = era * digits(year)?;
    let (month, rest) = (digits(rest.get(..2)?)?, rest[2..].strip_prefix('-')?);
    let (day, rest) = (digits(rest.get(..2)?)?, rest[2..].strip_prefix(['T', 't', ' '])?);
    let (hour, rest) = (digits(rest.get(..2)?)?, rest[2..].strip_prefix(':')?);
    let (minute, rest) = (digits(rest.get(..2)?)?, &rest[2..]);
    let (seconds, rest) = match rest.strip_prefix(':') {
        None => ("00", rest),
        Some(rest) => {
            let end = rest.find(|c| !is_digit(c) && c != '.').unwrap_or(rest.len());
            rest.split_at(end)
        }
    };
    let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if second.len() != 2 || fraction.is_empty() {
        return None;
    }
    let thousandths = scaled(&format!("0.{fraction}"), 3)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let months = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_of_month = *months.get(usize::try_from(month - 1).ok()?)?;
    let exists = (1..=days_of_month).contains(&day);
    if !exists || hour > 23 || minute > 59 || digits(second)? > 59 {
        return None;
    }
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let days_of_year: i128 = months[..month as usize - 1].iter().sum();
    // Day 1 of year 1 was 719 162 days before 1970.
    let days = before * 365 + leap_days + days_of_year + day - 1 - 719_162;
    let minutes = (days * 24 + hour) * 60 + minute - offset_minutes(rest)?;
    i64::try_from((minutes * 60 + digits(second)?) * 1000 + thousandths).ok()
}

/// The minutes by which local time is ahead of UTC.
fn offset_minutes(text: &str) -> Option<i128> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, unsigned) = sign(text);
    let (hours, minutes) = match unsigned.len() {
        _ if unsigned.len() == text.len() => return None,
        5 => unsigned.split_once(':')?,
        4 => unsigned.split_at_checked(2)?,
        _ => (unsigned, "00"),
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn two_digits(text: &str) -> Option<i128> {
    if text.len() == 2 { digits(text) } else { None }
}

fn digits(text: &str) -> Option<i128> {
    text.chars().all(is_digit).then(|| text.parse().ok())?
}
