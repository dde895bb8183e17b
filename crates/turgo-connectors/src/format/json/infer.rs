//! The columns of NDJSON.
//!
//! Lines that are no objects are passed over, for the reader to reject; of a repeated key all values
//! count.

use std::borrow::Cow;

use super::scan::{Cursor, text, unescaped};
use super::separators;
use crate::format::infer::{
    Conflict, DEPTH_MAX, Inferred, Members, Place, Readings, Refused, Sample, Seen,
};

/// The columns of `samples`, of each of which at most `rows_max` lines are looked at.
pub(crate) fn infer(samples: &[Sample], rows_max: usize) -> Result<Inferred, Refused> {
    let mut columns = Members::default();
    let mut rows = 0;
    let mut bad: Option<Refused> = None;
    for (file, sample) in samples.iter().enumerate() {
        let mut left = rows_max;
        for (line, record) in lines(sample) {
            let record = record.trim_ascii();
            if record.is_empty() {
                continue;
            }
            if left == 0 {
                break;
            }
            left -= 1;
            let at = Place { file, line };
            match is_object(record) {
                Ok(()) => {
                    let mut cursor = Cursor::new(record, 0);
                    members(&mut cursor, &mut columns, at, 1)
                        .map_err(|conflict| conflict.refused(samples))?;
                    rows += 1;
                }
                // Its lines may look like records, but the file is one array.
                Err(what) if rows == 0 && record[0] == b'[' => {
                    return Err(not_json(what, record, at, samples));
                }
                Err(what) => bad = bad.or_else(|| Some(not_json(what, record, at, samples))),
            }
        }
    }
    match bad {
        Some(bad) if rows == 0 => Err(bad),
        _ => Ok(Inferred { columns: columns.fields(), rows }),
    }
}

/// The whole lines of a sample, with their numbers.
fn lines(sample: &Sample) -> impl Iterator<Item = (u64, &[u8])> {
    let whole = match sample.complete {
        true => sample.bytes.len(),
        false => memchr::memrchr(b'\n', &sample.bytes).map_or(0, |at| at + 1),
    };
    (1..).zip(sample.bytes[..whole].split(|byte| *byte == b'\n'))
}

fn is_object(record: &[u8]) -> Result<(), &'static str> {
    if record[0] != b'{' {
        return Err("a record is an object");
    }
    let mut cursor = Cursor::new(record, 0);
    cursor.value(0).and_then(|_| cursor.end()).map_err(|error| error.what)
}

fn not_json(what: &str, record: &[u8], at: Place, samples: &[Sample]) -> Refused {
    let remedy = match record[0] {
        b'[' => "write one object per line: jq -c '.[]' does that",
        _ => "NDJSON has one object per line; if it is CSV, say 'format' = 'csv'",
    };
    let what = format!("{} is not a line of NDJSON: {what}", at.shown(samples));
    Refused { what, remedy: remedy.into() }
}

/// Adds the members of the object at the cursor, which has been checked, as is all below.
fn members(
    cursor: &mut Cursor<'_>,
    into: &mut Members,
    at: Place,
    depth: usize,
) -> Result<(), Conflict> {
    let (mut first, mut expected) = (true, 0);
    while let Some(key) = separators::scan(cursor, first).expect("the record is JSON") {
        let name: Cow<'_, str> = unescaped(key);
        let (place, member) = into.member(&name, expected);
        value(cursor, member, at, depth).map_err(|conflict| conflict.within(&name))?;
        (first, expected) = (false, place + 1);
    }
    Ok(())
}

fn value(
    cursor: &mut Cursor<'_>,
    into: &mut Seen,
    at: Place,
    depth: usize,
) -> Result<(), Conflict> {
    let start = cursor.peek();
    match start {
        Some(b'{' | b'[') if depth > DEPTH_MAX => Err(Conflict::too_deep(at)),
        Some(b'{') => members(cursor, into.row(at)?, at, depth + 1),
        Some(b'[') => elements(cursor, into.list(at)?, at, depth + 1),
        Some(b'"') => {
            let quoted = cursor.string().expect("the record is JSON");
            into.scalar(Readings::text(&unescaped(quoted)), at)
        }
        _ => {
            let written = text(cursor.value(0).expect("the record is JSON"));
            match start {
                Some(b'n') => Ok(()),
                Some(b't' | b'f') => into.scalar(Readings::boolean(), at),
                _ => into.scalar(Readings::number(written), at),
            }
        }
    }
}

fn elements(
    cursor: &mut Cursor<'_>,
    into: &mut Seen,
    at: Place,
    depth: usize,
) -> Result<(), Conflict> {
    cursor.advance(1);
    cursor.skip_space();
    if cursor.peek() == Some(b']') {
        cursor.advance(1);
        return Ok(());
    }
    loop {
        value(cursor, into, at, depth).map_err(|conflict| conflict.within("[]"))?;
        if !cursor.another(b']', "expected `]`").expect("the record is JSON") {
            return Ok(());
        }
    }
}
