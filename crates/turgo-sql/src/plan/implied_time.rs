//! The time column of a window clause that leaves it out: the one its table declares a watermark for.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Expr, Ident, Query, Select, TableFactor, VisitMut, VisitorMut, visit_expressions_mut,
};

use crate::catalog::{Catalog, Relation};
use crate::diagnose::span_bytes;
use crate::error::{Result, SqlError};
use crate::parse::name_of;
use crate::statement::marker;

/// Names the time columns that `query` leaves out; `text` is what its places point into.
///
/// # Errors
/// Where the window is over anything but a table with a watermark.
pub(super) fn name(query: &mut Query, catalog: &Catalog, text: &str) -> Result<()> {
    match query.visit(&mut Implied { catalog, text }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Implied<'a> {
    catalog: &'a Catalog,
    text: &'a str,
}

impl VisitorMut for Implied<'_> {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        let relation = select.from.first().map(|from| from.relation.clone());
        visit_expressions_mut(&mut select.projection, |expr| {
            if let Expr::Identifier(name) = expr
                && name.value == marker::EVENT_TIME
            {
                match self.time(relation.as_ref()) {
                    Ok(time) => *name = Ident { span: name.span, ..Ident::with_quote('"', time) },
                    Err(error) => {
                        let place = span_bytes(self.text, name.span);
                        return ControlFlow::Break(match place {
                            Some(place) => error.at(place),
                            None => error,
                        });
                    }
                }
            }
            ControlFlow::Continue(())
        })
    }
}

impl Implied<'_> {
    /// The event time of a table.
    fn time(&self, relation: Option<&TableFactor>) -> Result<String> {
        let help = "name the time column, as in WINDOW TUMBLING (ts, INTERVAL '1' MINUTE)";
        let table = match relation {
            Some(TableFactor::Table { name, .. }) => name.0.last().and_then(|part| part.as_ident()),
            _ => None,
        };
        let folded = table.map(|table| match table.quote_style {
            Some(_) => table.value.clone(),
            None => table.value.to_lowercase(),
        });
        match folded.as_deref().and_then(|table| self.catalog.get(table)) {
            Some(Relation::Table(table)) => match &table.event_time {
                Some(time) => Ok(table.columns[time.column].field.name().clone()),
                None => Err(SqlError::new(format!(
                    "the window names no time column, and table `{}` declares no watermark",
                    table.spec.name
                ))
                .help(help)),
            },
            _ => {
                let what = relation.and_then(name_of).map_or("a query".to_owned(), |name| {
                    format!("`{}`, which is no table", name.value)
                });
                let message = format!("the window over {what} names no time column");
                Err(SqlError::new(message).help(help))
            }
        }
    }
}
