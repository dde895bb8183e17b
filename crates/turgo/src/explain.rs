//! `turgo explain`: declares what the scripts declare, and shows the plan of each query.

use std::sync::Arc;

use turgo_connectors::{Format, StdoutSink};
use turgo_engine::EngineError;
use turgo_engine::io::Sink;
use turgo_engine::memory::CollectSink;
use turgo_sql::statement::StatementKind;
use turgo_sql::{ExplainFormat, Session};

use crate::args::{Explain, PlanFormat};
use crate::output::print;
use crate::report::Failure;
use crate::script::scripts;

/// Runs the command.
pub(crate) fn explain(args: &Explain) -> Result<(), Failure> {
    let mut session = Session::new(turgo_connectors::connectors());
    let format = match args.format {
        PlanFormat::Text => ExplainFormat::Text,
        PlanFormat::Json => ExplainFormat::Json,
        PlanFormat::Dot => ExplainFormat::Dot,
    };
    for script in scripts(&args.scripts)? {
        for statement in script.parse()? {
            let query = match &statement.kind {
                StatementKind::Explain(inner) => Some(&**inner),
                StatementKind::Select(_) | StatementKind::Insert { .. } => Some(&statement),
                _ => None,
            };
            let results: Arc<dyn Sink> = Arc::new(StdoutSink::new(Format::Table));
            let shown = match query {
                Some(query) => session
                    .plan(&script.text, query, results)
                    .map(|planned| Some(session.explain(&planned, format))),
                None => {
                    let unseen: Arc<dyn Sink> = Arc::new(CollectSink::default());
                    session.execute(&script.text, &statement, unseen).map(|_| None)
                }
            };
            let shown = shown.map_err(|error| script.failure(&error))?;
            match shown.map_or(Ok(()), |text| print(&text)) {
                Err(EngineError::Closed) => return Ok(()),
                printed => printed?,
            }
        }
    }
    Ok(())
}
