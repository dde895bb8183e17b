"""One query in batch DataFusion: SOURCE QUERY PATH THREADS."""

import sys

import datafusion
import pyarrow as pa
import pyarrow.parquet as pq

from measured import measure
from queries import relational

source, query, path, threads = sys.argv[1:]
config = datafusion.SessionConfig().with_target_partitions(int(threads)).with_batch_size(16384)
ctx = datafusion.SessionContext(config)
text, long = pa.string(), pa.int64()
schema = pa.schema(
    [("auction", long), ("bidder", long), ("price", long), ("channel", text), ("url", text)]
    + [("date_time", pa.timestamp("ms")), ("extra", text)]
)
if source == "ndjson":
    ctx.register_json("bid", path, schema=schema, file_extension=".ndjson")
elif source == "csv":
    ctx.register_csv("bid", path, schema=schema, has_header=True, file_extension=".csv")
elif source == "parquet":
    ctx.register_parquet("bid", path)
else:
    batches = pq.read_table(path).to_batches(max_chunksize=16384)
    parts = int(threads)
    ctx.register_record_batches("bid", [batches[part::parts] for part in range(parts)])

offsets = ", ".join(f"INTERVAL '{seconds} seconds'" for seconds in range(0, 10, 2))
queries = relational(
    bucket=lambda seconds: f"date_bin(INTERVAL '{seconds} seconds', date_time, TIMESTAMP '1970-01-01')",
    series=(f"(SELECT unnest([{offsets}]) AS i) AS o", "w - i"),
)
measure(
    datafusion.__version__,
    lambda: [column[0].as_py() for column in ctx.sql(queries[query]).collect()[0].columns],
)
