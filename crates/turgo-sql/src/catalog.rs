//! The tables and views of a session.

mod file;
mod options;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion_sql::sqlparser::ast;

pub(crate) use self::file::Files;
pub(crate) use self::table::{EventTimeDef, Table, TableScanSource};
use crate::error::{Result, SqlError};
use crate::names::suggest;
use crate::statement::Name;

/// A view: a query that is put in place of its name.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) query: Box<ast::Query>,
    /// The text its query points into.
    pub(crate) text: String,
    /// The names of its columns when it was declared.
    pub(crate) columns: Vec<String>,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Relation {
    Table(Arc<Table>),
    View(Arc<View>),
}

/// Tables and views by name; they share one name space.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    relations: BTreeMap<String, Relation>,
}

impl Catalog {
    /// What `name` stands for.
    pub(crate) fn get(&self, name: &str) -> Option<&Relation> {
        self.relations.get(name)
    }

    /// What `name` stands for.
    ///
    /// # Errors
    /// When there is no such table or view.
    pub(crate) fn find(&self, name: &Name) -> Result<&Relation> {
        self.get(&name.value).ok_or_else(|| self.missing(&name.value).at(name.span.clone()))
    }

    /// The error of naming a relation that is not there.
    pub(crate) fn missing(&self, name: &str) -> SqlError {
        let error = SqlError::new(format!("there is no table or view `{name}`"));
        if name.contains(['.', '/']) {
            return error
                .help(format!("to read a file, write its path in single quotes: '{name}'"));
        }
        let names = self.relations.keys().map(String::as_str);
        match suggest(name, names, "there are") {
            Some(help) => error.help(help),
            None => error.help("declare it with CREATE TABLE"),
        }
    }

    /// All relations by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Relation)> {
        self.relations.iter().map(|(name, relation)| (name.as_str(), relation))
    }

    /// Adds a relation.
    ///
    /// # Errors
    /// When the name is taken and may not be replaced, or is one of the other kind.
    pub(crate) fn create(&mut self, name: &Name, relation: Relation, replace: bool) -> Result<()> {
        if let Some(there) = self.get(&name.value) {
            let kind = there.kind();
            if !replace || kind != relation.kind() {
                return Err(SqlError::new(format!("there is a {kind} `{}` already", name.value))
                    .at(name.span.clone())
                    .help(format!("drop it first: DROP {} {}", kind.to_uppercase(), name.value)));
            }
        }
        self.relations.insert(name.value.clone(), relation);
        Ok(())
    }

    /// Removes a table or a view; says whether it was there.
    ///
    /// # Errors
    /// When it is not there and `if_exists` is not given, or is one of the other kind.
    pub(crate) fn remove(&mut self, name: &Name, view: bool, if_exists: bool) -> Result<bool> {
        let wanted = if view { "view" } else { "table" };
        match self.get(&name.value) {
            None if if_exists => Ok(false),
            None => Err(self.missing(&name.value).at(name.span.clone())),
            Some(there) if there.kind() != wanted => {
                let kind = there.kind();
                Err(SqlError::new(format!("`{}` is a {kind}", name.value))
                    .at(name.span.clone())
                    .help(format!("DROP {} {}", kind.to_uppercase(), name.value)))
            }
            Some(_) => Ok(self.relations.remove(&name.value).is_some()),
        }
    }
}

impl Relation {
    /// `table` or `view`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::View(_) => "view",
        }
    }
}
