//! Dead letters of the tables of a query: where they go, and where they must not.

use std::sync::Arc;

use turgo_engine::graph::{DeadLetters, TaskGraph};

use super::Lowering;
use crate::catalog::Table;
use crate::error::{Result, SqlError};

impl Lowering<'_> {
    /// Where `table` keeps rows that are left out. All scans that keep theirs in one file share it.
    pub(super) fn letters(&mut self, table: &Table) -> Result<Option<DeadLetters>> {
        let Some(options) = &table.letters else { return Ok(None) };
        let sink = table.letters_sink(options, self.request.connectors)?;
        let place = sink.replaces();
        let known = self.letters.iter().find(|known| place.is_some() && known.replaces() == place);
        let sink = match known {
            Some(known) => Arc::clone(known),
            None => {
                self.letters.push(Arc::clone(&sink));
                sink
            }
        };
        let (bad, late) = (options.bad, options.late);
        Ok(Some(DeadLetters { name: options.path.clone(), sink, bad, late }))
    }
}

/// Refuses letters that would take the place of what the query reads or writes.
pub(super) fn check(graph: &TaskGraph) -> Result<()> {
    for letters in graph.scans().filter_map(|scan| scan.letters.as_ref()) {
        let Some(place) = letters.sink.replaces() else { continue };
        let read = graph.scans().find(|scan| scan.source.reads(&place));
        let refused = match read {
            Some(scan) => format!("are among the files that `{}` reads", scan.table),
            None if graph.sinks().any(|sink| sink.writes(&place)) => {
                "are the file that the query writes".to_owned()
            }
            None => continue,
        };
        let message = format!("the dead letters in '{}' {refused}", letters.name);
        return Err(SqlError::new(message).help("declare another 'dead-letter.path'"));
    }
    Ok(())
}
