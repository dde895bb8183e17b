//! The batch rewriter: the same question over the same rows as plain SQL for the batch engine.
//!
//! It shares no thought with Turgo: rows are loaded from the generated values, windows are
//! arithmetic on the epoch (tumbling ones by `date_bin`, hopping ones as a UNION ALL of shifted
//! bins, growing ones by unnesting a list of their ends, sessions as islands between gaps), sums and integer arithmetic go through decimals, which cannot wrap. It has no idea of
//! lateness: an answer counts only where no row is late. Nor does it know errors, as it computes what
//! a condition guards for the rows left out as well: what cannot be computed is NULL, and an answer
//! counts only where nothing that was to be computed could not.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::columns;
use crate::model::{Case, Column, Record, Type, Value, time_step};
use crate::query::{
    Arithmetic, Body, From, Function, GroupWindow, Named, OverCall, Pace, WINDOW_COLUMNS, Window,
};
use crate::sql::{Dialect, Rows, TABLE, Windowed, Writer, plain_call, quoted, type_name};

/// Stack for one question: a debug build of the engine takes up to 100 KiB for each level of a
/// plan, and windows over windows are many levels. Pages that are not touched cost nothing.
const STACK_BYTES: usize = 256 << 20;

/// The column of the table that numbers its rows, in the order of files and of places in them.
const PLACE: &str = "place_";

/// Whether the batch engine can be asked. The numbers of rows do not leave a query within a query; and
/// it takes the rows that leave a frame off a sum again, so that what large doubles have swallowed is lost.
pub(crate) fn understands(case: &Case) -> bool {
    let table = crate::naive::table_scope(&case.table);
    let drifts = |call: &OverCall| match call {
        OverCall::Aggregate(call, Some(_)) => {
            call.function.adds() && call.ty(&table) == Type::Double
        }
        _ => false,
    };
    case.query.selects().iter().all(|select| match (&select.body, &select.from) {
        (Body::Over { calls, .. }, From::Table) => !calls.iter().any(drifts),
        (Body::Over { .. }, _) => false,
        _ => true,
    })
}

/// What the batch engine says to `case`: rows, or its error.
pub(crate) fn answer(case: &Case) -> Result<Vec<Vec<Value>>> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("batch".into()).stack_size(STACK_BYTES);
        let answer = thread.spawn_scoped(scope, || ask(case)).expect("a thread can be started");
        answer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn ask(case: &Case) -> Result<Vec<Vec<Value>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let context = SessionContext::new_with_config(lenient());
        context.register_table(TABLE, Arc::new(table(case)?))?;
        let mut rows = Vec::new();
        for statement in script(case) {
            let batches = context.sql(&statement).await?.collect().await?;
            rows = batches.iter().flat_map(columns::rows).collect();
        }
        Ok(rows)
    })
}

/// One thread; and where one of its optimiser's rules breaks a plan or only disagrees about what
/// may be NULL, the engine goes on without the rule.
fn lenient() -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(1)
        .set_bool("datafusion.optimizer.skip_failed_rules", true)
        .set_bool("datafusion.execution.skip_physical_aggregate_schema_check", true)
}

/// The statements the batch engine is given: views, then the query.
pub(crate) fn script(case: &Case) -> Vec<String> {
    let mut writer = Writer::new(Batch, &case.table);
    let query = writer.statement(&case.query);
    let mut statements = writer.views().to_vec();
    statements.push(query);
    statements
}

/// The good rows of all files, numbered.
fn table(case: &Case) -> Result<MemTable> {
    let table = &case.table;
    let timed = |values: &&Vec<Value>| table.bound.is_none() || !values[table.time].is_null();
    let rows: Vec<&Vec<Value>> = table
        .files
        .iter()
        .flatten()
        .filter_map(|record| match record {
            Record::Good(values) => Some(values),
            Record::Bad(_) => None,
        })
        .filter(timed)
        .collect();
    let numbers: Vec<Value> = (0..rows.len()).map(|row| Value::Int(row as i128)).collect();
    let numbers: Vec<&Value> = numbers.iter().collect();
    let place = Column { name: PLACE.into(), ty: Type::BigInt };
    let all: Vec<Column> = table.columns.iter().cloned().chain([place]).collect();
    let schema = columns::schema(&all);
    let arrays = table.columns.iter().enumerate().map(|(index, column)| {
        let values: Vec<&Value> = rows.iter().map(|row| &row[index]).collect();
        columns::column(&column.ty, &values)
    });
    let arrays = arrays.chain([columns::column(&Type::BigInt, &numbers)]);
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect())?;
    MemTable::try_new(schema, vec![vec![batch]])
}

