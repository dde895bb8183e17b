//! Runs an example with the built binary and compares what it prints with the expected answer.
//!
//! Rows are compared as sorted sets: a streaming query promises no order. Numbers may differ by one
//! part in 10^9, because floating-point sums depend on their order; all else must be equal.

use std::path::Path;
use std::process::{Command, Stdio};

/// Largest relative difference of two numbers that count as equal.
const RELATIVE_MAX: f64 = 1e-9;

/// Runs `examples/<name>.sql` at `root` and compares it with `examples/expected/<name>.csv`.
pub(crate) fn compare(root: &Path, name: &str) -> Result<(), String> {
    let expected = root.join(format!("examples/expected/{name}.csv"));
    let expected = std::fs::read_to_string(&expected)
        .map_err(|e| format!("cannot read {}: {e}", expected.display()))?;
    let script = format!("examples/{name}.sql");
    let output = Command::new("cargo")
        .args(["run", "--release", "--quiet", "--", "run", "--format", "csv", &script])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot start cargo: {e}"))?;
    if !output.status.success() {
        return Err(format!("{script} ended with {}", output.status));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    difference(&expected, &printed).map_or(Ok(()), |what| Err(format!("{script}: {what}")))
}

/// What differs between two CSV texts with a header line; `None` where they agree.
fn difference(expected: &str, printed: &str) -> Option<String> {
    let (expected, printed) = (rows(expected), rows(printed));
    if expected.len() != printed.len() {
        let (want, got) = (expected.len(), printed.len());
        return Some(format!("expected {want} lines with the header, printed {got}"));
    }
    let pair = expected.iter().zip(&printed).find(|(want, got)| !same_row(want, got));
    pair.map(|(want, got)| format!("expected `{want}`, printed `{got}`"))
}

/// The header, then the other lines in order.
fn rows(text: &str) -> Vec<&str> {
    let mut rows: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if let Some((_, rest)) = rows.split_first_mut() {
        rest.sort_unstable();
    }
    rows
}

fn same_row(want: &str, got: &str) -> bool {
    let (want, got): (Vec<&str>, Vec<&str>) = (want.split(',').collect(), got.split(',').collect());
    want.len() == got.len() && want.iter().zip(&got).all(|(want, got)| same_cell(want, got))
}

fn same_cell(want: &str, got: &str) -> bool {
    match (want.parse::<f64>(), got.parse::<f64>()) {
        (Ok(want), Ok(got)) => (want - got).abs() <= RELATIVE_MAX * want.abs().max(got.abs()),
        _ => want == got,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_the_last_bits_do_not_matter() {
        assert_eq!(difference("k,x\na,1.0\nb,2\n", "k,x\nb,2.0000000000001\na,1\n"), None);
    }

    #[test]
    fn everything_else_does() {
        let expected = "k,x\na,1\nb,2\n";
        for printed in [
            "",
            "k,x\na,1\n",
            "k,y\na,1\nb,2\n",
            "k,x\na,1\nb,2.00001\n",
            "k,x\na,1\nb,\n",
            "k,x\na,1\nc,2\n",
            "k,x\na,1\na,1\nb,2\n",
        ] {
            assert!(difference(expected, printed).is_some(), "{printed}");
        }
    }
}
