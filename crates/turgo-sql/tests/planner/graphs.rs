//! The task graphs of the main shapes of queries, as EXPLAIN shows them.

use super::connectors::{graph, json, planned};

fn check(script: &str, expected: &str) {
    let shown = graph(script);
    assert_eq!(shown.trim(), expected.trim(), "\n{script}\n{shown}\n");
}

#[test]
fn a_filter_and_a_projection_stay_in_the_stage_of_the_scan() {
    check(
        "SELECT upper(channel) AS c, price FROM bid WHERE price > 10",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): price, channel, date_time; event time date_time, watermark date_time - 4s
    filter price > 10
    project upper(channel) AS c, price
    -> memory
",
    );
}

#[test]
fn mergeable_aggregates_send_states_to_the_owner_of_their_key() {
    check(
        "SELECT channel, count(*), sum(price), avg(price), max(channel) FROM bid GROUP BY channel",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): price, channel, date_time; event time date_time, watermark date_time - 4s
    project channel, price
    partial aggregate [count_rows(), sum(price), avg(price), max(channel)] by channel
    -> stage 1, by hash of channel: partial states (one worker: rows), merged by the owner of their key
  stage 1: one instance per worker
    final aggregate [count_rows(), sum(price), avg(price), max(channel)] by channel
    -> memory
",
    );
}

#[test]
fn a_hop_counts_in_panes_and_never_repeats_rows() {
    check(
        "SELECT window_start, window_end, channel, count(*) AS n FROM TABLE(HOP(TABLE bid, DESCRIPTOR(date_time), INTERVAL '2' SECOND, INTERVAL '10' SECOND)) WHERE price > 5 GROUP BY window_start, window_end, channel",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): price, channel, date_time; event time date_time, watermark date_time - 4s
    filter price > 5
    project channel, date_time
    partial aggregate [count_rows()] by channel in hop 10s every 2s of date_time
    -> stage 1, by hash of channel: partial states (one worker: rows), merged by the owner of their key
  stage 1: one instance per worker
    final aggregate [count_rows()] by channel in hop 10s every 2s of date_time
    project window_start, window_end, channel, count(*) AS n
    -> memory
",
    );
}

#[test]
fn sessions_send_states_and_conditions_on_them_wait_for_the_result() {
    check(
        "SELECT channel, window_start, sum(price) FROM TABLE(SESSION(TABLE bid PARTITION BY channel, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY channel, window_start HAVING window_start > TIMESTAMP '2024-01-01' AND channel <> 'x'",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): price, channel, date_time; event time date_time, watermark date_time - 4s
    filter channel != x
    project channel, date_time, price
    partial aggregate [sum(price)] by channel in sessions 10s apart of date_time
    -> stage 1, by hash of channel: partial states (one worker: rows), merged by the owner of their key
  stage 1: one instance per worker
    final aggregate [sum(price)] by channel in sessions 10s apart of date_time
    filter window_start > 1704067200000
    project channel, window_start, sum(price)
    -> memory
",
    );
    let shown = planned(
        "SELECT count(*) FROM bid GROUP BY channel, SESSION(date_time, INTERVAL '1' MINUTE)",
    );
    assert!(shown.logical.contains("Window: sessions 1min apart on bid.date_time"), "{shown:?}");
}

#[test]
fn functions_that_depend_on_order_take_the_rows_of_sessions_to_one_place() {
    let shown = graph(
        "SELECT channel, first_value(price) FROM bid GROUP BY channel, SESSION(date_time, INTERVAL '1' MINUTE)",
    );
    assert!(shown.contains("row aggregate [first_value(price)] by channel in sessions"), "{shown}");
}

#[test]
fn changes_that_are_held_back_say_for_how_long() {
    for (every, shown) in [
        ("1 ROW", "by channel, every row"),
        ("1000 ROWS", "by channel, every 1000 rows"),
        ("INTERVAL '1' SECOND", "by channel, every 1s"),
        ("INTERVAL '1 30' MINUTE TO SECOND", "by channel, every 90s"),
        ("INTERVAL 2 HOUR", "by channel, every 2h"),
        ("INTERVAL '250 milliseconds'", "by channel, every 250ms"),
    ] {
        let graph = graph(&format!(
            "SELECT channel, count(*) FROM bid GROUP BY channel EMIT CHANGES EVERY {every}"
        ));
        assert!(graph.contains(&format!("changes aggregate [count_rows()] {shown}\n")), "{graph}");
    }
}