#[derive(Debug)]
struct Batch;

impl Dialect for Batch {
    fn arithmetic(&self, op: Arithmetic, a: &str, b: &str, ty: &Type) -> String {
        let wide = |text: &str| format!("CAST({text} AS DECIMAL(38, 0))");
        match op {
            Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply if ty.is_integer() => {
                format!("TRY_CAST({} {} {} AS {})", wide(a), op.symbol(), wide(b), type_name(ty))
            }
            Arithmetic::Divide => {
                let negated = format!("TRY_CAST(0 - {} AS {})", wide(a), type_name(ty));
                format!("CASE {b} WHEN -1 THEN {negated} ELSE {a} / nullif({b}, 0) END")
            }
            Arithmetic::Remainder => format!("({a} % nullif({b}, 0))"),
            op => format!("({a} {} {b})", op.symbol()),
        }
    }

    fn field(&self, row: &str, name: &str) -> String {
        format!("get_field({row}, '{name}')")
    }

    fn call(&self, function: Function, argument: &str, ty: Option<&Type>, filter: &str) -> String {
        let distinct = if function.is_distinct() { "DISTINCT " } else { "" };
        let exact_sum = format!("sum({distinct}CAST({argument} AS DECIMAL(38, 0))){filter}");
        match (function, ty) {
            (Function::Sum | Function::SumDistinct, Some(ty)) if ty.is_integer() => {
                format!("CAST({exact_sum} AS BIGINT)")
            }
            (Function::Avg | Function::AvgDistinct, Some(ty)) if ty.is_integer() => {
                format!("(CAST({exact_sum} AS DOUBLE) / count({distinct}{argument}){filter})")
            }
            _ => format!("{}{filter}", plain_call(function, argument)),
        }
    }

    fn tie(&self) -> &'static str {
        ", place_"
    }

    fn window(&self, window: &Window, rows: Rows, scope: &[Named], by: GroupWindow) -> Windowed {
        let group_by = by.names().iter().map(|name| (*name).into()).collect();
        let input = &rows.input;
        let from = match window.pace {
            Pace::Slide(slide) if slide == window.size => tumbling(window, input, scope),
            Pace::Slide(slide) => hopping(window, slide, input, scope),
            Pace::Step(step) => cumulating(window, step, input, scope),
            // Which rows there are decides how long sessions last, so they are left out before.
            Pace::Session => {
                let from = sessions(window, &rows, scope);
                return Windowed { from, filter: String::new(), group_by };
            }
        };
        Windowed { from, filter: rows.filter, group_by }
    }
}

/// Tumbling windows by the engine's own bins.
fn tumbling(window: &Window, input: &str, scope: &[Named]) -> String {
    let start = bin(window, scope);
    let end = format!("{start} + {}", window.size / time_step(digits(window, scope)));
    windowed(window, input, scope, &start, &end, "")
}

/// Growing windows: the bin of the largest, repeated for every end that comes after the time.
fn cumulating(window: &Window, step: i64, input: &str, scope: &[Named]) -> String {
    let start = bin(window, scope);
    let (size, step) =
        (window.size / time_step(digits(window, scope)), step / time_step(digits(window, scope)));
    let time = format!("CAST({} AS BIGINT)", quoted(&scope[window.time].name));
    let names: Vec<String> =
        scope[..scope.len() - WINDOW_COLUMNS.len()].iter().map(|n| quoted(&n.name)).collect();
    let ends = format!(
        "(SELECT {}, unnest(generate_series({start} + {step}, {start} + {size}, {step})) AS \
         grown FROM {input}) AS growing",
        names.join(", ")
    );
    let holds = format!(" WHERE grown > {time}");
    windowed(window, &ends, scope, &start, "grown", &holds)
}

