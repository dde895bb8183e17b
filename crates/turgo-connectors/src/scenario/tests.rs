//! The rows of the scenarios, as the published test makes them.

use turgo_engine::io::Position;

use super::*;
use crate::synthetic::tests::{all, read, row, rows_are_functions_of_their_numbers, spec};

const TEXT: DataType = DataType::Utf8;
const DOUBLE: DataType = DataType::Float64;
const BIGINT: DataType = DataType::Int64;

fn orders() -> Vec<(&'static str, DataType)> {
    vec![
        ("order_id", BIGINT),
        ("customer_id", BIGINT),
        ("order_date", TEXT),
        ("total_amount", DOUBLE),
    ]
}

fn trades(time: DataType) -> Vec<(&'static str, DataType)> {
    vec![
        ("trader_id", TEXT),
        ("symbol", TEXT),
        ("price", DOUBLE),
        ("quantity", BIGINT),
        ("trade_time", time),
    ]
}

fn table(scenario: &str, columns: &[(&str, DataType)]) -> Arc<dyn Source> {
    source(&spec(columns, &[("scenario", scenario), ("rows", "12345")])).unwrap()
}

#[track_caller]
fn expect(scenario: &str, columns: &[(&str, DataType)], rows: [(Position, &str); 3]) {
    let table = table(scenario, columns);
    rows_are_functions_of_their_numbers(&table);
    let every: Vec<usize> = (0..columns.len()).collect();
    for (at, wanted) in rows {
        assert_eq!(row(&read(&table, &every, at, (40, 1)), 0), wanted, "row {at}");
    }
    assert_eq!(all(&table).num_rows(), 12345);
}

#[test]
fn rows_are_the_published_ones() {
    expect(
        "0",
        &orders(),
        [
            (0, "0|0|2024-01-15|150.0"),
            (1234, "1234|234|2024-01-15|184.0"),
            (12344, "12344|344|2024-01-15|194.0"),
        ],
    );
    let prices = [("symbol", TEXT), ("price", DOUBLE), ("timestamp", BIGINT)];
    expect(
        "1",
        &prices,
        [(0, "SYM0|100.0|0"), (77, "SYM7|127.0|77000"), (12344, "SYM4|144.0|12344000")],
    );
    let quantities = [("symbol", TEXT), ("price", DOUBLE), ("quantity", BIGINT)];
    expect(
        "2",
        &quantities,
        [(0, "SYM0|100.0|0"), (399, "SYM199|199.0|399"), (12344, "SYM144|144.0|344")],
    );
    for scenario in ["3a", "3b"] {
        expect(
            scenario,
            &trades(BIGINT),
            [
                (0, "T0|SYM0|100.0|0|1000000"),
                (199, "T49|SYM99|149.0|199|1199000"),
                (12344, "T44|SYM44|144.0|344|13344000"),
            ],
        );
    }
    expect(
        "3a",
        &trades(TIME),
        [
            (0, "T0|SYM0|100.0|0|1970-01-01T00:16:40"),
            (199, "T49|SYM99|149.0|199|1970-01-01T00:19:59"),
            (12344, "T44|SYM44|144.0|344|1970-01-01T03:42:24"),
        ],
    );
}

#[test]
fn a_step_moves_rows_closer_together() {
    let options = [("scenario", "3a"), ("rows", "300"), ("step", "1")];
    let table = source(&spec(&trades(BIGINT), &options)).unwrap();
    assert_eq!(row(&read(&table, &[1, 4], 299, (1, 1)), 0), "SYM99|1000299");
    let prices = [("symbol", TEXT), ("timestamp", TIME)];
    let table = source(&spec(&prices, &[("scenario", "1"), ("rows", "9"), ("step", "5")])).unwrap();
    assert_eq!(row(&read(&table, &[1], 8, (1, 1)), 0), "1970-01-01T00:00:00.040");
    let error = check(&spec(&prices, &[("scenario", "1"), ("step", "0")])).unwrap_err();
    assert_eq!(error.message, "'step' cannot be '0'");
}

#[test]
fn wrong_declarations_are_refused_with_a_remedy() {
    let said = |columns: &[(&str, DataType)], options: &[(&str, &str)], parts: [&str; 2]| {
        let error = check(&spec(columns, options)).unwrap_err();
        let help = error.help.unwrap_or_default();
        assert!(error.message.contains(parts[0]), "{}", error.message);
        assert!(help.contains(parts[1]), "{help}");
    };
    let orders = orders();
    said(&orders, &[], ["names no 'scenario'", "'0', '1', '2', '3a' or '3b'"]);
    said(&orders, &[("scenario", "3")], ["'scenario' cannot be '3'", "'3a'"]);
    said(&orders, &[("scenario", "3b")], ["scenario 3b has no column `order_id`", "`trader_id`"]);
    said(&[("symbol", BIGINT)], &[("scenario", "1")], ["is VARCHAR, not BIGINT", "symbol VARCHAR"]);
}
