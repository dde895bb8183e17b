//! Any records, sound, odd or broken, are read as the reference reads them byte by byte.
//!
//! The fields are of any length, so that what is special stands anywhere in the blocks that the
//! reader looks at; columns stand in any order where there is a header.

use turgo_connectors::connectors;

use crate::reference::{Cell, KEYS, Record, records, shown, types};
use crate::{Content, Random, columns, read, read_from, table};

/// How the records of a file are written.
struct Style {
    delimiter: &'static str,
    null: &'static str,
    /// For each field, the column it is of; 5 is one that nobody knows.
    order: Vec<usize>,
    header: bool,
}

impl Style {
    fn any(random: &mut Random) -> Self {
        let header = random.below(2) == 0;
        let mut order: Vec<usize> = (0..KEYS.len()).collect();
        if header {
            order.insert(random.below(6), 5);
            for _ in 0..random.below(4) {
                order.swap(random.below(6), random.below(6));
            }
        }
        let (delimiter, null) = (random.one(&[",", ";", "\t"]), random.one(&["", "-", "NULL"]));
        Self { delimiter, null, order, header }
    }

    fn places(&self) -> [usize; 5] {
        let place = |column| self.order.iter().position(|index| *index == column).unwrap();
        std::array::from_fn(place)
    }
}

/// A text of any length in which what `odd` allows may stand anywhere.
fn text(random: &mut Random, odd: bool) -> String {
    let piece = |random: &mut Random| match odd && random.below(12) == 0 {
        true => random.one(&["é", "😀", "\"", "\"\"", ",", ";", "\t", "\n", "\r", "\r\n", "NULL"]),
        false => random.one(&["a", "Z", "0", " ", "'", "-", "."]),
    };
    (0..random.below(90)).map(|_| piece(random)).collect()
}

/// A value of column `index`, mostly one that fits.
fn value(index: usize, random: &mut Random) -> String {
    let choices: &[&str] = match index {
        0 if random.below(2) == 0 => {
            let digit = |_| char::from(b'0' + random.below(10) as u8);
            let digits: String = (0..20).map(digit).collect();
            let length = random.below(21);
            return format!("{}{}", random.one(&["", "", "-"]), &digits[..length]);
        }
        0 => &["1", "-7", "007", "+5", "1.0", "12e2", "-", "1.5", "x", "9223372036854775808"],
        1 => &["1", "1.23", "-7", "12345678.9", "0.001", "-.5", "1e9", "1e10"],
        3 => &[
            "2024-01-15 10:00:00",
            "2024-01-15T10:00:00.5Z",
            "2024-02-29T23:59:59.999+02:00",
            "2024-01-15T10:00:00.123",
            "2024-01-15T10:00",
            "1704067200000",
            "-1",
            "-",
            "2023-02-29 00:00:00",
            "2024-01-15 10:00:00.0001",
        ],
        4 => &["1.5", "-0.001", "5e-1", "3", "0.1", "NaN", "-Infinity", "inf", "1e400"],
        _ => {
            let odd = random.below(4) == 0;
            return text(random, odd);
        }
    };
    random.one(choices).to_owned()
}

/// A field with its quotes, which now and then are not in order.
fn field(style: &Style, index: usize, random: &mut Random) -> String {
    if random.below(8) == 0 {
        return style.null.to_owned();
    }
    let value = value(index, random);
    match random.below(if index == 2 { 3 } else { 10 }) {
        0 => {
            let junk = if random.below(30) == 0 { "x" } else { "" };
            format!("\"{}\"{junk}", value.replace('"', "\"\""))
        }
        _ => value,
    }
}

