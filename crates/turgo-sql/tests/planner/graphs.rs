//! The task graphs of the main shapes of queries, as EXPLAIN shows them.

use super::connectors::{graph, planned};

#[test]
fn dump() {
    for q in [
        "SELECT upper(channel) AS c, price FROM bid WHERE price > 10",
        "SELECT channel, count(*), sum(price), avg(price), max(channel) FROM bid GROUP BY channel",
        "SELECT window_start, window_end, channel, count(*) AS n FROM TABLE(HOP(TABLE bid, DESCRIPTOR(date_time), INTERVAL '2' SECOND, INTERVAL '10' SECOND)) WHERE price > 5 GROUP BY window_start, window_end, channel",
        "SELECT window_start, count(*) FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) WHERE window_start > TIMESTAMP '2024-01-01' GROUP BY window_start",
        "SELECT window_start, max(n) FROM (SELECT window_start, window_end, channel, count(*) AS n FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, channel) GROUP BY window_start",
        "SELECT count(*) FROM (SELECT window_time AS t, channel FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY window_time, channel) GROUP BY TUMBLE(t, INTERVAL '1' MINUTE)",
        "SELECT channel, array_agg(price), first_value(price) FROM bid GROUP BY channel",
        "SELECT k, count(*) AS n FROM stream GROUP BY k",
        "SELECT k, count(*) AS n FROM stream GROUP BY k HAVING count(*) > 1",
        "SELECT count(*) AS n FROM stream GROUP BY k",
        "SELECT k, window_start, count(*) AS n FROM TABLE(TUMBLE(TABLE stream, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start EMIT CHANGES",
        "SELECT k, count(*) FROM stream GROUP BY k UNION ALL SELECT channel, price FROM bid",
        "SELECT DISTINCT channel FROM bid",
        "SELECT count(DISTINCT price), sum(DISTINCT price), sum(amount) FILTER (WHERE price > 1) FROM bid",
        "SELECT k, window_end FROM TABLE(TUMBLE(TABLE dry, DESCRIPTOR(ts), INTERVAL '10' SECOND))",
        "INSERT INTO out (n) SELECT cents FROM bid WHERE bid.at.city = 'Rome'",
        "SELECT 1 + 1 AS two, * FROM (VALUES (1, 'a'), (2, 'b')) AS t (x, y)",
    ] {
        println!("{q}\n{}\n", graph(q));
    }
}

#[test]
fn a_changelog_says_so() {
    assert!(planned("SELECT k, count(*) FROM stream GROUP BY k").changes);
    assert!(!planned("SELECT k FROM stream").changes);
    assert!(!planned("SELECT DISTINCT k FROM stream").changes);
}
