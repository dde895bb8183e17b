//! Columns that nobody declares: what is found in files, and what is said where nothing can be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use turgo_connectors::connectors;
use turgo_connectors::generator::Generator;
use turgo_engine::io::{OptionError, TableSpec};
use turgo_engine::message::Batch;
use turgo_engine::time::WATERMARK_NONE;
use turgo_engine::types::{identifier, sql_type};

use crate::{Random, columns, read_from, table};

const ROWS: usize = 20_480;

fn infer(path: &Path, options: &[(&str, &str)], rows: usize) -> Result<TableSpec, OptionError> {
    connectors().infer(&table(path, &columns(&[]), options), rows)
}

/// The columns of a file called `name` with content `text`.
fn found(name: &str, text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    shown(&infer(&path, &[], ROWS).unwrap())
}

fn shown(table: &TableSpec) -> String {
    let fields = table.schema.fields().iter();
    let column = |field: &Arc<Field>| {
        assert!(field.is_nullable());
        format!("{} {}", identifier(field.name()), sql_type(field.data_type()))
    };
    fields.map(column).collect::<Vec<_>>().join(", ")
}

/// What is said of such a file, with its remedy.
fn refused(name: &str, text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    let OptionError { message, help, .. } = infer(&path, &[], ROWS).unwrap_err();
    format!("{message}; {}", help.unwrap_or_default())
        .replace(&format!("{}/", directory.path().display()), "")
}

#[test]
fn columns_of_json_are_the_keys_in_order_of_appearance() {
    for (text, expected) in [
        ("{\"b\":1,\"a\":true}\n{\"c\":\"x\",\"a\":false}", "b BIGINT, a BOOLEAN, c VARCHAR"),
        (
            "{\"a\":null}\n\n{\"eventTime\":1,\"EventTime\":2}",
            "a VARCHAR, \"eventTime\" BIGINT, \"EventTime\" BIGINT",
        ),
        ("\u{feff}{\"\\u0061\":1}\r\n{\"a\":1.5}\r\n", "a DOUBLE"),
        (
            "{\"r\":{\"x\":1,\"Y\":null}}\n{\"r\":{\"z\":[]}}",
            "r ROW<x BIGINT, \"Y\" VARCHAR, z ARRAY<VARCHAR>>",
        ),
        ("{\"l\":[{\"a\":1},null,{\"b\":\"x\",\"a\":0.5}]}", "l ARRAY<ROW<a DOUBLE, b VARCHAR>>"),
        ("{\"l\":[[1],[]]}\n{\"l\":[[2.5]]}", "l ARRAY<ARRAY<DOUBLE>>"),
        ("{\"m\":{}}", "m MAP<VARCHAR, VARCHAR>"),
        ("{\"a\":1}\nnot json\n{\"b\":2}\n{\"a\":", "a BIGINT, b BIGINT"),
        ("{\"d\":\"2024-01-15\",\"t\":\"2024-01-15 10:00:00.1234\"}", "d DATE, t TIMESTAMP(6)"),
    ] {
        assert_eq!(found("t.ndjson", text), expected, "{text}");
    }
}

#[test]
fn columns_of_csv_are_named_by_its_first_line() {
    for (name, text, expected) in [
        ("t.csv", "a,B c\n1,x\n,y\n", "a BIGINT, \"B c\" VARCHAR"),
        ("t.csv", "a;b\n1,5;x\n2,5;y\n", "a VARCHAR, b VARCHAR"),
        ("t.csv", "a|b\n1|2.5\n", "a BIGINT, b DOUBLE"),
        ("t.csv", "a\tb\n1\t2\n", "a BIGINT, b BIGINT"),
        ("t.tsv", "a,b\tc\n1\t2\n", "\"a,b\" BIGINT, c BIGINT"),
        ("t.csv", "\u{feff}\"a,x\",b\n\"1\n2\",007\n", "\"a,x\" VARCHAR, b VARCHAR"),
        ("t.csv", "a\n2024-01-15\n\"\"\n", "a VARCHAR"),
        ("t.csv", "a,b\n1\n1,2,3\n4,5\n", "a BIGINT, b BIGINT"),
        ("t.csv", "a,b\r\ntrue,2024-01-15T10:00Z\r\n", "a BOOLEAN, b TIMESTAMP(3)"),
        ("t.csv", "a,b", "a VARCHAR, b VARCHAR"),
    ] {
        assert_eq!(found(name, text), expected, "{text:?}");
    }
}

