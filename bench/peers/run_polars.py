"""One query in Polars' streaming engine: SOURCE QUERY PATH THREADS."""

import os
import sys

source, query, path, threads = sys.argv[1:]
os.environ["POLARS_MAX_THREADS"] = threads

import polars as pl  # noqa: E402  (reads the number of threads when it is loaded)

from measured import measure  # noqa: E402

schema = {"auction": pl.Int64, "bidder": pl.Int64, "price": pl.Int64, "channel": pl.String, "url": pl.String}
time = pl.col("date_time")
if source == "ndjson":
    # The reader has no timestamps of this form; a query pays for them only where it reads them.
    bid = pl.scan_ndjson(path, schema=schema | {"date_time": pl.String, "extra": pl.String})
    bid = bid.with_columns(time.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms"))
elif source == "csv":
    bid = pl.scan_csv(path, schema=schema | {"date_time": pl.String, "extra": pl.String})
    bid = bid.with_columns(time.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms"))
elif source == "parquet":
    bid = pl.scan_parquet(path)
else:
    bid = pl.read_parquet(path).lazy()

lengths = [pl.col(name).str.len_chars().sum().alias("l_" + name) for name in ("channel", "url", "extra")]
pane = time.dt.truncate("2s").alias("w")
offsets = pl.LazyFrame({"i": [0, 2, 4, 6, 8]})
late = (time - time.shift(1)).over("bidder", order_by="date_time") > pl.duration(seconds=10)
PLANS = {
    "q0": lambda: bid.select(pl.len(), pl.col("auction", "bidder", "price").sum(), *lengths, time.count()),
    "q1": lambda: bid.select(pl.len(), pl.col("auction").sum(), (pl.col("price") * 0.908).sum()),
    "q2": lambda: bid.filter(pl.col("auction") % 123 == 0).select(pl.len(), pl.col("auction", "price").sum()),
    "tumble": lambda: bid.group_by("auction", time.dt.truncate("10s").alias("w"))
    .agg(pl.len().alias("n"), pl.col("price").sum().alias("s"))
    .select(pl.len(), pl.col("n").sum(), pl.col("s").sum()),
    "hop": lambda: bid.group_by("auction", pane)
    .agg(pl.len().alias("n"), pl.col("price").sum().alias("s"))
    .join(offsets, how="cross")
    .group_by("auction", (pl.col("w") - pl.duration(seconds=pl.col("i"))).alias("w"))
    .agg(pl.col("n").sum(), pl.col("s").sum())
    .select(pl.len(), pl.col("n").sum(), pl.col("s").sum()),
    "q5": lambda: bid.group_by("auction", pane)
    .agg(pl.len().alias("n"))
    .join(offsets, how="cross")
    .group_by("auction", (pl.col("w") - pl.duration(seconds=pl.col("i"))).alias("w"))
    .agg(pl.col("n").sum())
    .group_by("w")
    .agg(pl.col("n").max().alias("m"))
    .select(pl.len(), pl.col("m").sum()),
    "q7": lambda: bid.group_by(time.dt.truncate("10s").alias("w"))
    .agg(pl.col("price").max().alias("m"))
    .select(pl.len(), pl.col("m").sum()),
    "q11": lambda: bid.select("bidder", "date_time", late.fill_null(True).alias("f"))
    .select("bidder", pl.col("f").cast(pl.Int64).cum_sum().over("bidder", order_by="date_time").alias("s"))
    .group_by("bidder", "s")
    .agg(pl.len().alias("n"))
    .select(pl.len(), pl.col("n").sum(), pl.col("n").max().alias("m")),
}
measure(pl.__version__, lambda: PLANS[query]().collect(engine="streaming").row(0))
