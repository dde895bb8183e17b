//! The queries, in the words of Flink, each reduced to one row of counts and sums. A sum over texts
//! is the sum of their lengths.
//!
//! `bench/peers/queries.py` has the same for other engines.

use crate::bench::args::Query;

const COLUMNS: &str = "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, \
                       date_time TIMESTAMP(3), extra VARCHAR, \
                       WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND";

const TUMBLE: &str = "TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND))";
const HOP: &str =
    "TABLE(HOP(TABLE bid, DESCRIPTOR(date_time), INTERVAL '2' SECOND, INTERVAL '10' SECOND))";
const SESSION: &str = "TABLE(SESSION(TABLE bid PARTITION BY bidder, DESCRIPTOR(date_time), \
                       INTERVAL '10' SECOND))";

/// What tables and records call a query.
pub(super) fn name(query: Query) -> &'static str {
    match query {
        Query::Q0 => "q0",
        Query::Q1 => "q1",
        Query::Q2 => "q2",
        Query::Q5 => "q5",
        Query::Q7 => "q7",
        Query::Q11 => "q11",
        Query::Tumble => "tumble",
        Query::Hop => "hop",
    }
}

/// The table of bids, declared with `options`, and the query.
pub(super) fn script(query: Query, options: &str) -> String {
    format!("CREATE OR REPLACE TABLE bid ({COLUMNS}) WITH ({options}); {}", text(query))
}

fn text(query: Query) -> String {
    let by_auction = |window: &str| {
        format!(
            "SELECT count(*) AS w, sum(n) AS n, sum(s) AS s FROM (SELECT auction, count(*) AS n, \
             sum(price) AS s FROM {window} GROUP BY auction, window_start, window_end) AS t"
        )
    };
    match query {
        Query::Q0 => "SELECT count(*) AS n, sum(auction) AS a, sum(bidder) AS b, sum(price) AS p, \
             sum(char_length(channel)) AS c, sum(char_length(url)) AS u, \
             sum(char_length(extra)) AS e, count(date_time) AS t FROM bid"
            .into(),
        Query::Q1 => "SELECT count(*) AS n, sum(auction) AS a, \
             sum(0.908 * CAST(price AS DOUBLE)) AS p FROM bid"
            .into(),
        Query::Q2 => "SELECT count(*) AS n, sum(auction) AS a, sum(price) AS p FROM bid \
             WHERE auction % 123 = 0"
            .into(),
        Query::Tumble => by_auction(TUMBLE),
        Query::Hop => by_auction(HOP),
        Query::Q5 => format!(
            "SELECT count(*) AS w, sum(m) AS m FROM (SELECT window_start, window_end, max(n) AS m \
             FROM (SELECT auction, window_start, window_end, count(*) AS n FROM {HOP} \
             GROUP BY auction, window_start, window_end) AS t \
             GROUP BY window_start, window_end) AS u"
        ),
        Query::Q7 => format!(
            "SELECT count(*) AS w, sum(m) AS m FROM (SELECT window_start, window_end, \
             max(price) AS m FROM {TUMBLE} GROUP BY window_start, window_end) AS t"
        ),
        Query::Q11 => format!(
            "SELECT count(*) AS w, sum(n) AS n, max(n) AS m FROM (SELECT bidder, window_start, \
             window_end, count(*) AS n FROM {SESSION} \
             GROUP BY bidder, window_start, window_end) AS t"
        ),
    }
}
