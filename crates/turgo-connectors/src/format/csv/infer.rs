//! The columns of CSV, and what stands between its fields.
//!
//! Names come from the first record of the first file. A record that could as well be a row (one of
//! its fields is a number, a time or a boolean) is not taken for names: which it is has to be said.
//! Records that have more or fewer fields are passed over, for the reader to reject.

use std::collections::HashSet;

use super::Dialect;
use super::split::Fields;
use crate::format::infer::{Inferred, Members, Place, Readings, Refused, Sample};

/// What may stand between fields, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records looked at to find it.
const RECORDS_MAX: usize = 200;

/// The delimiter that cuts most records of `sample` into as many fields as its first one, more than
/// one; a comma where none does.
pub(crate) fn delimiter(sample: &Sample) -> u8 {
    let score = |delimiter: u8| {
        let dialect = Dialect { delimiter, ..Dialect::default() };
        let mut fields = Fields::default();
        let widths: Vec<usize> = records(sample, &dialect)
            .take(RECORDS_MAX)
            .map(|(_, record)| fields.split(record, delimiter).map_or(0, |()| fields.len()))
            .collect();
        let first = widths.first().copied().unwrap_or_default();
        let alike = widths.iter().filter(|width| **width == first).count();
        if first > 1 { (alike, first) } else { (0, 0) }
    };
    let scored = DELIMITERS.into_iter().rev().map(|delimiter| (score(delimiter), delimiter));
    // Of equals, the last one is the maximum.
    scored.max_by_key(|(score, _)| *score).map_or(b',', |(_, delimiter)| delimiter)
}

/// The columns of `samples`, of each of which at most `rows_max` records are looked at; `header`:
/// whether the first one has names, where that has been said.
pub(crate) fn infer(
    samples: &[Sample],
    rows_max: usize,
    dialect: &Dialect,
    header: Option<bool>,
) -> Result<Inferred, Refused> {
    // What the first file has not is not read from the others either.
    let mut known: Option<HashSet<String>> = None;
    let mut columns = Members::default();
    let mut rows = 0;
    let mut fields = Fields::default();
    for (file, sample) in samples.iter().enumerate() {
        let mut records = records(sample, dialect).peekable();
        let Some((line, first)) = records.peek().copied() else { continue };
        let names = names(first, Place { file, line }, dialect, header, samples)?;
        if header != Some(false) {
            records.next();
        }
        let known = known.get_or_insert_with(|| names.iter().cloned().collect());
        for name in names.iter().filter(|name| known.contains(*name)) {
            columns.member(name, 0);
        }
        for (line, record) in records.take(rows_max) {
            if fields.split(record, dialect.delimiter).is_err() || fields.len() != names.len() {
                continue;
            }
            rows += 1;
            let at = Place { file, line };
            for (index, name) in names.iter().enumerate().filter(|(_, name)| known.contains(*name))
            {
                let (text, quoted) = fields.get(record, index);
                if quoted || text != dialect.null {
                    let seen = columns.member(name, index).1.scalar(Readings::field(&text), at);
                    seen.expect("VARCHAR reads every field");
                }
            }
        }
    }
    Ok(Inferred { columns: columns.fields(), rows })
}

/// The names of the fields of a file, whose first record is `record`.
fn names(
    record: &str,
    at: Place,
    dialect: &Dialect,
    header: Option<bool>,
    samples: &[Sample],
) -> Result<Vec<String>, Refused> {
    let refused = |what: String, remedy: &str| Refused {
        what: format!("{}: {what}", at.shown(samples)),
        remedy: remedy.into(),
    };
    let mut fields = Fields::default();
    fields
        .split(record, dialect.delimiter)
        .map_err(|what| refused(what, "say 'csv.delimiter', or mend the line"))?;
    if header == Some(false) {
        return Ok((1..=fields.len()).map(|number| format!("column{number}")).collect());
    }
    let mut names: Vec<String> = Vec::with_capacity(fields.len());
    for index in 0..fields.len() {
        let name = fields.get(record, index).0.into_owned();
        if header.is_none() && !Readings::field(&name).only_text() {
            return Err(refused(
                format!("the first line may hold names or values: {name:?} is one of them"),
                "say which: 'csv.header' = 'true' or 'csv.header' = 'false'",
            ));
        }
        if name.is_empty() || names.contains(&name) {
            let what = match name.is_empty() {
                true => format!("column {} has no name", index + 1),
                false => format!("two columns are named `{name}`"),
            };
            return Err(refused(what, "give the columns names, or say 'csv.header' = 'false'"));
        }
        names.push(name);
    }
    Ok(names)
}

/// The whole records of a sample that are text and not empty, with the lines they begin in.
fn records<'a>(sample: &'a Sample, dialect: &Dialect) -> impl Iterator<Item = (u64, &'a str)> {
    let (mut next, mut line) = (0, 1);
    let delimiter = dialect.delimiter;
    std::iter::from_fn(move || {
        while next < sample.bytes.len() {
            let start = next;
            let end = super::split::record_end(&sample.bytes, start, delimiter);
            next = match end {
                Some(end) => end,
                None if sample.complete => sample.bytes.len(),
                None => return None,
            };
            let record = &sample.bytes[start..next];
            let at = line;
            line += memchr::memchr_iter(b'\n', record).count() as u64;
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let record = record.strip_suffix(b"\r").unwrap_or(record);
            if let Ok(text) = std::str::from_utf8(record)
                && !text.is_empty()
            {
                return Some((at, text));
            }
        }
        None
    })
}
