//! Any lines, sound, odd or broken, are read as `serde_json` and plain arithmetic read them.
//!
//! The lines of a file resemble each other, as those of one program do, so that what the reader
//! learns from one it uses, or must not use, on the next.

use turgo_connectors::connectors;

use crate::reference::{Cell, KEYS, object, shown, types};
use crate::{Content, Random, columns, read, read_from, table};

/// A string of any length, so that what is special in it stands anywhere.
fn string(random: &mut Random) -> String {
    let mut text = String::from("\"");
    let odd = random.below(4) == 0;
    for _ in 0..random.below(70) {
        text.push_str(match odd && random.below(12) == 0 {
            true => random.one(&[
                "é",
                "€",
                "😀",
                "\\n",
                "\\\"",
                "\\\\",
                "\\u0041",
                "\\ud83d\\ude00",
                "\\ud83d",
                "\\ude00",
                "\\x",
                "\t",
                "\u{7f}",
                "\\u00e",
                "\\/",
            ]),
            false => random.one(&["a", "Z", "0", " ", ",", ":", "{", "}", "[", "]", "!", "#"]),
        });
    }
    text + "\""
}

fn integer(random: &mut Random) -> String {
    let digits = random.below(21);
    let digit = |_| char::from(b'0' + random.below(10) as u8);
    let digits: String = (0..digits).map(digit).collect();
    format!("{}{}{digits}", random.one(&["", "", "-"]), random.one(&["1", "7", "90", ""]))
}

fn odd_value(random: &mut Random) -> String {
    match random.below(8) {
        0 => string(random),
        1 => integer(random),
        2 => {
            let depth = random.one(&["2", "126", "127", "128", "129"]).parse().unwrap();
            format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
        }
        _ => random
            .one(&[
                "0",
                "-0",
                "1.0",
                "1.5",
                "12e2",
                "5e-1",
                "1.23",
                "-0.001",
                "1e400",
                "01",
                "-",
                "1.",
                "99999999999999999999",
                "9223372036854775807",
                "9223372036854775808",
                "null",
                "true",
                "false",
                "tru",
                "nulll",
                "[]",
                "{}",
                "[1,]",
                "{\"a\":[1,{}]}",
                "{\"long\":1}",
                "[{\"text\":\"}\"},\"]\"]",
                "\"open",
                "\"2024-01-15 10:00:00.0001\"",
                "\"2023-02-29 00:00:00\"",
                "\"2024-01-15T10:60:00\"",
                "+1",
                ".5",
                "NaN",
                "",
            ])
            .to_owned(),
    }
}

/// A value that fits column `index`; of index 5, a value that nobody wants.
fn fitting(index: usize, random: &mut Random) -> String {
    let choices: &[&str] = match index {
        0 if random.below(2) == 0 => return integer(random),
        0 => &["1", "-7", "1.0", "12e2", "1704067200000"],
        1 => &["1", "1.23", "-7", "12345678.9"],
        2 => return string(random),
        3 => &[
            "\"2024-01-15 10:00:00\"",
            "\"2024-01-15T10:00:00.5Z\"",
            "\"2024-02-29T23:59:59.999+02:00\"",
            "\"2024-01-15T10:00:00.123Z\"",
            "\"2024-01-15T10:01:07.25\"",
            "\"2024-01-15T11:01:59\"",
            "\"2024-12-31T23:59:59Z\"",
            "1704067200000",
        ],
        4 => &["1.5", "-0.001", "5e-1", "3", "0.1"],
        _ => &["[]", "{\"a\":[1,{}]}", "true", "\"x\"", "17", "-2.5e3", "null"],
    };
    random.one(choices).to_owned()
}

