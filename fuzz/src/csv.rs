//! CSV against a reader byte by byte, and that one against the `csv` crate.
//!
//! The dialect is read off the input, so that seeds stay plain files: the delimiter is whichever of
//! `,` and `;` there is more of, NULL is `null` where that word occurs, and there is a header where
//! the first record names all columns.

use turgo_engine::io::Source;

use crate::decode::{Expected, Text, source};
use crate::reference::{KEYS, Record, records};

/// Any bytes are records, and are read as the reference reads them.
pub fn csv(data: &[u8]) {
    let count = |wanted: u8| data.iter().filter(|byte| **byte == wanted).count();
    let delimiter = if count(b';') > count(b',') { b';' } else { b',' };
    let null = if data.windows(4).any(|word| word == b"null") { "null" } else { "" };
    let all = records(data, delimiter);
    let ends = all.iter().skip(1).map(|record| record.at).chain([data.len()]);
    hold_against_csv(data, delimiter, &all);
    let named = all.first().and_then(places);
    let (places, width) = named.unwrap_or_else(|| (std::array::from_fn(|index| index), KEYS.len()));
    let start = if named.is_some() { ends.clone().next().unwrap_or(0) } else { 0 };
    let expected: Vec<Expected<'_>> = all
        .iter()
        .filter(|record| record.at >= start && !record.is_blank())
        .map(|record| Expected {
            at: record.at - start,
            raw: record.raw,
            cells: record.cells(null, places, width),
        })
        .collect();
    let ends = ends.filter(|end| *end > start).map(|end| end - start).collect();
    // As the reader of files does, which puts a line end behind a header without one.
    let mut header = data[..start].to_vec();
    if !header.is_empty() && !header.ends_with(b"\n") {
        header.push(b'\n');
    }
    let text = Text { header: &header, records: &data[start..], ends };
    text.check(table(delimiter, null, named.is_some()).as_ref(), &expected);
}

fn table(delimiter: u8, null: &str, header: bool) -> std::sync::Arc<dyn Source> {
    source(&[
        ("format", "csv"),
        ("csv.delimiter", if delimiter == b';' { ";" } else { "," }),
        ("csv.null", null),
        ("csv.header", if header { "true" } else { "false" }),
    ])
}

/// Where each column stands among how many, if `record` names every column once.
fn places(record: &Record<'_>) -> Option<([usize; 5], usize)> {
    std::str::from_utf8(record.raw).ok()?;
    let fields = record.fields.as_ref()?;
    let mut places = [0; 5];
    for (place, key) in places.iter_mut().zip(KEYS) {
        let mut found = (0..fields.len()).filter(|index| fields[*index].0 == key.as_bytes());
        *place = found.next()?;
        if found.next().is_some() {
            return None;
        }
    }
    Some((places, fields.len()))
}

/// Records end where the `csv` crate has them end, and those in order have the same fields.
fn hold_against_csv(data: &[u8], delimiter: u8, records: &[Record<'_>]) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(data);
    // Of empty lines it passes over those without a carriage return.
    let mut ours = records.iter().filter(|record| data[record.at] != b'\n');
    let mut theirs = csv::ByteRecord::new();
    while reader.read_byte_record(&mut theirs).expect("nothing is an error to it") {
        let ours = ours.next().expect("as many records");
        if let Some(fields) = &ours.fields {
            assert_eq!(fields.len(), theirs.len(), "fields of {ours:?}");
            for (index, ((field, _), theirs)) in fields.iter().zip(&theirs).enumerate() {
                let carriage_return = index + 1 == fields.len() && theirs.ends_with(b"\r");
                let without = &theirs[..theirs.len() - usize::from(carriage_return)];
                assert!(field == theirs || field == without, "field {index} of {ours:?}");
            }
        }
    }
    assert!(ours.next().is_none(), "no more records");
}