fn file(style: &Style, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    if style.header {
        let names = style.order.iter().map(|index| *KEYS.get(*index).unwrap_or(&"other"));
        out.extend(names.collect::<Vec<_>>().join(style.delimiter).as_bytes());
        out.push(b'\n');
    }
    for _ in 0..random.below(25) {
        let mut fields: Vec<String> =
            style.order.iter().map(|index| field(style, *index, random)).collect();
        match random.below(20) {
            0 => drop(fields.pop()),
            1 => fields.push(random.one(&["more", "\"", "a\"", ""]).into()),
            _ => {}
        }
        let mut record = fields.join(style.delimiter).into_bytes();
        if random.below(25) == 0 && !record.is_empty() {
            let at = random.below(record.len());
            match random.below(3) {
                0 => record.truncate(at),
                1 => record[at] = random.below(256) as u8,
                _ => record.insert(at, b'"'),
            }
        }
        out.extend(record);
        out.extend(
            random.one(&["\n", "\n", "\n", "\r\n", "\n\n", "\r\n\r\n", "\r\r\n"]).as_bytes(),
        );
    }
    if random.below(2) == 0 {
        out.pop();
    }
    out
}

/// Checks what was read of the columns `projection`; returns how many rows there were.
fn check(
    content: &Content,
    meant: &[(&Record<'_>, Option<[Cell; 5]>)],
    columns: &[usize],
) -> usize {
    let fits = |cells: &[Cell; 5]| columns.iter().all(|index| cells[*index].is_some());
    let (good, bad): (Vec<_>, Vec<_>) =
        meant.iter().partition(|(_, cells)| cells.as_ref().is_some_and(fits));
    let found: Vec<_> = content.rejected.iter().map(|r| (r.at, r.raw.as_slice())).collect();
    let expected: Vec<_> = bad.iter().map(|(record, _)| (record.at as u64, record.raw)).collect();
    assert_eq!(found, expected, "columns {columns:?}");
    let expected: Vec<u64> = good.iter().map(|(record, _)| record.at as u64).collect();
    assert_eq!(content.starts, expected, "columns {columns:?}");
    for (row, (record, cells)) in good.iter().enumerate() {
        for (column, index) in content.rows.columns().iter().zip(columns) {
            let expected = cells.as_ref().and_then(|cells| cells[*index].clone()).unwrap();
            let raw = String::from_utf8_lossy(record.raw);
            assert_eq!(shown(column, row), expected, "column {index} of {raw:?}");
        }
    }
    good.len()
}

#[test]
fn any_records_are_read_as_the_reference_reads_them() {
    let types = types();
    let schema =
        columns(&std::array::from_fn::<_, 5, _>(|index| (KEYS[index], types[index].clone())));
    let path = tempfile::NamedTempFile::new().unwrap();
    let (mut rows, mut rejected) = (0, 0);
    for seed in 1..400 {
        let mut random = Random(seed);
        let style = Style::any(&mut random);
        let bytes = file(&style, &mut random);
        let header = if style.header { "true" } else { "false" };
        let delimiter = if style.delimiter == "\t" { "\\t" } else { style.delimiter };
        let options = [
            ("format", "csv"),
            ("csv.delimiter", delimiter),
            ("csv.null", style.null),
            ("csv.header", header),
        ];
        let source = connectors().source(&table(path.path(), &schema, &options)).unwrap();
        std::fs::write(path.path(), &bytes).unwrap();
        let all = records(&bytes, style.delimiter.as_bytes()[0]);
        let meant: Vec<_> = all
            .iter()
            .skip(usize::from(style.header))
            .filter(|record| !record.is_blank())
            .map(|record| (record, record.cells(style.null, style.places(), style.order.len())))
            .collect();
        for projection in [&[0, 1, 2, 3, 4][..], &[], &[0], &[2], &[1, 3], &[4]] {
            let content = read_from(source.as_ref(), projection, 0, 1 << 20, 1 << 20).unwrap().0;
            rows += check(&content, &meant, projection);
            rejected += content.rejected.len();
        }
        if seed % 8 == 0 {
            // NaN is unlike itself, so these files have none.
            let sound = String::from_utf8_lossy(&bytes).replace("NaN", "1");
            read(sound.as_bytes(), &schema, &options).unwrap();
        }
    }
    assert!(rows > 10_000 && rejected > 2000, "{rows} rows and {rejected} rejects mean little");
}
