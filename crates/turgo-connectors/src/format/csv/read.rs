//! Reading CSV records into columns.
//!
//! Where the file has a header, its reader puts the header record in front of every chunk: columns
//! are matched by name, so files of one table may order them differently.

use turgo_engine::io::Decode;
use turgo_engine::{EngineError, Result};

use arrow::datatypes::{Schema, SchemaRef};
use turgo_engine::types::sql_type;

use super::Dialect;
use super::split::Fields;
use crate::format::column::{self, Fault, Input, Slot};
use crate::format::records::{ReadRecords, RecordDecoder, projected};

/// A decoder of the columns `projection` of `schema`.
pub(crate) fn decoder(
    schema: &SchemaRef,
    projection: &[usize],
    dialect: &Dialect,
) -> Result<Box<dyn Decode>> {
    let mut slots = Vec::with_capacity(projection.len());
    for index in projection {
        let field = schema.field(*index);
        let column = column::scalar(field.data_type()).ok_or_else(|| {
            EngineError::Unsupported(format!(
                "column `{}`: the format csv cannot carry {}; use 'format' = 'json'",
                field.name(),
                sql_type(field.data_type())
            ))
        })?;
        slots.push(Slot::new(field, column));
    }
    let records = CsvRecords {
        schema: SchemaRef::clone(schema),
        projection: projection.to_vec(),
        dialect: dialect.clone(),
        slots,
        places: projection.to_vec(),
        width: schema.fields().len(),
        fields: Fields::default(),
    };
    Ok(Box::new(RecordDecoder::new(records, projected(schema, projection))))
}

/// For each column of `schema`, its place in the `header`.
///
/// # Errors
/// `Data` where a column is missing or not unique.
pub(crate) fn places(header: &[String], schema: &Schema) -> Result<Vec<usize>> {
    let place = |name: &String| {
        let mut found = (0..header.len()).filter(|index| header[*index] == *name);
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(EngineError::data(format!(
                "the header has no column `{name}`; it has {}",
                header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ))),
            _ => Err(EngineError::data(format!("the header has column `{name}` twice"))),
        }
    };
    schema.fields().iter().map(|field| place(field.name())).collect()
}

struct CsvRecords {
    schema: SchemaRef,
    projection: Vec<usize>,
    dialect: Dialect,
    slots: Vec<Slot>,
    /// For each slot, the field it is read from.
    places: Vec<usize>,
    /// The number of fields of a record.
    width: usize,
    fields: Fields,
}

impl ReadRecords for CsvRecords {
    fn begin(&mut self, bytes: &[u8]) -> Result<usize> {
        if !self.dialect.header {
            return Ok(0);
        }
        let end = self.dialect.record_end(bytes, 0).unwrap_or(bytes.len());
        let header = self.dialect.header_names(&bytes[..end])?;
        let all = places(&header, &self.schema)?;
        self.places = self.projection.iter().map(|index| all[*index]).collect();
        self.width = header.len();
        Ok(end)
    }

    fn end(&self, bytes: &[u8], from: usize) -> Option<usize> {
        self.dialect.record_end(bytes, from)
    }

    fn is_blank(&self, record: &[u8]) -> bool {
        record.is_empty()
    }

    fn read(&mut self, record: &str) -> Result<(), String> {
        self.fields.split(record, self.dialect.delimiter)?;
        let (found, expected) = (self.fields.len(), self.width);
        if found != expected {
            let s = if found == 1 { "" } else { "s" };
            return Err(format!("{found} field{s} where {expected} are expected"));
        }
        let mut first = Ok(());
        for (slot, place) in self.slots.iter_mut().zip(&self.places) {
            let (text, quoted) = self.fields.get(record, *place);
            let null = !quoted && text == self.dialect.null;
            first = first.and(slot.append((!null).then_some(Input::Field(&text))));
        }
        first.map_err(Fault::reason)
    }

    fn slots(&mut self) -> &mut [Slot] {
        &mut self.slots
    }
}
