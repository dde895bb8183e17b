"""The queries, once for each dialect.

Every query is reduced to one row of counts and sums over its whole answer, so that all engines do
the work of the answer, none has to print it, and answers can be compared. A sum over strings is a
sum of their lengths. Sums of floats are compared to nine digits, everything else exactly.

Sliding windows are written for the batch engines as a careful author would: counted by panes of the
slide first, then each pane added to the windows that hold it.
"""

# name: (what it is, number of columns of the answer)
QUERIES = {
    "q0": "every column of every bid",
    "q1": "prices in another currency",
    "q2": "bids for one auction in 123",
    "tumble": "bids and their sum by auction and 10 seconds",
    "hop": "bids and their sum by auction, in 10 seconds every 2",
    "q5": "largest number of bids for one auction, in 10 seconds every 2",
    "q7": "highest bid of each 10 seconds",
    "q11": "bids of a bidder in sessions ended by 10 seconds of silence",
}

TUMBLE = "TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND))"
HOP = "TABLE(HOP(TABLE bid, DESCRIPTOR(date_time), INTERVAL '2' SECOND, INTERVAL '10' SECOND))"
SESSION = (
    "TABLE(SESSION(TABLE bid PARTITION BY bidder, DESCRIPTOR(date_time), INTERVAL '10' SECOND))"
)


def windowed(length="char_length", double="DOUBLE"):
    """The queries in the words of Flink, which are also ours."""
    return {
        "q0": f"SELECT count(*) AS n, sum(auction) AS a, sum(bidder) AS b, sum(price) AS p, "
        f"sum({length}(channel)) AS c, sum({length}(url)) AS u, sum({length}(extra)) AS e, "
        f"count(date_time) AS t FROM bid",
        "q1": f"SELECT count(*) AS n, sum(auction) AS a, sum(0.908 * CAST(price AS {double})) AS p FROM bid",
        "q2": "SELECT count(*) AS n, sum(auction) AS a, sum(price) AS p FROM bid WHERE auction % 123 = 0",
        "tumble": f"SELECT count(*) AS w, sum(n) AS n, sum(s) AS s FROM (SELECT auction, count(*) AS n, "
        f"sum(price) AS s FROM {TUMBLE} GROUP BY auction, window_start, window_end) AS t",
        "hop": f"SELECT count(*) AS w, sum(n) AS n, sum(s) AS s FROM (SELECT auction, count(*) AS n, "
        f"sum(price) AS s FROM {HOP} GROUP BY auction, window_start, window_end) AS t",
        "q5": f"SELECT count(*) AS w, sum(m) AS m FROM (SELECT window_start, window_end, max(n) AS m FROM "
        f"(SELECT auction, window_start, window_end, count(*) AS n FROM {HOP} "
        f"GROUP BY auction, window_start, window_end) AS t GROUP BY window_start, window_end) AS u",
        "q7": f"SELECT count(*) AS w, sum(m) AS m FROM (SELECT window_start, window_end, max(price) AS m "
        f"FROM {TUMBLE} GROUP BY window_start, window_end) AS t",
        "q11": f"SELECT count(*) AS w, sum(n) AS n, max(n) AS m FROM (SELECT bidder, window_start, window_end, "
        f"count(*) AS n FROM {SESSION} GROUP BY bidder, window_start, window_end) AS t",
    }


def relational(bucket, series, length="length", micros="date_time - lag(date_time)", gap="INTERVAL '10' SECOND"):
    """The queries without windows, as batch engines take them.

    `bucket(seconds)` rounds `date_time` down; `series` is a relation of the five offsets of the
    panes in a window, in seconds, in column `i`, with `shift` a column expression adding it to `w`.
    """
    offsets, shift = series
    return {
        "q0": f"SELECT count(*) AS n, sum(auction) AS a, sum(bidder) AS b, sum(price) AS p, "
        f"sum({length}(channel)) AS c, sum({length}(url)) AS u, sum({length}(extra)) AS e, "
        f"count(date_time) AS t FROM bid",
        "q1": "SELECT count(*) AS n, sum(auction) AS a, sum(0.908 * CAST(price AS DOUBLE)) AS p FROM bid",
        "q2": "SELECT count(*) AS n, sum(auction) AS a, sum(price) AS p FROM bid WHERE auction % 123 = 0",
        "tumble": f"SELECT count(*) AS w, sum(n) AS n, sum(s) AS s FROM (SELECT auction, {bucket(10)} AS w, "
        f"count(*) AS n, sum(price) AS s FROM bid GROUP BY 1, 2) AS t",
        "hop": f"SELECT count(*) AS w, sum(n) AS n, sum(s) AS s FROM (SELECT auction, {shift} AS w, sum(n) AS n, "
        f"sum(s) AS s FROM (SELECT auction, {bucket(2)} AS w, count(*) AS n, sum(price) AS s FROM bid "
        f"GROUP BY 1, 2) AS p CROSS JOIN {offsets} GROUP BY 1, 2) AS t",
        "q5": f"SELECT count(*) AS w, sum(m) AS m FROM (SELECT w, max(n) AS m FROM (SELECT auction, {shift} AS w, "
        f"sum(n) AS n FROM (SELECT auction, {bucket(2)} AS w, count(*) AS n FROM bid GROUP BY 1, 2) AS p "
        f"CROSS JOIN {offsets} GROUP BY 1, 2) AS t GROUP BY w) AS u",
        "q7": f"SELECT count(*) AS w, sum(m) AS m FROM (SELECT {bucket(10)} AS w, max(price) AS m FROM bid "
        f"GROUP BY 1) AS t",
        "q11": f"SELECT count(*) AS w, sum(n) AS n, max(n) AS m FROM (SELECT bidder, s, count(*) AS n FROM "
        f"(SELECT bidder, sum(f) OVER (PARTITION BY bidder ORDER BY date_time, f DESC ROWS UNBOUNDED PRECEDING) AS s FROM "
        f"(SELECT bidder, date_time, CASE WHEN {micros} OVER (PARTITION BY bidder ORDER BY date_time) <= {gap} "
        f"THEN 0 ELSE 1 END AS f FROM bid) AS a) AS b GROUP BY 1, 2) AS t",
    }
