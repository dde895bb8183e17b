//! Makes a case of a seed: the same seed makes the same case, always.

mod expression;
mod guard;
mod question;
mod records;

use crate::model::{Case, Column, Emit, Format, Table, Type};
use crate::query::{Body, From, Pace, Query};
use crate::random::Random;

/// The case of `seed`.
pub(crate) fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let mut table = declare(&mut random);
    // Cases with values at the ends of their types mostly end in an error, so they are few.
    let extremes = random.percent(20);
    let (query, changes) = question::query(&mut random, &table, extremes);
    let emit = match random.below(10) {
        0..=4 => Emit::Unsaid,
        5 | 6 => Emit::Final,
        _ if changes => Emit::Changes,
        _ => Emit::Unsaid,
    };
    records::fill(&mut random, &mut table, &query, extremes);
    table.letters = random.percent(70);
    // Drawn last: a seed makes the case it has always made, but for this.
    let grouped =
        matches!(&query, Query::Select(select) if matches!(select.body, Body::Groups { .. }));
    let every = (emit == Emit::Changes && grouped && random.percent(50))
        .then(|| *random.pick(&[1, 2, 3, 10, 1_000]));
    if table.bound.is_some() && takes_lateness(&query) && random.percent(50) {
        table.lateness = random.pick(&[1, 500, 5_000, 20_000, 100_000]) * 1_000;
    }
    Case { seed, table, query, emit, every }
}

/// Whether its rows may be late: windows of fixed lengths over plain rows are grouped, and nothing
/// follows.
fn takes_lateness(query: &Query) -> bool {
    let Query::Select(select) = query else { return false };
    let Body::Groups { .. } = select.body else { return false };
    let inner = query.selects().into_iter().filter(|inner| !std::ptr::eq(*inner, &**select));
    let mut bodies = inner.map(|inner| &inner.body);
    matches!(&select.from, From::Window(window) if window.pace != Pace::Session && window.drops_late)
        && query.windows().len() == 1
        && bodies.all(|body| matches!(body, Body::Rows { distinct: false, .. }))
}

/// A table without records.
fn declare(random: &mut Random) -> Table {
    let digits = *random.pick(&[0, 3, 3, 6]);
    let time_name = *random.pick(&["ts", "ts", "event_time", "eventTime"]);
    let mut columns = vec![
        Column { name: time_name.into(), ty: Type::Timestamp(digits) },
        Column {
            name: "k".into(),
            ty: random.pick(&[Type::Int, Type::BigInt, Type::Varchar, Type::Boolean]).clone(),
        },
        Column { name: "n".into(), ty: random.pick(&[Type::Int, Type::BigInt]).clone() },
    ];
    for index in 0..random.below(5) {
        let name = if random.percent(15) { format!("Mixed{index}") } else { format!("c{index}") };
        columns.push(Column { name, ty: scalar_type(random) });
    }
    let format = if random.percent(25) { Format::Csv } else { Format::Json };
    if format == Format::Json && random.percent(30) {
        columns.push(Column { name: "r".into(), ty: row_type(random) });
    }
    let time = random.below(columns.len());
    columns.swap(0, time);
    let bound = match random.below(10) {
        0 => None,
        1 => Some(0),
        _ if digits >= 3 && random.percent(30) => Some(random.between(1, 20_000) * 1_000),
        _ => Some(random.between(1, 30) * 1_000_000),
    };
    let skip_bad = random.percent(80);
    let (lateness, letters, files) = (0, false, Vec::new());
    Table { columns, time, bound, lateness, format, skip_bad, letters, files }
}

fn scalar_type(random: &mut Random) -> Type {
    match random.below(9) {
        0 => Type::Int,
        1 | 2 => Type::BigInt,
        3 => Type::Double,
        4 => {
            let (precision, scale) = *random.pick(&[(5, 2), (9, 0), (18, 4), (28, 6), (38, 10)]);
            Type::Decimal(precision, scale)
        }
        5 | 6 => Type::Varchar,
        7 => Type::Boolean,
        _ => Type::Timestamp(*random.pick(&[0, 3, 6])),
    }
}

fn row_type(random: &mut Random) -> Type {
    let mut fields = vec![("a".to_string(), Type::BigInt), ("b".to_string(), Type::Varchar)];
    if random.percent(50) {
        fields.push(("d".to_string(), scalar_type(random)));
    }
    Type::Row(fields)
}
