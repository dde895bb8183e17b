//! Traces for a browser: the JSON that `chrome://tracing` and Perfetto read.

use std::fmt::Write as _;

use super::{Event, Kind};
use crate::layout::{Layout, WorkerId};

/// Events as a JSON document: one row per worker, grouped by node, with the tasks as slices. Times are microseconds with three decimals. Names come from `name`, which is
/// asked about the [subjects](Event::subject) of what began: of a graph's run on a pool, [`Report::traced`](crate::dag::Report::traced) knows which task that was. A slice
/// whose beginning was lost, as the ring was full, is left out; what has begun and not ended is a slice without an end.
///
/// ```
/// use turgo_machine::topology::Topology;
/// use turgo_sched::layout::{Layout, WorkerId};
/// use turgo_sched::trace::{Event, Kind, chrome_json};
/// let layout = Layout::new(&Topology::simulate("1x2")?, 2);
/// let event = |at_ns, kind| Event { at_ns, worker: WorkerId(1), kind, subject: 7 };
/// let json = chrome_json(&[event(1_500, Kind::Begin), event(2_000, Kind::End)], &layout, |_| None);
/// assert!(json.contains(r##"{"ph":"X","name":"#7","pid":0,"tid":1,"ts":1.500,"dur":0.500}"##));
/// # Ok::<(), turgo_machine::topology::SpecError>(())
/// ```
#[must_use]
pub fn chrome_json(
    events: &[Event],
    layout: &Layout,
    name: impl Fn(u32) -> Option<String>,
) -> String {
    let mut json = String::from("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    let mut begun: Vec<Vec<(u32, u64)>> = vec![Vec::new(); layout.workers()];
    let place = |worker: WorkerId| {
        let node = layout.node_id(layout.node(worker)).0;
        format!("\"pid\":{node},\"tid\":{}", worker.0)
    };
    let title = |task: u32| name(task).map_or_else(|| format!("#{task}"), |name| escaped(&name));
    name_rows(&mut json, layout);
    for event in events {
        let worker = event.worker.0 as usize;
        let place = place(event.worker);
        match event.kind {
            Kind::Begin => begun[worker].push((event.subject, event.at_ns)),
            Kind::End => {
                // A ring may have lost the beginning.
                let Some((task, at_ns)) = begun[worker].pop() else { continue };
                let title = title(task);
                let (from, took) = (us(at_ns), us(event.at_ns.saturating_sub(at_ns)));
                line(
                    &mut json,
                    &format!(
                        "{{\"ph\":\"X\",\"name\":\"{title}\",{place},\"ts\":{from},\"dur\":{took}}}"
                    ),
                );
            }
            kind => {
                let title = match kind {
                    Kind::Steal => format!("steal from {}", event.subject),
                    Kind::Park => "park".to_string(),
                    Kind::Wake => "wake".to_string(),
                    other => format!("{other:?} {}", event.subject),
                };
                let at = us(event.at_ns);
                line(
                    &mut json,
                    &format!(
                        "{{\"ph\":\"i\",\"s\":\"t\",\"name\":\"{title}\",{place},\"ts\":{at}}}"
                    ),
                );
            }
        }
    }
    for (worker, begun) in begun.into_iter().enumerate() {
        for (task, at_ns) in begun {
            let (title, place) = (title(task), place(WorkerId(crate::layout::small(worker))));
            let from = us(at_ns);
            line(
                &mut json,
                &format!("{{\"ph\":\"B\",\"name\":\"{title}\",{place},\"ts\":{from}}}"),
            );
        }
    }
    json.push_str("\n]}\n");
    json
}

/// Names the rows: nodes, and workers below them.
fn name_rows(json: &mut String, layout: &Layout) {
    for node in (0..crate::layout::small(layout.nodes())).map(crate::layout::NodeIndex) {
        let node = layout.node_id(node).0;
        line(
            json,
            &format!(
                "{{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{node},\"args\":{{\"name\":\"node {node}\"}}}}"
            ),
        );
    }
    for number in 0..crate::layout::small(layout.workers()) {
        let worker = WorkerId(number);
        let (node, cpu) = (layout.node(worker), layout.seat(worker).cpu.0);
        line(
            json,
            &format!(
                "{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{},\"tid\":{number},\"args\":{{\"name\":\"worker {number}, cpu {cpu}\"}}}}",
                layout.node_id(node).0,
            ),
        );
    }
}

fn line(json: &mut String, text: &str) {
    json.push_str(if json.ends_with('[') { "\n" } else { ",\n" });
    json.push_str(text);
}

fn us(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000, ns % 1_000)
}

fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text
}
