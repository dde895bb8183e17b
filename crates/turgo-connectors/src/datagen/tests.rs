//! Counted and random columns, and what is said of options that cannot be.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int8Type, Int64Type, Schema, TimeUnit,
};

use super::*;
use crate::synthetic::tests::{all, digest, row, rows_are_functions_of_their_numbers, spec};

const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

fn every_type() -> Vec<(&'static str, DataType)> {
    vec![
        ("tiny", DataType::Int8),
        ("small", DataType::UInt16),
        ("int", DataType::Int32),
        ("big", DataType::Int64),
        ("huge", DataType::UInt64),
        ("float", DataType::Float32),
        ("double", DataType::Float64),
        ("money", DataType::Decimal128(38, 2)),
        ("text", DataType::Utf8),
        ("at", MILLIS),
        ("flag", DataType::Boolean),
    ]
}

fn table(columns: &[(&str, DataType)], options: &[(&str, &str)]) -> Arc<dyn Source> {
    source(&spec(columns, options)).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn values_are_pinned_by_the_seed() {
    let of = |seed| table(&every_type(), &[("number-of-rows", "1000"), ("seed", seed)]);
    rows_are_functions_of_their_numbers(&of("7"));
    let digest_of = |seed| digest(&all(&of(seed)));
    assert_eq!(digest_of("7"), PINNED, "{:#x}", digest_of("7"));
    assert_ne!(digest_of("8"), PINNED);
}

const PINNED: u64 = 0xDD5F_F9F4_E5A5_DF46;

#[test]
fn random_values_fill_their_range() {
    let options = [
        ("number-of-rows", "20000"),
        ("fields.tiny.min", "-3"),
        ("fields.tiny.max", "3"),
        ("fields.double.min", "-1.5"),
        ("fields.double.max", "2.5"),
        ("fields.text.length", "5"),
        ("fields.at.min", "2024-01-01 00:00:00"),
        ("fields.at.max", "2024-01-01 00:00:00.009"),
    ];
    let rows = all(&table(&every_type(), &options));
    let tiny = rows.column(0).as_primitive::<Int8Type>().values();
    assert_eq!(tiny.iter().copied().collect::<BTreeSet<_>>(), (-3..=3).collect());
    let (low, high) = (tiny.iter().filter(|v| **v == -3).count(), 20000 / 7);
    assert!(low.abs_diff(high) < 300, "each value is as likely as the others: {low}");
    let big = rows.column(3).as_primitive::<Int64Type>().values();
    assert!(big.iter().any(|v| *v < i64::MIN / 2) && big.iter().any(|v| *v > i64::MAX / 2));
    let float = rows.column(5).as_primitive::<Float32Type>().values();
    assert!(float.iter().all(|value| (0.0..=1.0).contains(value)));
    let double = rows.column(6).as_primitive::<Float64Type>().values();
    assert!(double.iter().all(|value| (-1.5..=2.5).contains(value)));
    assert!(double.iter().any(|value| *value < -1.4) && double.iter().any(|value| *value > 2.4));
    let text = rows.column(8).as_string::<i32>();
    assert!(text.iter().flatten().all(|text| text.len() == 5));
    assert_eq!(text.iter().flatten().flat_map(str::bytes).collect::<BTreeSet<_>>().len(), 26);
    let times = (0..2000).map(|at| row(&rows.project(&[9]).unwrap(), at)).collect::<BTreeSet<_>>();
    assert_eq!(times.len(), 10, "{times:?}");
    let flags = rows.column(10).as_boolean().true_count();
    assert!(flags.abs_diff(10_000) < 300, "{flags}");
}

#[test]
fn sequences_count_and_the_shortest_one_ends_the_table() {
    let columns = [
        ("n", DataType::Int8),
        ("name", DataType::Utf8),
        ("money", DataType::Decimal128(10, 2)),
        ("at", MILLIS),
    ];
    let source = table(
        &columns,
        &[
            ("fields.n.kind", "sequence"),
            ("fields.n.start", "-2"),
            ("fields.n.end", "2"),
            ("fields.n.step", "2"),
            ("fields.name.kind", "sequence"),
            ("fields.money.kind", "sequence"),
            ("fields.money.start", "9.99"),
            ("fields.money.end", "11"),
            ("fields.at.kind", "sequence"),
            ("fields.at.start", "2024-02-29 12:00:00"),
            ("fields.at.step", "500"),
        ],
    );
    assert!(source.bounded());
    let rows = all(&source);
    let rows: Vec<String> = (0..rows.num_rows()).map(|at| row(&rows, at)).collect();
    assert_eq!(
        rows,
        [
            "-2|0|9.99|2024-02-29T12:00:00",
            "0|1|10.00|2024-02-29T12:00:00.500",
            "2|2|10.01|2024-02-29T12:00:01",
        ]
    );
    assert!(!table(&columns[1..2], &[("fields.name.kind", "sequence")]).bounded());
    let few = table(&columns[..1], &[("fields.n.kind", "sequence"), ("number-of-rows", "500")]);
    assert_eq!(all(&few).num_rows(), 128, "0 to 127");
}

#[test]
fn a_share_of_the_values_is_null() {
    let columns = [("a", DataType::Int64), ("b", DataType::Utf8), ("c", DataType::Boolean)];
    let rates: Vec<(String, &str)> = ["0.25", "1", "0"]
        .iter()
        .zip("abc".chars())
        .map(|(rate, column)| (format!("fields.{column}.null-rate"), *rate))
        .collect();
    let mut options: Vec<(&str, &str)> = rates.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    options.push(("number-of-rows", "10000"));
    let source = table(&columns, &options);
    rows_are_functions_of_their_numbers(&source);
    let rows = all(&source);
    assert!(rows.column(0).null_count().abs_diff(2500) < 150, "{}", rows.column(0).null_count());
    assert_eq!((rows.column(1).null_count(), rows.column(2).null_count()), (10_000, 0));
}

#[test]
fn wrong_declarations_are_refused_with_a_remedy() {
    let said = |ty: DataType, options: &[(&str, &str)], parts: [&str; 2]| {
        let error = check(&spec(&[("v", ty)], options)).expect_err(parts[0]);
        let help = error.help.unwrap_or_default();
        assert!(error.message.contains(parts[0]), "{}", error.message);
        assert!(help.contains(parts[1]), "{help}");
    };
    let (int, big, double) = (DataType::Int32, DataType::Int64, DataType::Float64);
    said(DataType::Date32, &[], ["no DATE for column `v`", "it makes BOOLEAN"]);
    let kind = |kind| [("fields.v.kind", kind)];
    said(int.clone(), &kind("sequenc"), ["cannot be 'sequenc'", "did you mean 'sequence'"]);
    said(int.clone(), &kind("sequence"), ["ends after 2147483648 rows", "'fields.v.end'"]);
    said(double.clone(), &kind("sequence"), ["cannot be 'sequence'", "a DOUBLE is 'random'"]);
    said(int.clone(), &[("fields.v.max", "1.5")], ["cannot be '1.5'", "from -2147483648"]);
    said(int, &[("fields.v.max", "2147483648")], ["cannot be '2147483648'", "to 2147483647"]);
    let both = [("fields.v.min", "5"), ("fields.v.max", "4")];
    said(big.clone(), &both, ["'fields.v.max' cannot be '4'", "at most"]);
    said(double.clone(), &both, ["'fields.v.max' cannot be '4'", "at most"]);
    said(double.clone(), &[("fields.v.min", "NaN")], ["cannot be 'NaN'", "a finite number"]);
    said(big.clone(), &[("fields.v.length", "4")], ["no meaning for a random", "min, max"]);
    said(big.clone(), &[("fields.v.end", "4")], ["no meaning for a random", "min, max"]);
    said(big, &[("fields.v.null-rate", "1.5")], ["cannot be '1.5'", "from 0 to 1"]);
    said(DataType::Utf8, &[("fields.v.length", "0")], ["cannot be '0'", "from 1 to 65536"]);
    said(MILLIS, &[("fields.v.min", "today")], ["cannot be 'today'", "YYYY-MM-DD"]);
    let fields = [Field::new("v", DataType::Int64, false)];
    let mut table = spec(&[], &[("fields.v.null-rate", "0.5")]);
    table.schema = Arc::new(Schema::new(fields.to_vec()));
    assert!(check(&table).unwrap_err().help.is_some_and(|help| help.contains("NOT NULL")));
}
