#!/usr/bin/env python3
"""Measures Turgo beside batch DataFusion on the scenarios that a batch engine can express.

    python3 bench/peers/scenarios.py [--rows N] [--rounds N] [--json FILE]

Both hold the same rows in memory, in batches of 16 Ki rows, use one thread and only count what comes
out. Each round runs both, one process at a time. The rows of an answer and the sum of each of its
columns (of a text, its length) are compared before anything is printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from run import HERE, build, environment, machine, same

# The table of each case in Turgo's words, the options of its data, and the query in DataFusion's.
ORDERS = "order_id BIGINT, customer_id BIGINT, order_date VARCHAR, total_amount DOUBLE"
PRICES = "symbol VARCHAR, price DOUBLE, timestamp BIGINT"
QUANTITIES = "symbol VARCHAR, price DOUBLE, quantity BIGINT"
TRADES = "trader_id VARCHAR, symbol VARCHAR, price DOUBLE, quantity BIGINT, trade_time BIGINT"
MINUTES = (
    "SELECT trader_id, symbol, count(*) AS n, avg(price) AS a, sum(quantity) AS q, sum(price * quantity) AS v "
    "FROM t GROUP BY trader_id, symbol, date_bin(INTERVAL '1 minute', to_timestamp_millis(trade_time))"
)
CASES = {
    "0": (
        ORDERS,
        "'scenario' = '0'",
        "SELECT order_id, customer_id, order_date, total_amount FROM t WHERE total_amount > 100",
    ),
    "1": (
        PRICES,
        "'scenario' = '1'",
        "SELECT symbol, price, avg(price) OVER (PARTITION BY symbol ORDER BY timestamp "
        "ROWS BETWEEN 99 PRECEDING AND CURRENT ROW) AS a FROM t",
    ),
    "2 once": (
        QUANTITIES,
        "'scenario' = '2'",
        "SELECT symbol, count(*) AS n, avg(price) AS a, min(price) AS low, max(price) AS high, "
        "sum(quantity) AS q FROM t GROUP BY symbol",
    ),
    "3a": (TRADES, "'scenario' = '3a'", MINUTES),
    "3a dense": (TRADES, "'scenario' = '3a', 'step' = '1'", MINUTES),
}


def main():
    args = arguments()
    work = Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    if args.one:
        return one(args.one, work / f"scenario {args.one} {args.rows}.parquet")
    binary = args.turgo or build()
    python = environment(work, "peers")
    for case, (columns, options, _) in CASES.items():
        make(binary, work / f"scenario {case} {args.rows}.parquet", columns, options, args.rows)
    runs = {case: {"turgo": [], "datafusion": []} for case in CASES}
    bench = [binary, "bench", "scenarios", "0", "1", "2", "3a", "--rows", str(args.rows), "--workers", "1"]
    for _ in range(args.rounds):
        for record in map(json.loads, output([*bench, "--runs", "1", "--json", "-"]).splitlines()):
            if record["query"] in runs:
                runs[record["query"]]["turgo"].append(record)
        for case, engines in runs.items():
            command = [python, __file__, "--one", case, "--rows", str(args.rows), "--work", str(work)]
            engines["datafusion"].append(json.loads(output(command)))
    for case, engines in runs.items():
        answers = [(run["rows_out"], run["row"]) for both in engines.values() for run in both]
        for rows, sums in answers:
            if rows != answers[0][0] or not same(sums, answers[0][1]):
                sys.exit(f"scenario {case}: answers differ: {answers[0]} and {(rows, sums)}")
    print(table(args.rows, runs))
    if args.json:
        Path(args.json).write_text(json.dumps({"machine": machine(), "rows": args.rows, "runs": runs}, indent=1))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of each scenario [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each engine [%(default)s]")
    parser.add_argument("--turgo", help="the binary [built from this tree]")
    parser.add_argument("--work", default=str(HERE / "target"), help="files and environments [%(default)s]")
    parser.add_argument("--json", help="write everything measured to this file")
    parser.add_argument("--one", choices=CASES, help=argparse.SUPPRESS)
    return parser.parse_args()


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def make(binary, path, columns, options, rows):
    """Writes the rows of a scenario to a file, unless it is there."""
    if not path.exists():
        script = (
            f"CREATE TABLE t ({columns}) WITH ('connector' = 'scenario', {options}, 'rows' = '{rows}'); "
            f"CREATE TABLE o ({columns}) WITH ('connector' = 'filesystem', 'path' = '{path}'); "
            "INSERT INTO o SELECT * FROM t"
        )
        # One worker, so that rows stay in order.
        output([binary, "run", "--workers", "1", "-c", script])


def one(case, path):
    """Runs a case in DataFusion: first its answer, then the same again, counted and timed."""
    import datafusion
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from measured import measured

    config = datafusion.SessionConfig().with_target_partitions(1).with_batch_size(16384)
    ctx = datafusion.SessionContext(config)
    # The types Turgo has in memory, too.
    rows = pq.read_table(path)
    text = [field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field for field in rows.schema]
    ctx.register_record_batches("t", [rows.cast(pa.schema(text)).to_batches(max_chunksize=16384)])
    query = CASES[case][2]
    answer = pa.Table.from_batches(ctx.sql(query).collect())
    is_text = lambda column: pa.types.is_string(column.type) or pa.types.is_string_view(column.type)
    lengths = lambda column: pc.utf8_length(column.cast(pa.string()))
    sums = [pc.sum(lengths(column) if is_text(column) else column).as_py() for column in answer.columns]
    count = answer.num_rows
    del answer

    def run():
        counted = sum(batch.to_pyarrow().num_rows for batch in ctx.sql(query).execute_stream())
        if counted != count:
            sys.exit(f"{counted} rows, {count} before")

    print(json.dumps({"version": datafusion.__version__, "rows_out": count, "row": sums, **measured(run)}))


def table(rows, runs):
    lines = [
        f"{rows} rows, one thread, medians; a ratio is DataFusion's CPU time over Turgo's",
        f"  {'scenario':<9} {'rows out':>9} {'Turgo CPU s':>12} {'DataFusion CPU s':>17} {'ratio':>6}",
    ]
    for case, engines in runs.items():
        ours, theirs = (statistics.median(run["cpu"] for run in engines[name]) for name in ("turgo", "datafusion"))
        out = engines["turgo"][0]["rows_out"]
        lines.append(f"  {case:<9} {out:>9} {ours:12.4f} {theirs:17.4f} {theirs / ours:6.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