/// Lines of one program, which changes its mind now and then.
fn file(random: &mut Random) -> Vec<u8> {
    let mut order: Vec<usize> = (0..6).collect();
    let (mut comma, mut colon) = (",", ":");
    let mut out = Vec::new();
    for _ in 0..random.below(25) {
        if random.below(12) == 0 {
            order.swap(random.below(6), random.below(6));
            comma = random.one(&[",", ", ", " ,\t", "\r,"]);
            colon = random.one(&[":", ": ", " : "]);
        }
        let mut members = Vec::new();
        for index in &order {
            let key = KEYS.get(*index).copied().unwrap_or("other");
            let key = if random.below(40) == 0 { key.replace('t', "\\u0074") } else { key.into() };
            let odd = random.below(25) == 0;
            let value = if odd { odd_value(random) } else { fitting(*index, random) };
            if random.below(15) > 0 {
                members.push(format!("\"{key}\"{colon}{value}"));
            }
        }
        if random.below(15) == 0 && !members.is_empty() {
            let again = random.below(members.len());
            members.insert(random.below(members.len()), members[again].clone());
            let other = random.below(6);
            let key = KEYS.get(other).unwrap_or(&"other");
            members.push(format!("\"{key}\"{colon}{}", fitting(other, random)));
        }
        let mut line = format!("{{{}}}", members.join(comma)).into_bytes();
        if random.below(15) == 0 {
            mangle(&mut line, random);
        }
        out.extend(line);
        let end =
            ["\n", "\n", "\n", "\n", "\r\n", "\r\n", " \n", "\n\n", "\n \t\r\n", "}\n", "\r\r\n"];
        out.extend(random.one(&end).as_bytes());
    }
    if random.below(2) == 0 {
        out.pop();
    }
    out
}

/// Breaks a line, or makes a different one of it.
fn mangle(line: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(line.len());
    match random.below(4) {
        0 => line.truncate(at),
        1 => drop(line.remove(at)),
        2 => line[at] = random.below(256) as u8,
        _ => {
            let byte = random.one(&["\"", "\\", "{", "}", ",", " ", "\n", "0", "\u{0}"]).as_bytes();
            line.insert(at, byte[0]);
        }
    }
}

/// A line as the reference reads it, with its offset and bytes.
type Line<'a> = (u64, &'a [u8], Option<[Cell; 5]>);

fn lines(text: &[u8]) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let record = line.strip_suffix(b"\n").unwrap_or(line);
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if !record.trim_ascii().is_empty() {
            lines.push((start, record, object(record)));
        }
        start += line.len() as u64;
    }
    lines
}