#[test]
fn without_a_header_columns_are_numbered() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    fs::write(&path, "1;x\n2;y\n").unwrap();
    let table = infer(&path, &[("csv.header", "false")], ROWS).unwrap();
    assert_eq!(shown(&table), "column1 BIGINT, column2 VARCHAR");
    assert_eq!(table.options["csv.delimiter"], ";");
    let source = connectors().source(&table).unwrap();
    assert_eq!(read_from(source.as_ref(), &[0, 1], 0, 100, 10).unwrap().0.rows.num_rows(), 2);
    let header = infer(&path, &[("csv.header", "true")], ROWS).unwrap();
    assert_eq!(shown(&header), "\"1\" BIGINT, x VARCHAR");
}

#[test]
fn what_has_no_columns_is_said_with_both_rows_and_a_remedy() {
    for (name, text, expected) in [
        (
            "a.ndjson",
            "{\"price\":null}\n{\"price\":1}\n{\"price\":{}}",
            &[
                "`price` is a number in a.ndjson:2 and an object in a.ndjson:3",
                "'on-error' = 'skip'",
            ][..],
        ),
        (
            "a.ndjson",
            "{\"p\":1}\n{\"p\":2}\n{\"p\":\"x\"}",
            &["a number in a.ndjson:1 and a string in a.ndjson:3"],
        ),
        (
            "a.ndjson",
            "{\"p\":[1,{\"q\":[true,0]}]}",
            &["`p[]` is a number in a.ndjson:1 and an object"],
        ),
        (
            "a.ndjson",
            "{\"p\":{\"q\":[true,0]}}",
            &["`p.q[]` is a boolean in a.ndjson:1 and a number"],
        ),
        (
            "a.ndjson",
            &format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)),
            &["nested more than 32 deep in a.ndjson:1"],
        ),
        (
            "a.json",
            "[\n{\"a\":1}\n]",
            &["a.json:1 is not a line of NDJSON: a record is an object", "one object per line"],
        ),
        ("a.json", "\nx,y\n1,2\n", &["a.json:2 is not a line of NDJSON", "'format' = 'csv'"]),
        ("a.json", "{\"a\":1", &["a.json:1 is not a line of NDJSON: the line ends too early"]),
        ("a.json", "", &["there is nothing in a.json", "CREATE TABLE"]),
        ("a.json", "{}\n", &["there is nothing in a.json"]),
        ("a.csv", "\n\n", &["there is nothing in a.csv"]),
        (
            "a.csv",
            "x,1\ny,2\n",
            &["a.csv:1: the first line may hold names or values: \"1\"", "'csv.header' = 'false'"],
        ),
        ("a.csv", "x,x\n", &["a.csv:1: two columns are named `x`"]),
        ("a.csv", "x,\n", &["a.csv:1: column 2 has no name"]),
        ("a.csv", "x,\"y\n", &["a.csv:1: field 2: unclosed quote"]),
        (
            "a.txt",
            "x",
            &["the format of a.txt is not known from its name", "say 'format' = 'json'"],
        ),
        ("a.gz", "x", &["the format of a.gz is not known from its name"]),
        ("a.csv.gz", "x", &["a.csv.gz: it is not a gzip file"]),
    ] {
        let said = refused(name, text);
        for part in expected {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    }
}