#[test]
fn a_condition_on_the_window_assigns_it_before_the_aggregate() {
    check(
        "SELECT window_start, count(*) FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) WHERE window_start > TIMESTAMP '2024-01-01' GROUP BY window_start",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): date_time; event time date_time, watermark date_time - 4s
    assign windows: tumble 10s of date_time, without late rows
    filter window_start > 1704067200000
    project window_start, window_end
    partial aggregate [count_rows()] in the window window_start to window_end
    -> stage 1, to its one instance: partial states (one worker: rows), merged in one place for there is no key
  stage 1: one instance
    final aggregate [count_rows()] in the window window_start to window_end
    project window_start, count(*)
    -> memory
",
    );
}

#[test]
fn an_aggregate_over_a_windowed_one_keeps_its_window() {
    check(
        "SELECT window_start, max(n) FROM (SELECT window_start, window_end, channel, count(*) AS n FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, channel) GROUP BY window_start",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): channel, date_time; event time date_time, watermark date_time - 4s
    project channel, date_time
    partial aggregate [count_rows()] by channel in tumble 10s of date_time
    -> stage 1, by hash of channel: partial states (one worker: rows), merged by the owner of their key
  stage 1: one instance per worker
    final aggregate [count_rows()] by channel in tumble 10s of date_time
    project window_start, window_end, count(*) AS n
    partial aggregate [max(n)] in the window window_start to window_end
    -> stage 2, to its one instance: partial states (one worker: rows), merged in one place for there is no key
  stage 2: one instance
    final aggregate [max(n)] in the window window_start to window_end
    project window_start, max(n)
    -> memory
",
    );
}

#[test]
fn a_window_over_a_window_uses_window_time() {
    check(
        "SELECT count(*) FROM (SELECT window_time AS t, channel FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY window_time, channel) GROUP BY TUMBLE(t, INTERVAL '1' MINUTE)",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): channel, date_time; event time date_time, watermark date_time - 4s
    project channel, date_time
    partial aggregate [] by channel in tumble 10s of date_time
    -> stage 1, by hash of channel: partial states (one worker: rows), merged by the owner of their key
  stage 1: one instance per worker
    final aggregate [] by channel in tumble 10s of date_time
    project window_time
    partial aggregate [count_rows()] in tumble 1min of window_time
    -> stage 2, to its one instance: partial states (one worker: rows), merged in one place for there is no key
  stage 2: one instance
    final aggregate [count_rows()] in tumble 1min of window_time
    project count(*)
    -> memory
",
    );
}

#[test]
fn order_sensitive_functions_get_rows() {
    check(
        "SELECT channel, array_agg(price), first_value(price) FROM bid GROUP BY channel",
        r"
  stage 0: one instance
    scan bid, memory (0 rows): price, channel, date_time; event time date_time, watermark date_time - 4s
    project channel, price
    -> stage 1, by hash of channel: rows, since a function depends on their order; to the owner of their key
  stage 1: one instance per worker
    row aggregate [array_agg(price), first_value(price)] by channel
    -> memory
",
    );
}

#[test]
fn an_endless_input_gives_a_changelog() {
    check(
        "SELECT k, count(*) AS n FROM stream GROUP BY k",
        r"
  stage 0: one instance per worker
    scan stream, endless: k, ts; event time ts, watermark ts
    project k
    -> stage 1, by hash of k: rows, since each one changes a result of the owner of its key
  stage 1: one instance per worker
    changes aggregate [count_rows()] by k
    project k, count(*) AS n
    -> memory, as a changelog
",
    );
}

#[test]
fn having_needs_old_versions_and_drops_them_behind_it() {
    check(
        "SELECT k, count(*) AS n FROM stream GROUP BY k HAVING count(*) > 1",
        r"
  stage 0: one instance per worker
    scan stream, endless: k, ts; event time ts, watermark ts
    project k
    -> stage 1, by hash of k: rows, since each one changes a result of the owner of its key
  stage 1: one instance per worker
    changes aggregate [count_rows()] by k, with old versions
    filter count(*) > 1
    project k, count(*) AS n
    drop old versions
    -> memory, as a changelog
",
    );
}