/// The start of the tumbling window of a time, as a number in the unit of the time column.
fn bin(window: &Window, scope: &[Named]) -> String {
    let time = quoted(&scope[window.time].name);
    let size = format!("INTERVAL '{} microseconds'", window.size);
    let bin = format!("date_bin({size}, {time}, to_timestamp_seconds(0))");
    // The bin comes in nanoseconds.
    let unit = match digits(window, scope) {
        0 => "Second",
        3 => "Millisecond",
        _ => "Microsecond",
    };
    format!("CAST(arrow_cast({bin}, 'Timestamp({unit}, None)') AS BIGINT)")
}

/// Hopping windows, one branch for each bin that can hold a row.
fn hopping(window: &Window, slide: i64, input: &str, scope: &[Named]) -> String {
    let step = time_step(digits(window, scope));
    let (size, slide) = (window.size / step, slide / step);
    let time = format!("CAST({} AS BIGINT)", quoted(&scope[window.time].name));
    let last = format!("({time} - (({time} % {slide}) + {slide}) % {slide})");
    let branches: Vec<String> = (0..size.div_euclid(slide) + 1)
        .map(|back| {
            let start = format!("({last} - {})", back * slide);
            let end = format!("{start} + {size}");
            let holds = format!(" WHERE {end} > {time}");
            format!("SELECT * FROM {}", windowed(window, input, scope, &start, &end, &holds))
        })
        .collect();
    format!("({}) AS hopping", branches.join(" UNION ALL "))
}

/// Sessions: a row that does not follow another closely begins an island, and the islands begun so
/// far number its own.
fn sessions(window: &Window, rows: &Rows, scope: &[Named]) -> String {
    let Rows { input, filter, partition } = rows;
    let gap = window.size / time_step(digits(window, scope));
    let inner = &scope[..scope.len() - WINDOW_COLUMNS.len()];
    let names: Vec<String> = inner.iter().map(|named| quoted(&named.name)).collect();
    let names = names.join(", ");
    let time = format!("CAST({} AS BIGINT)", quoted(&scope[window.time].name));
    // Under names of their own: the engine sorts by expressions, and loses track of some.
    let mut parts: Vec<String> = (0..partition.len()).map(|part| format!("part{part}")).collect();
    let computed: String =
        partition.iter().zip(&parts).map(|(expr, part)| format!(", {expr} AS {part}")).collect();
    let timed =
        format!("(SELECT {names}, {time} AS moment{computed} FROM {input}{filter}) AS timed");
    let by = |parts: &[String]| match parts.is_empty() {
        true => String::new(),
        false => format!("PARTITION BY {}", parts.join(", ")),
    };
    let in_order = format!("{} ORDER BY moment", by(&parts));
    let begun = format!(
        "(SELECT *, CASE WHEN moment - lag(moment) OVER ({in_order}) <= {gap} THEN 0 ELSE 1 END AS \
         begins FROM {timed}) AS begun"
    );
    let numbered = format!(
        "(SELECT *, sum(begins) OVER ({in_order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) \
         AS island FROM {begun}) AS numbered"
    );
    parts.push("island".into());
    let island = by(&parts);
    let islands = format!(
        "(SELECT {names}, min(moment) OVER ({island}) AS first_row, max(moment) OVER ({island}) + \
         {gap} AS beyond FROM {numbered}) AS islands"
    );
    windowed(window, &islands, scope, "first_row", "beyond", "")
}

/// `input` with the window between two numbers, in steps of the time column.
fn windowed(
    window: &Window,
    input: &str,
    scope: &[Named],
    start: &str,
    end: &str,
    filter: &str,
) -> String {
    let convert = match digits(window, scope) {
        0 => "to_timestamp_seconds",
        3 => "to_timestamp_millis",
        _ => "to_timestamp_micros",
    };
    let [first, until, last] = WINDOW_COLUMNS;
    // By name: columns of the same name from an earlier window are hidden, not repeated.
    let inner = &scope[..scope.len() - WINDOW_COLUMNS.len()];
    let names: Vec<String> = inner.iter().map(|named| quoted(&named.name)).collect();
    format!(
        "(SELECT {}, {convert}({start}) AS {first}, {convert}({end}) AS {until}, \
         {convert}({end} - 1) AS {last} FROM {input}{filter}) AS windowed",
        names.join(", ")
    )
}

fn digits(window: &Window, scope: &[Named]) -> u8 {
    match scope[window.time].ty {
        Type::Timestamp(digits) => digits,
        ref other => panic!("windows over a {other:?}"),
    }
}
