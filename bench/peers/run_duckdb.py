"""One query in DuckDB: SOURCE QUERY PATH THREADS."""

import sys

import duckdb

from measured import measure
from queries import relational

source, query, path, threads = sys.argv[1:]
con = duckdb.connect()
con.execute(f"SET threads = {int(threads)}")
names = "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, date_time TIMESTAMP, extra VARCHAR"
types = ", ".join("{}: '{}'".format(*name.split()) for name in names.split(", "))
if source == "ndjson":
    con.execute(f"CREATE VIEW bid AS SELECT * FROM read_ndjson('{path}', columns = {{{types}}})")
elif source == "csv":
    con.execute(f"CREATE VIEW bid AS SELECT * FROM read_csv('{path}', header = true, columns = {{{types}}})")
elif source == "parquet":
    con.execute(f"CREATE VIEW bid AS SELECT * FROM read_parquet('{path}')")
else:
    con.execute(f"CREATE TABLE bid AS SELECT * FROM read_parquet('{path}')")

queries = relational(
    bucket=lambda seconds: f"time_bucket(INTERVAL '{seconds} seconds', date_time)",
    series=("(SELECT unnest(range(0, 10, 2)) AS i) AS o", "w - to_seconds(i)"),
)
measure(duckdb.__version__, lambda: con.execute(queries[query]).fetchall()[0])
