//! Rows of an ablation as text and as JSON.

use std::fmt::Write as _;

use super::ablation::{Row, tunings};

/// What a column holds.
type Cell = fn(&Row) -> String;

const COLUMNS: [(&str, Cell); 13] = [
    ("policy", |row| row.policy.clone()),
    ("makespan ms", |row| format!("{:.3}", row.outcome.makespan_ns as f64 / 1e6)),
    ("efficiency", |row| format!("{:.3}", row.outcome.efficiency())),
    ("of at most", |row| format!("{:.3}", row.outcome.efficiency_max())),
    ("local %", |row| row.outcome.local().map_or_else(|| "-".into(), percent)),
    ("remote steals %", |row| percent(row.outcome.remote_steals())),
    ("migration %", |row| percent(row.outcome.migration())),
    ("lag", |row| row.outcome.lag.map_or_else(|| "-".into(), |lag| format!("{lag:.2}"))),
    ("jain", |row| row.outcome.jain.map_or_else(|| "-".into(), |jain| format!("{jain:.4}"))),
    ("p50 us", |row| format!("{:.2}", row.outcome.latency_p50_ns as f64 / 1e3)),
    ("p99 us", |row| format!("{:.2}", row.outcome.latency_p99_ns as f64 / 1e3)),
    ("awake %", |row| percent(row.outcome.awake())),
    ("wakes", |row| row.outcome.wakes.to_string()),
];

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// Rows as text: a table for each machine and graph, the shortest makespan first. Of open workloads, whose makespan says nothing, the shortest wait.
#[must_use]
pub fn rows_text(rows: &[Row]) -> String {
    let mut text = String::new();
    let same = |a: &Row, b: &Row| (&a.machine, &a.graph) == (&b.machine, &b.graph);
    for group in rows.chunk_by(same) {
        let first = &group[0];
        let workers = first.outcome.workers;
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "{} ({workers} workers), {}", first.machine, first.graph);
        let mut group: Vec<&Row> = group.iter().collect();
        group.sort_by_key(|row| {
            let open = row.outcome.is_open;
            if open { row.outcome.latency_p99_ns } else { row.outcome.makespan_ns }
        });
        let cells: Vec<Vec<String>> =
            std::iter::once(COLUMNS.iter().map(|(name, _)| (*name).to_string()).collect())
                .chain(group.iter().map(|row| COLUMNS.iter().map(|(_, cell)| cell(row)).collect()))
                .collect();
        let widths: Vec<usize> = (0..COLUMNS.len())
            .map(|column| cells.iter().map(|line| line[column].len()).max().unwrap_or(0))
            .collect();
        for line in &cells {
            for (column, cell) in line.iter().enumerate() {
                let width = widths[column];
                let _ = if column == 0 {
                    write!(text, "  {cell:<width$}")
                } else {
                    write!(text, "  {cell:>width$}")
                };
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str(&tunings_text(rows));
    text
}

/// What came of tuning; nothing if nothing was tuned.
fn tunings_text(rows: &[Row]) -> String {
    let tunings = tunings(rows);
    let line = |what: &str, reached: f64, limit: f64, on: &str| {
        let met = if reached >= limit { "met" } else { "MISSED" };
        format!("{met:<7}{what:<44}{reached:>12.3} >= {limit:<10} {on}\n")
    };
    let least = tunings.iter().min_by(|a, b| a.of_best.total_cmp(&b.of_best));
    let mut text = least.map_or_else(String::new, |least| {
        line("tuned, of the best fixed setting, at least", least.of_best, 0.95, &least.on)
    });
    for (is_open, what) in [
        (false, "makespan, tuned, of the default, somewhere"),
        (true, "latency, tuned, of the default, somewhere"),
    ] {
        let those = tunings.iter().filter(|tuning| tuning.is_open == is_open);
        if let Some(most) = those.max_by(|a, b| a.of_default.total_cmp(&b.of_default)) {
            text.push_str(&line(what, most.of_default, 1.2, &most.on));
        }
    }
    text
}

/// Rows as a JSON array.
#[must_use]
pub fn rows_json(rows: &[Row]) -> String {
    let mut json = String::from("[");
    for row in rows {
        let outcome = &row.outcome;
        let optional =
            |value: Option<f64>| value.map_or_else(|| "null".into(), |v| format!("{v:.4}"));
        json.push_str(if json.len() > 1 { ",\n " } else { "\n " });
        // Names are made of letters, digits and punctuation that needs no escape.
        let _ = write!(
            json,
            "{{\"machine\":\"{}\",\"graph\":\"{}\",\"policy\":\"{}\",\"workers\":{},\"tasks\":{},\
             \"makespan_ns\":{},\"measured_ns\":{},\"work_ns\":{},\"span_ns\":{},\"efficiency\":{:.4},\"efficiency_max\":{:.4},\
             \"local\":{},\"remote_steals\":{:.4},\"migration\":{:.4},\"lag\":{},\"jain\":{},\"latency_p50_ns\":{},\
             \"latency_p99_ns\":{},\"search_ns\":{},\"waiting_ns\":{},\"wakes\":{},\"rate_per_s\":{:.0},\"hash\":\"{:016x}\"}}",
            row.machine,
            row.graph,
            row.policy,
            outcome.workers,
            outcome.tasks,
            outcome.makespan_ns,
            outcome.measured_ns.map_or_else(|| "null".into(), |ns| ns.to_string()),
            outcome.work_ns,
            outcome.span_ns,
            outcome.efficiency(),
            outcome.efficiency_max(),
            optional(outcome.local()),
            outcome.remote_steals(),
            outcome.migration(),
            optional(outcome.lag),
            optional(outcome.jain),
            outcome.latency_p50_ns,
            outcome.latency_p99_ns,
            outcome.search_ns,
            outcome.waiting_ns,
            outcome.wakes,
            outcome.rate(),
            outcome.hash,
        );
    }
    json.push_str("\n]\n");
    json
}
