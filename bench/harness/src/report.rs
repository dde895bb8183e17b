//! Tables, gates and a file of all figures.

use std::fs;

use serde_json::{Value, json};

use crate::command::Gate;
use crate::measure::{Case, Figure, processors};

/// The figures of a group with one number of threads.
struct Table {
    group: &'static str,
    threads: usize,
    rows: Vec<(&'static str, Figure)>,
}

/// All that was measured, in order.
#[derive(Default)]
pub(crate) struct Report {
    tables: Vec<Table>,
}

impl Report {
    /// Prints a table and keeps it.
    pub(crate) fn add(
        &mut self,
        group: &'static str,
        threads: usize,
        cases: &[Case],
        figures: Vec<Figure>,
    ) {
        let crowded = if threads > processors() { ", more than processors" } else { "" };
        println!("\n{group}, {threads} thread(s){crowded}: ns per operation and thread");
        for (case, figure) in cases.iter().zip(&figures) {
            let Figure { ns, spread: (low, high), counted, windows } = figure;
            match ns {
                Some(ns) => println!(
                    "  {:<26} {ns:>9.2}   {low:.2} to {high:.2}, {counted} of {windows} windows",
                    case.name
                ),
                None => println!("  {:<26}         -   no window was undisturbed", case.name),
            }
        }
        let rows = cases.iter().map(|case| case.name).zip(figures).collect();
        self.tables.push(Table { group, threads, rows });
    }

    /// Prints which gates are met by what was measured.
    pub(crate) fn gates(&self, gates: &[Gate]) {
        let mut heading = Some("\ngates: our time as a share of the peer's in this run");
        for gate in gates {
            let ns = |name| self.ns(gate.group, gate.threads, name);
            let (Some(ours), Some(peer)) = (ns(gate.ours), ns(gate.peer)) else { continue };
            if let Some(heading) = heading.take() {
                println!("{heading}");
            }
            let share = ours / peer;
            println!(
                "  {:<7} {share:>5.2} of at most {:.2}: {} against {}, {}, {} thread(s)",
                if share <= gate.share_max { "met" } else { "MISSED" },
                gate.share_max,
                gate.ours,
                gate.peer,
                gate.group,
                gate.threads,
            );
        }
    }

    fn ns(&self, group: &str, threads: usize, name: &str) -> Option<f64> {
        let table = self.tables.iter().find(|t| t.group == group && t.threads == threads)?;
        table.rows.iter().find(|(row, _)| *row == name)?.1.ns
    }

    /// Writes all figures as JSON.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn write(&self, path: &str) -> Result<(), String> {
        let figures: Vec<Value> = self
            .tables
            .iter()
            .flat_map(|table| table.rows.iter().map(move |row| (table, row)))
            .map(|(table, (name, figure))| {
                json!({
                    "group": table.group, "threads": table.threads, "name": name, "ns": figure.ns,
                    "ns_low": figure.spread.0, "ns_high": figure.spread.1,
                    "windows_counted": figure.counted, "windows": figure.windows,
                })
            })
            .collect();
        let text = json!({ "processors": processors(), "figures": figures }).to_string();
        fs::write(path, text).map_err(|e| format!("cannot write {path}: {e}"))
    }
}
