//! Declarations of tables: any options are accepted or refused, and what is accepted works.
//!
//! Lines are `option=value`; the values of intervals, numbers and dialects are read here.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use turgo_connectors::connectors;
use turgo_engine::io::{Connectors, OptionError, TableSpec};

static CONNECTORS: LazyLock<Arc<dyn Connectors>> = LazyLock::new(|| connectors());

/// Any lines are options of a table of every connector.
pub fn options(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let given = text.lines().filter_map(|line| line.split_once('='));
    let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let field = |(name, data_type)| Field::new(name, data_type, true);
    let fields = [("a", DataType::Int64), ("b", DataType::Utf8)].map(field).to_vec();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let mut table = TableSpec { name: "t".into(), schema, options: given.collect() };
    if table.options.contains_key("connector") {
        return declare(&table);
    }
    for name in CONNECTORS.names() {
        table.options.insert("connector".into(), name.into());
        declare(&table);
    }
}

fn declare(table: &TableSpec) {
    if let Err(error) = CONNECTORS.check(table) {
        return sound(&error, table);
    }
    match CONNECTORS.source(table) {
        Err(error) => sound(&error, table),
        Ok(source) => {
            assert!(!source.describe().is_empty(), "a source says what it is");
            let all: Vec<usize> = (0..source.schema().fields().len()).collect();
            // A generator may refuse a type; that is an answer, too.
            drop(source.decoder(&all));
        }
    }
    if let Err(error) = CONNECTORS.sink(table) {
        sound(&error, table);
    }
}

fn sound(error: &OptionError, table: &TableSpec) {
    assert!(!error.message.is_empty(), "an error says what is wrong");
    if let Some(key) = &error.key {
        assert!(table.options.contains_key(key), "{key:?} is an option that was given");
    }
}