#[test]
fn compressed_data_under_a_plain_name_are_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.json");
    fs::write(&path, zstd::encode_all(&b"{\"a\":1}"[..], 1).unwrap()).unwrap();
    let said = infer(&path, &[], ROWS).unwrap_err().message;
    assert!(said.contains("it is compressed; say 'compression' = 'zstd'"), "{said}");
    let table = infer(&path, &[("compression", "zstd")], ROWS).unwrap();
    assert_eq!(shown(&table), "a BIGINT");
}

#[test]
fn the_files_of_a_directory_say_its_format() {
    let directory = tempfile::tempdir().unwrap();
    let refused = || infer(directory.path(), &[], ROWS).unwrap_err().message;
    assert!(refused().contains("there is no file in"));
    fs::write(directory.path().join("a.tsv"), "x\ty\n1\t2\n").unwrap();
    fs::write(directory.path().join("b.tsv"), "y\tz\tx\n0.5\t7\t3\n").unwrap();
    let table = infer(directory.path(), &[], ROWS).unwrap();
    assert_eq!(shown(&table), "x BIGINT, y DOUBLE");
    assert_eq!((&*table.options["format"], &*table.options["csv.delimiter"]), ("csv", "\\t"));
    connectors().check(&table).unwrap();
    fs::write(directory.path().join("c.json"), "{}").unwrap();
    assert!(refused().contains("have different formats"), "{}", refused());
    fs::write(directory.path().join("README"), "x").unwrap();
    assert!(refused().contains("README is not known from its name"), "{}", refused());
}

#[test]
fn types_come_from_a_sample_of_every_file_and_not_of_the_seventeenth() {
    let directory = tempfile::tempdir().unwrap();
    for file in 0..20 {
        let last = ["{\"a\":2}", "{\"a\":2.5}"][usize::from(file == 15)];
        let text = format!("{{\"a\":1}}\n{last}\n");
        fs::write(directory.path().join(format!("{file:02}.json")), text).unwrap();
    }
    // A file that is no text at all: it would be refused if it were opened.
    fs::write(directory.path().join("16.json.gz"), "no gzip").unwrap();
    let path = directory.path().join("*");
    let table = infer(&path, &[], ROWS).unwrap();
    assert_eq!((shown(&table), &*table.options["sample-rows"]), ("a DOUBLE".into(), "32"));
    let table = infer(&path, &[], 16).unwrap();
    assert_eq!((shown(&table), &*table.options["sample-rows"]), ("a BIGINT".into(), "16"));
    let table = infer(&path, &[("sample-rows", "32")], 1).unwrap();
    assert_eq!(shown(&table), "a DOUBLE");
}

#[test]
fn of_a_large_file_the_beginning_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.json");
    let file = fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut &file, &b"{\"a\":1}\n".repeat(30_000)).unwrap();
    // A hole of a gigabyte, of which no block exists.
    file.set_len(1 << 30).unwrap();
    let table = infer(&path, &[], ROWS).unwrap();
    assert_eq!((shown(&table), &*table.options["sample-rows"]), ("a BIGINT".into(), "20480"));
    // What is read ends within a date, behind `2024-0`.
    let row = format!("{},2024-01-15\n", "x".repeat(9350));
    let csv = directory.path().join("large.csv");
    fs::write(&csv, format!("a,bcde\n{}", row.repeat(10))).unwrap();
    let table = infer(&csv, &[], 100).unwrap();
    assert_eq!((&*shown(&table), &*table.options["sample-rows"]), ("a VARCHAR, bcde DATE", "6"));
    // A line longer than what is read at first.
    fs::write(&path, format!("{{\"a\":\"{}\"}}\n{{\"a\":\"x\"}}\n", "x".repeat(300_000))).unwrap();
    assert_eq!(shown(&infer(&path, &[], 1).unwrap()), "a VARCHAR");
}

