"""Writes bids of an NDJSON file as Parquet: NDJSON PARQUET."""

import sys

import duckdb

source, target = sys.argv[1:]
types = (
    "{auction: 'BIGINT', bidder: 'BIGINT', price: 'BIGINT', channel: 'VARCHAR', url: 'VARCHAR', "
    "date_time: 'TIMESTAMP_MS', extra: 'VARCHAR'}"
)
duckdb.execute(
    f"COPY (SELECT * FROM read_ndjson('{source}', columns = {types})) TO '{target}' "
    "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
)
