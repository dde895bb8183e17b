//! A task graph for Graphviz: a box per stage, an arrow per exchange with the way rows take.

use std::fmt::Write as _;

use turgo_engine::graph::{Input, Output, Stage, TaskGraph};

use super::{distribution, instances, operator, scan};

/// The longest line of a label.
const WIDTH: usize = 60;

/// `graph` in the language of `dot`.
pub(super) fn dot(graph: &TaskGraph) -> String {
    let mut out = String::from(
        "digraph turgo {\n  rankdir=BT;\n  node [shape=box, fontname=\"monospace\", fontsize=10];\n  \
         edge [fontname=\"monospace\", fontsize=9];\n",
    );
    for (index, stage) in graph.stages.iter().enumerate() {
        let _ = writeln!(out, "  stage{index} [label={}];", label(&lines(index, stage)));
        match &stage.output {
            Output::Exchange { to, distribution: how } => {
                let how = label(&[distribution(stage, how)]);
                let _ = writeln!(out, "  stage{index} -> stage{to} [label={how}];");
            }
            Output::Sink { sink, changes } => {
                let changes = if *changes { ", as a changelog" } else { "" };
                let sink = label(&[format!("{}{changes}", sink.describe())]);
                let _ = writeln!(out, "  sink{index} [shape=oval, label={sink}];");
                let _ = writeln!(out, "  stage{index} -> sink{index};");
            }
        }
    }
    out.push_str("}\n");
    out
}

fn lines(index: usize, stage: &Stage) -> Vec<String> {
    let mut lines = vec![format!("stage {index}: {}", instances(stage))];
    if let Input::Source(source) = &stage.input {
        lines.push(scan(source));
    }
    lines.extend(stage.operators.iter().map(operator));
    lines
}

/// A quoted label of left-aligned lines, long ones broken between words.
fn label(lines: &[String]) -> String {
    let mut out = String::from("\"");
    for line in lines {
        let mut length = 0;
        for word in line.split(' ') {
            if length > 0 && length + word.chars().count() > WIDTH {
                out.push_str("\\l  ");
                length = 2;
            } else if length > 0 {
                out.push(' ');
                length += 1;
            }
            out.push_str(&word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
            length += word.chars().count();
        }
        out.push_str("\\l");
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_quoted_and_broken_between_words() {
        assert_eq!(label(&["a \"b\" \\".into(), "c".into()]), r#""a \"b\" \\\lc\l""#);
        let long = ["word"; 30].join(" ");
        let shown = label(&[long]);
        assert!(shown.split("\\l").all(|line| line.chars().count() <= WIDTH + 6), "{shown}");
        assert_eq!(shown.matches("word").count(), 30);
    }
}