#[test]
fn a_value_beyond_the_sample_that_does_not_fit_is_named_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.json");
    fs::write(&path, "{\"a\":1}\n{\"a\":\"x\"}\n{\n").unwrap();
    let reasons = |table: &TableSpec| -> Vec<String> {
        let source = connectors().source(table).unwrap();
        let (content, _) = read_from(source.as_ref(), &[0], 0, 100, 10).unwrap();
        content.rejected.into_iter().map(|rejected| rejected.reason).collect()
    };
    let inferred = reasons(&infer(&path, &[], 1).unwrap());
    assert!(inferred[0].contains("inferred from 1 row: SET 'sample-rows'"), "{inferred:?}");
    assert!(inferred[1].ends_with("the line ends too early"), "{inferred:?}");
    let declared = reasons(&table(&path, &columns(&[("a", DataType::Int64)]), &[]));
    assert!(declared[0].ends_with("is not a BIGINT"), "{declared:?}");
}

#[test]
fn only_files_have_columns_to_find() {
    let nexmark = BTreeMap::from([("connector".to_owned(), "nexmark".to_owned())]);
    let table = TableSpec { name: "n".into(), schema: columns(&[]), options: nexmark };
    assert_eq!(connectors().infer(&table, 1).unwrap_err().message, "table `n` has no columns");
}

/// Writes made-up rows, infers the columns and reads the rows with them.
fn read_back(schema: &Arc<Schema>, name: &str, extremes: f64, seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    let declared = table(&path, schema, &[]);
    let generator = Generator::new(Arc::clone(schema), 300).unwrap().seed(seed);
    let rows = generator.nulls(0.2).extremes(extremes).distinct(200).rows(0, 0, 300).unwrap();
    let sink = connectors().sink(&declared).unwrap();
    let mut encoder = sink.encoder(schema, false).unwrap();
    let mut writer = sink.writer(schema, false).unwrap();
    let batch = Batch::derived(rows.clone(), WATERMARK_NONE);
    writer.write(encoder.encode(&batch).unwrap()).unwrap();
    writer.commit().unwrap();
    let inferred = infer(&path, &[], ROWS).unwrap();
    let source = connectors().source(&inferred).unwrap();
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let (content, _) = read_from(source.as_ref(), &all, 0, 4096, 100).unwrap();
    assert_eq!(content.rejected, [], "seed {seed}: {}", shown(&inferred));
    let found = content.rows.columns().iter().zip(schema.fields());
    let found = found.map(|(column, field)| {
        let back = cast(column, field.data_type());
        back.unwrap_or_else(|error| panic!("seed {seed}, {}: {error}", field.name()))
    });
    let found = RecordBatch::try_new(Arc::clone(schema), found.collect()).unwrap();
    assert_eq!(found, concat_batches(schema, [&rows]).unwrap(), "seed {seed}");
}

#[test]
fn a_table_that_was_written_is_read_back_without_its_declaration() {
    use DataType as T;
    let plain = [
        ("bool", T::Boolean),
        ("i8", T::Int8),
        ("i64", T::Int64),
        ("u64", T::UInt64),
        ("f32", T::Float32),
        ("Double Value", T::Float64),
        ("text", T::Utf8),
    ];
    let times = [
        ("date", T::Date32),
        ("ts3", T::Timestamp(TimeUnit::Millisecond, None)),
        ("ts6", T::Timestamp(TimeUnit::Microsecond, None)),
        ("ts9", T::Timestamp(TimeUnit::Nanosecond, None)),
    ];
    let inner = Fields::from(vec![
        Field::new("a", T::Int64, true),
        Field::new("b", T::new_list(T::Utf8, true), true),
        Field::new("eventTime", T::Date32, true),
    ]);
    let nested = [
        ("row", T::Struct(inner.clone())),
        ("rows", T::new_list(T::Struct(inner), true)),
        ("numbers", T::new_list(T::Float64, true)),
    ];
    for seed in 0..15 {
        for name in ["t.json", "t.csv", "t.tsv.gz", "t.ndjson.zst"] {
            read_back(&columns(&plain), name, 0.3, seed);
            read_back(&columns(&times), name, 0.0, seed);
        }
        read_back(&columns(&nested), "t.jsonl", 0.0, seed);
    }
}