#[test]
fn a_changelog_without_its_key_keeps_old_versions() {
    check(
        "SELECT count(*) AS n FROM stream GROUP BY k",
        r"
  stage 0: one instance per worker
    scan stream, endless: k, ts; event time ts, watermark ts
    project k
    -> stage 1, by hash of k: rows, since each one changes a result of the owner of its key
  stage 1: one instance per worker
    changes aggregate [count_rows()] by k, with old versions
    project count(*) AS n
    -> memory, as a changelog
",
    );
}

#[test]
fn changes_of_a_window_are_rows_with_the_window_attached() {
    check(
        "SELECT k, window_start, count(*) AS n FROM TABLE(TUMBLE(TABLE stream, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start EMIT CHANGES",
        r"
  stage 0: one instance per worker
    scan stream, endless: k, ts; event time ts, watermark ts
    assign windows: tumble 10s of ts, without late rows
    project k, window_start, window_end
    -> stage 1, by hash of k: rows, since each one changes a result of the owner of its key
  stage 1: one instance per worker
    changes aggregate [count_rows()] by k in the window window_start to window_end
    project k, window_start, count(*) AS n
    -> memory, as a changelog
",
    );
}

#[test]
fn a_union_with_a_changelog_keeps_old_versions() {
    check(
        "SELECT k, count(*) FROM stream GROUP BY k UNION ALL SELECT channel, price FROM bid",
        r"
  stage 0: one instance per worker
    scan stream, endless: k, ts; event time ts, watermark ts
    project k
    -> stage 1, by hash of k: rows, since each one changes a result of the owner of its key
  stage 1: one instance per worker
    changes aggregate [count_rows()] by k, with old versions
    project k, count(*)
    -> stage 3, forward: the rows of a union stay where they are
  stage 2: one instance per worker
    scan bid, memory (0 rows): price, channel, date_time; event time date_time, watermark date_time - 4s
    project channel AS k, price AS count(*)
    -> stage 3, forward: the rows of a union stay where they are
  stage 3: one instance per worker
    -> memory, as a changelog
",
    );
}

#[test]
fn distinct_is_an_aggregate_without_calls() {
    check(
        "SELECT DISTINCT channel FROM bid",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): channel, date_time; event time date_time, watermark date_time - 4s
    project channel
    partial aggregate [] by channel
    -> stage 1, by hash of channel: partial states (one worker: rows), merged by the owner of their key
  stage 1: one instance per worker
    final aggregate [] by channel
    -> memory
",
    );
}

#[test]
fn calls_over_distinct_values_send_states_like_any_other() {
    check(
        "SELECT count(DISTINCT price), sum(DISTINCT price), sum(amount) FILTER (WHERE price > 1) FROM bid",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): price, amount, date_time; event time date_time, watermark date_time - 4s
    project price, price > 1 AS filter, amount
    partial aggregate [count_distinct(price), sum_distinct(price), sum(amount) where filter]
    -> stage 1, to its one instance: partial states (one worker: rows), merged in one place for there is no key
  stage 1: one instance
    final aggregate [count_distinct(price), sum_distinct(price), sum(amount) where filter]
    project count(DISTINCT price) AS count(distinct price), sum(DISTINCT price) AS sum(distinct price), sum(amount) FILTER (WHERE price > Int64(1)) AS sum(amount) filter (where price > 1)
    -> memory
",
    );
}

#[test]
fn a_window_without_an_aggregate_drops_nothing() {
    check(
        "SELECT k, window_end FROM TABLE(TUMBLE(TABLE dry, DESCRIPTOR(ts), INTERVAL '10' SECOND))",
        r"
  stage 0: one instance per worker
    scan dry, memory (0 rows): k, ts; event time ts, watermark none
    assign windows: tumble 10s of ts
    project k, window_end
    -> memory

warning: table dry declares no watermark: windows are held until the input ends
",
    );
}

#[test]
fn an_insert_fills_columns_that_are_not_named_with_null() {
    check(
        "INSERT INTO out (n) SELECT cents FROM bid WHERE bid.at.city = 'Rome'",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): at, cents, date_time; event time date_time, watermark date_time - 4s
    filter get_field(at, city) = Rome
    project NULL AS k, cents AS n
    -> memory
",
    );
}

#[test]
fn constants_are_a_table_of_their_own() {
    check(
        "SELECT 1 + 1 AS two, * FROM (VALUES (1, 'a'), (2, 'b')) AS t (x, y)",
        r"
  stage 0: one instance
    scan values, memory (2 rows): column1, column2
    project 2 AS two, column1 AS x, column2 AS y
    -> memory
",
    );
}

