//! The task graphs of the main shapes of queries, as EXPLAIN shows them.

use super::connectors::{graph, planned};

fn check(script: &str, expected: &str) {
    let shown = graph(script);
    assert_eq!(shown, expected.trim_matches('\n').trim_end(), "\n{script}\n{shown}\n");
}

#[test]
fn a_filter_and_a_projection_are_fused_into_the_scan() {
    check("SELECT upper(channel) AS c, price FROM bid WHERE price > 10", "");
}

#[test]
fn a_changelog_says_so() {
    assert!(planned("SELECT k, count(*) FROM stream GROUP BY k").changes);
    assert!(!planned("SELECT k FROM stream").changes);
    assert!(!planned("SELECT DISTINCT k FROM stream").changes);
}