/// A value of JSON.
fn value(random: &mut Random, depth: usize) -> String {
    let scalars = [
        "null",
        "true",
        "false",
        "0",
        "-7",
        "1.0",
        "2.5e3",
        "9223372036854775808",
        "1e20",
        "\"\"",
        "\"x\"",
        "\"2024-01-15\"",
        "\"2024-01-15T10:00:00\"",
        "\"2024-01-15 10:00:00.1234Z\"",
        "\"3000-01-01 00:00:00\"",
        "\"2024-01-15T10:00:00.123456789+02:00\"",
        "\"\\u00e9\\n\"",
    ];
    match random.below(if depth > 2 { 4 } else { 6 }) {
        // Mostly alike, so that many columns have a type.
        0 | 1 => scalars[random.below(3) + 3].to_owned(),
        2 => scalars[random.below(6) + 11].to_owned(),
        3 => scalars[random.below(scalars.len())].to_owned(),
        4 => object(random, depth + 1),
        _ => {
            let elements: Vec<String> =
                (0..random.below(3)).map(|_| value(random, depth + 1)).collect();
            format!("[{}]", elements.join(" ,"))
        }
    }
}

fn object(random: &mut Random, depth: usize) -> String {
    let member = |random: &mut Random| {
        let key = random.one(&["a", "b", "C d", "e\\u0041", "\\\"", ""]).to_owned();
        format!("\"{key}\" : {}", value(random, depth))
    };
    let members: Vec<String> = (0..random.below(4)).map(|_| member(random)).collect();
    format!("{{{}}}", members.join(", "))
}

/// N1: what the sample showed is read; where lines are broken, too.
fn sample_is_read(name: &str, text: &str, seed: u64) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    let Ok(table) = infer(&path, &[], ROWS) else { return false };
    let source = connectors().source(&table).unwrap();
    let all: Vec<usize> = (0..table.schema.fields().len()).collect();
    let (content, _) = read_from(source.as_ref(), &all, 0, 1 << 20, 1000).unwrap();
    let misfit = content.rejected.iter().find(|rejected| rejected.reason.starts_with("column"));
    assert_eq!(misfit, None, "seed {seed}, {}:\n{text}", shown(&table));
    content.rows.num_rows() > 0
}

#[test]
fn the_types_inferred_read_every_value_of_the_sample() {
    let mut read = [0, 0];
    for seed in 1..3000 {
        let random = &mut Random(seed * 0x9E37_79B9);
        let lines: Vec<String> = (0..1 + random.below(4))
            .map(|_| match random.below(12) {
                0 => random.one(&["", "  ", "{", "nothing", "{\"a\":1,}", "[]", "\"é"]).to_owned(),
                _ => object(random, 0),
            })
            .collect();
        read[0] += usize::from(sample_is_read("t.json", &lines.join("\n"), seed));
        let fields = [
            "",
            "\"\"",
            "x",
            "\"a,b\"",
            "1",
            "-0",
            "007",
            "+1",
            "1.5",
            "1e3",
            "1e400",
            "NaN",
            "true",
            "FALSE",
            "9223372036854775808",
            "2024-01-15",
            "2024-01-15 10:00",
            "2024-01-15T10:00:00.1234",
            "\"1\n2\"",
            "\"open",
        ];
        let row = |random: &mut Random| {
            let first = random.below(fields.len());
            let fields =
                [fields[first], fields[random.below(fields.len())], fields[10 + first % 8]];
            fields[..3 - random.below(10) / 9].join(",")
        };
        let rows: Vec<String> = (0..random.below(4)).map(|_| row(random)).collect();
        let text = format!("h,i,j\n{}\n", rows.join("\n"));
        read[1] += usize::from(sample_is_read("t.csv", &text, seed));
    }
    assert!(read.iter().all(|read| *read > 500), "{read:?}");
}
