//! What a session has, as programs list it and complete it: names, not what they stand for.

use std::collections::BTreeMap;

use crate::catalog::Relation;
use crate::session::Session;

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// `table` or `view`.
    pub kind: &'static str,
    /// The names of its columns, in order.
    pub columns: Vec<String>,
    /// The options it was declared with; none for a view.
    pub options: BTreeMap<String, String>,
}

impl Session {
    /// All tables and views by name.
    pub fn relations(&self) -> Vec<Declared> {
        let declared = |(name, relation): (&str, &Relation)| {
            let (columns, options) = match relation {
                Relation::Table(table) => {
                    let fields = table.schema.fields().iter();
                    (fields.map(|field| field.name().clone()).collect(), table.options.clone())
                }
                Relation::View(view) => (view.columns.clone(), BTreeMap::new()),
            };
            Declared { name: name.to_owned(), kind: relation.kind(), columns, options }
        };
        self.catalog().iter().map(declared).collect()
    }

    /// The names of all functions, sorted.
    pub fn function_names(&self) -> Vec<String> {
        self.functions().names().into_iter().map(str::to_owned).collect()
    }
}
