"""One query in Turgo: SOURCE QUERY PATH THREADS BINARY REST, what is done with the rest of a line of JSON.

The binary is a process of its own, so its whole life counts, from start to end. From memory it
measures itself, as the others do: the query alone, rows loaded before.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time

from queries import windowed

source, query, path, threads, binary, rest = sys.argv[1:]
if source == "memory":
    command = [binary, "bench", "nexmark", query, "--source", path, "--in-memory", "--runs", "1", "--json", "-"]
    done = subprocess.run([*command, "--workers", threads], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    run = json.loads(done.stdout)
    run["start"] = run["load"]
    print(json.dumps({key: run[key] for key in ("version", "row", "wall", "cpu", "peak", "start")}))
    sys.exit()
form = {"ndjson": f"'json', 'json.rest' = '{rest}'", "csv": "'csv'", "parquet": "'parquet'"}[source]
# A declared watermark has the time of every row read, whatever the query asks for.
windows = query not in ("q0", "q1", "q2")
watermark = ", WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND" if windows else ""
script = (
    "CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, "
    f"date_time TIMESTAMP(3), extra VARCHAR{watermark}) "
    f"WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = {form}); " + windowed()[query]
)
with tempfile.NamedTemporaryFile(suffix=".json") as stats:
    command = [binary, "run", "-c", script, "--workers", threads, "--format", "ndjson", "--progress", "never"]
    start = time.perf_counter()
    done = subprocess.run([*command, "--stats", stats.name], capture_output=True, text=True)
    wall = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    report = json.load(open(stats.name))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
row = list(json.loads(done.stdout).values())
version = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.split()[1]
counts = report["queries"][0]
if counts["late"] or counts["rejected"]:
    sys.exit(f"rows were left out: {counts}")
print(
    json.dumps(
        {
            "version": version,
            "row": row,
            "wall": wall,
            "cpu": used.ru_utime + used.ru_stime,
            "peak": used.ru_maxrss * 1024,
            "start": 0.0,
        }
    )
)
