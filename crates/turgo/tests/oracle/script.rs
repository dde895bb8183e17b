//! A case as a user would give it to Turgo: files on disk and a script.

use std::path::Path;
use std::sync::Arc;

use turgo_engine::memory::CollectSink;
use turgo_sql::{Outcome, Planned, Session, SqlError};

use crate::model::{Case, Format};
use crate::{encode, parquet, sql};

/// Writes the files of the case's table into `dir` and returns the text of each record,
/// where it has one.
pub(crate) fn write_files(case: &Case, dir: &Path) -> std::io::Result<Vec<String>> {
    let mut records = Vec::new();
    let extension = match case.table.format {
        Format::Json => "ndjson",
        Format::Csv => "csv",
        Format::Parquet => {
            parquet::write(&case.table, case.seed, dir)?;
            return Ok(records);
        }
    };
    for (index, file) in encode::files(&case.table, case.seed).into_iter().enumerate() {
        std::fs::write(dir.join(format!("part-{index}.{extension}")), file.text)?;
        records.extend(file.records);
    }
    Ok(records)
}

/// The planned query of `case` over the files in `dir`, and where its rows will be.
///
/// # Errors
/// What the planner says.
pub(crate) fn plan(case: &Case, dir: &Path) -> Result<(Planned, CollectSink), String> {
    let script = sql::turgo_script(case, &dir.to_string_lossy()).join(";\n");
    let said = |error: SqlError| format!("the planner says: {error:?}");
    let mut session = Session::new(turgo_connectors::connectors());
    let sink = CollectSink::default();
    for statement in turgo_sql::parse(&script).map_err(said)? {
        let results = Arc::new(sink.clone());
        match session.execute(&script, &statement, results).map_err(said)? {
            Outcome::Query(planned) => return Ok((planned, sink)),
            Outcome::Done(_) => {}
            other => return Err(format!("not a query: {other:?}")),
        }
    }
    Err("a script without a query".into())
}