/// Checks what was read of the columns `projection`; returns how many rows there were.
fn check(content: &Content, lines: &[Line<'_>], projection: &[usize], seed: u64) -> usize {
    let fits = |cells: &[Cell; 5]| projection.iter().all(|index| cells[*index].is_some());
    let good = |line: &&Line<'_>| line.2.as_ref().is_some_and(fits);
    let (good, bad): (Vec<_>, Vec<_>) = lines.iter().partition(good);
    let found: Vec<_> = content.rejected.iter().map(|r| (r.at, r.raw.as_slice())).collect();
    let expected: Vec<_> = bad.iter().map(|(at, raw, _)| (*at, *raw)).collect();
    assert_eq!(found, expected, "seed {seed}, columns {projection:?}");
    let expected: Vec<u64> = good.iter().map(|line| line.0).collect();
    assert_eq!(content.starts, expected, "seed {seed}, columns {projection:?}");
    for (row, (_, line, cells)) in good.iter().enumerate() {
        for (column, index) in content.rows.columns().iter().zip(projection) {
            let expected = cells.as_ref().and_then(|cells| cells[*index].clone()).unwrap();
            let line = String::from_utf8_lossy(line);
            assert_eq!(shown(column, row), expected, "seed {seed}: {line}");
        }
    }
    good.len()
}

#[test]
fn any_lines_are_read_as_the_reference_reads_them() {
    let types = types();
    let schema =
        columns(&std::array::from_fn::<_, 5, _>(|index| (KEYS[index], types[index].clone())));
    let options = [("format", "json")];
    let path = tempfile::NamedTempFile::new().unwrap();
    let source = connectors().source(&table(path.path(), &schema, &options)).unwrap();
    let (mut rows, mut rejected) = (0, 0);
    for seed in 1..400 {
        let text = file(&mut Random(seed));
        let lines = lines(&text);
        std::fs::write(path.path(), &text).unwrap();
        for projection in [&[0, 1, 2, 3, 4][..], &[], &[0], &[2], &[1, 3], &[4]] {
            let content = read_from(source.as_ref(), projection, 0, 1 << 20, 1 << 20).unwrap().0;
            rows += check(&content, &lines, projection, seed);
            rejected += content.rejected.len();
        }
        if seed % 8 == 0 {
            read(&text, &schema, &options).unwrap();
        }
    }
    assert!(rows > 10_000 && rejected > 2000, "{rows} rows and {rejected} rejects mean little");
}

/// What is skipped is not looked at, all else is as it is where everything is checked: a good record
/// stays one, and is taken or not whatever stands around it.
#[test]
fn the_rest_of_a_record_is_skipped_where_the_table_says_so() {
    let types = types();
    let schema =
        columns(&std::array::from_fn::<_, 5, _>(|index| (KEYS[index], types[index].clone())));
    let options = [("format", "json"), ("json.rest", "skip")];
    let path = tempfile::NamedTempFile::new().unwrap();
    let source = connectors().source(&table(path.path(), &schema, &options)).unwrap();
    let (mut more, mut same) = (0, 0);
    for seed in 1..300 {
        let text = file(&mut Random(seed));
        for projection in [&[0, 1, 2, 3, 4][..], &[], &[0], &[2], &[1, 3]] {
            std::fs::write(path.path(), &text).unwrap();
            let (skipped, _) = read_from(source.as_ref(), projection, 0, 1 << 20, 1 << 20).unwrap();
            let row_at = |start: u64| skipped.starts.iter().position(|at| *at == start);
            for (start, line, cells) in lines(&text) {
                let fits = |cells: &[Cell; 5]| projection.iter().all(|i| cells[*i].is_some());
                let good = cells.as_ref().is_some_and(fits);
                let shows = String::from_utf8_lossy(line);
                let Some(row) = row_at(start) else {
                    assert!(!good, "seed {seed}, columns {projection:?}: {shows}");
                    continue;
                };
                assert!(line.trim_ascii_end().ends_with(b"}"), "seed {seed}: {shows}");
                more += usize::from(!good);
                // Of a repeated key, the first value may be the one that is read.
                let repeated = |key: &&str| shows.matches(&format!("{}\"", &key[1..])).count() > 1;
                if good && !shows.contains("\\u0074") && !KEYS.iter().any(repeated) {
                    same += 1;
                    for (column, index) in skipped.rows.columns().iter().zip(projection) {
                        let expected = cells.as_ref().and_then(|cells| cells[*index].clone());
                        assert_eq!(Some(shown(column, row)), expected, "seed {seed}: {shows}");
                    }
                }
                if seed % 16 == 0 {
                    std::fs::write(path.path(), line).unwrap();
                    let (alone, _) =
                        read_from(source.as_ref(), projection, 0, 1 << 20, 1 << 20).unwrap();
                    assert_eq!(alone.rows, skipped.rows.slice(row, 1), "seed {seed}: {shows}");
                }
            }
        }
    }
    assert!(same > 8_000 && more > 300, "{same} equal rows and {more} more mean little");
}

#[test]
fn a_record_is_skipped_behind_the_last_column_that_is_read() {
    let schema = columns(&[("a", types()[0].clone()), ("b", types()[0].clone())]);
    let source = |rest| {
        let path = tempfile::NamedTempFile::new().unwrap();
        let lines = [
            r#"{"a":1,"b":2,"c":3}"#,
            r#"{"a":1,"b":2,"c":}"#,
            r#"{"a":1,"b":2 oops}  "#,
            r#"{"a":1,"b":2,"c":3"#,
            r#"{"a":1,"b":x,"c":3}"#,
            r#"{"a":1,,"b":2}"#,
            r#"{"b":2,"a":1,:}"#,
            r#"{"a":1}"#,
            r#"{"a":1,"b":2,"a":7}"#,
            r#"{"a":1,"b":2}"#,
        ];
        std::fs::write(path.path(), lines.join("\n")).unwrap();
        let options = [("format", "json"), ("json.rest", rest)];
        let source = connectors().source(&table(path.path(), &schema, &options)).unwrap();
        let read = |projection: &[usize]| {
            let (content, _) = read_from(source.as_ref(), projection, 0, 1 << 20, 7).unwrap();
            let first = |row| shown(content.rows.column(0), row);
            (content.starts.len(), first(content.starts.len() - 2))
        };
        let (none, _) = read_from(source.as_ref(), &[], 0, 1 << 20, 7).unwrap();
        (read(&[0, 1]), read(&[0]), none.starts.len())
    };
    let (one, seven) = (Some("1".to_owned()), Some("7".to_owned()));
    assert_eq!(source("check"), ((4, seven.clone()), (4, seven), 4));
    // Not: a record without its end, a value that is no BIGINT, a comma too many.
    assert_eq!(source("skip"), ((7, one.clone()), (9, one), 9));
}