#[test]
fn a_changelog_says_so() {
    assert!(planned("SELECT k, count(*) FROM stream GROUP BY k").changes);
    assert!(!planned("SELECT k FROM stream").changes);
    assert!(!planned("SELECT DISTINCT k FROM stream").changes);
}

#[test]
fn window_time_and_either_bound_alone_make_an_aggregate_windowed() {
    for column in ["window_start", "window_end", "window_time"] {
        let shown = graph(&format!(
            "SELECT {column}, count(*) FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), \
             INTERVAL '10' SECOND)) GROUP BY {column}"
        ));
        assert!(shown.contains("in tumble 10s of date_time"), "{shown}");
    }
}

#[test]
fn averages_of_integers_are_over_the_integers() {
    let shown = graph("SELECT avg(price), sum(price) FROM bid");
    assert!(shown.contains("[avg(price), sum(price)]"), "{shown}");
    assert!(!shown.contains("CAST"), "{shown}");
}

#[test]
fn views_and_common_tables_keep_the_event_time() {
    let shown = graph(
        "WITH late AS (SELECT channel AS c, date_time AS t FROM bid WHERE price > 1) \
         SELECT c, count(*) FROM late GROUP BY c, TUMBLE(t, INTERVAL '1' MINUTE)",
    );
    assert!(shown.contains("in tumble 1min of date_time"), "{shown}");
}

#[test]
fn now_is_one_instant_of_the_whole_query() {
    let shown = graph("SELECT now() > TIMESTAMP '2000-01-01' AS later FROM bid");
    assert!(shown.contains("project true AS later"), "{shown}");
}

#[test]
fn json_shows_the_same_stages() {
    let script = "SELECT channel, count(*) FROM bid GROUP BY channel";
    let shown: serde_json::Value = serde_json::from_str(&json(script)).unwrap();
    assert_eq!(shown["stages"].as_array().unwrap().len(), 2);
    assert_eq!(shown["stages"][0]["output"]["distribution"], "hash");
    assert_eq!(shown["stages"][0]["output"]["keys"][0], "channel");
    assert_eq!(shown["stages"][1]["columns"][0]["type"], "VARCHAR");
    assert_eq!(shown["changes"], false);
}

#[test]
fn rows_of_over_go_to_the_owner_of_their_key_with_their_places() {
    check(
        "SELECT price, avg(price) OVER (PARTITION BY channel ORDER BY date_time ROWS 99 PRECEDING) AS mean, row_number() OVER (ORDER BY date_time) AS n FROM bid WHERE price > 5",
        r"
  stage 0: one instance per worker
    scan bid, memory (0 rows): price, channel, date_time; event time date_time, watermark date_time - 4s
    filter price > 5
    -> stage 1, by hash of channel: rows, since a function depends on their order; to the owner of their key
  stage 1: one instance per worker
    over [avg(price) of 100 rows] by channel in order of date_time
    -> stage 2, to its one instance: rows, since a function depends on their order; in one place for there is no key
  stage 2: one instance
    over [count_rows() of all rows so far] in order of date_time
    project price, avg(price) AS mean, CAST(row_number() AS UInt64) AS n
    -> memory
",
    );
}

#[test]
fn windows_that_wait_for_late_rows_send_changes_without_old_versions_where_keys_tell_rows_apart() {
    let table = "CREATE TABLE late (k VARCHAR, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND) \
                 WITH ('connector' = 'memory', 'allowed-lateness' = '1 min')";
    let query = "SELECT window_end, k, count(*) AS n FROM TUMBLE(TABLE late, DESCRIPTOR(ts), INTERVAL '10' SECOND) \
                 GROUP BY window_start, window_end, k";
    let shown = json(&format!("{table}; {query}"));
    for expected in [
        "watermark ts - 4s, allowed lateness 1min",
        "partial aggregate [count_rows()] by k in tumble 10s of ts, up to 1min late",
        "final aggregate [count_rows()] by k in tumble 10s of ts, up to 1min late",
        "drop old versions",
        "\"changes\":true",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let shown = json(&format!("{table}; SELECT n FROM ({query})"));
    assert!(!shown.contains("drop old versions"), "{shown}");
}
