//! A table for people, shown block by block.
//!
//! The header is shown once, with the first rows. Columns are as wide as the widest cell so far;
//! where a later block needs more, a rule with the new widths stands before it.

use std::io::{self, Write};

use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use turgo_engine::Result;
use turgo_engine::message::Batch;

use crate::format::text::OPERATION;

/// Rows held before they are shown without a flush.
const ROWS_HELD_MAX: usize = 4096;

/// A table being shown.
pub(super) struct Table {
    names: Vec<String>,
    /// Numbers are aligned to the right.
    right: Vec<bool>,
    changes: bool,
    widths: Vec<usize>,
    held: Vec<Vec<String>>,
    begun: bool,
}

impl Table {
    /// A table of rows of `schema`.
    pub(super) fn new(schema: &Schema, changes: bool) -> Self {
        let operation = changes.then_some((OPERATION, false)).into_iter();
        let fields = schema.fields().iter();
        let columns = fields.map(|field| (field.name().as_str(), field.data_type().is_numeric()));
        let (names, right): (Vec<_>, Vec<_>) =
            operation.chain(columns).map(|(name, right)| (cell(name), right)).unzip();
        let widths = names.iter().map(|name| width(name)).collect();
        Self { names, right, changes, widths, held: Vec::new(), begun: false }
    }

    /// Takes rows to be shown later.
    pub(super) fn push(&mut self, batch: &Batch) -> Result<()> {
        let options = FormatOptions::default().with_null("NULL");
        let formatters = batch
            .rows
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        for row in 0..batch.len() {
            let mut cells = Vec::with_capacity(self.names.len());
            if self.changes {
                cells.push(batch.change(row).symbol().to_owned());
            }
            for formatter in &formatters {
                cells.push(cell(&formatter.value(row).try_to_string()?));
            }
            self.held.push(cells);
        }
        Ok(())
    }

    /// Whether enough rows are held to show them.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= ROWS_HELD_MAX
    }

    /// Shows the rows held.
    pub(super) fn show(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        let mut wider = false;
        for row in &held {
            for (known, cell) in self.widths.iter_mut().zip(row) {
                wider |= width(cell) > *known;
                *known = width(cell).max(*known);
            }
        }
        if !self.begun {
            self.begin(out)?;
        } else if wider {
            self.rule(out)?;
        }
        held.iter().try_for_each(|row| self.line(row, out))
    }

    /// Shows the rest and the end of the table.
    pub(super) fn close(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.show(out)?;
        if !self.begun {
            return self.begin(out);
        }
        self.rule(out)
    }

    /// The header between two rules.
    fn begin(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.begun = true;
        self.rule(out)?;
        self.line(&self.names, out)?;
        self.rule(out)
    }

    fn rule(&self, out: &mut impl Write) -> io::Result<()> {
        for width in &self.widths {
            write!(out, "+{:-<1$}", "", width + 2)?;
        }
        out.write_all(b"+\n")
    }

    fn line(&self, cells: &[String], out: &mut impl Write) -> io::Result<()> {
        for ((cell, width), right) in cells.iter().zip(&self.widths).zip(&self.right) {
            match right {
                true => write!(out, "| {cell:>width$} ")?,
                false => write!(out, "| {cell:<width$} ")?,
            }
        }
        out.write_all(b"|\n")
    }
}

/// A value as one line: control characters are shown as their escapes.
fn cell(text: &str) -> String {
    match text.contains(char::is_control) {
        true => text
            .chars()
            .flat_map(|c| {
                let (escaped, plain) = match c.is_control() {
                    true => (Some(c.escape_default()), None),
                    false => (None, Some(c)),
                };
                escaped.into_iter().flatten().chain(plain)
            })
            .collect(),
        false => text.to_owned(),
    }
}

/// Characters, as a terminal counts most of them.
fn width(text: &str) -> usize {
    text.chars().count()
}
