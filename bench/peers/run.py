#!/usr/bin/env python3
"""Measures Turgo beside DuckDB, batch DataFusion, Polars and Flink on the same files.

    python3 bench/peers/run.py [--rows N] [--rounds N] [--sources ndjson,parquet] [--queries q0,...]

Fetches the peers from PyPI into environments of their own, makes seeded Nexmark bids as NDJSON, CSV and
Parquet, and runs every query in every engine, one process at a time, the engines in turn, round after
round. Answers are compared before anything is printed; an engine whose answer differs fails the run.
"""

import argparse
import hashlib
import json
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from queries import QUERIES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ENGINES = ("turgo", "duckdb", "datafusion", "polars", "flink")
# Turgo where it does not look at the rest of a line of JSON: only on demand.
SKIPPING = "turgo-skip"
SOURCES = {"ndjson": "bid.ndjson", "csv": "bid.csv", "parquet": "bid.parquet", "memory": "bid.parquet"}
# Flink's package pins old versions of what the others need.
PACKAGES = {"peers": ["duckdb", "duckdb-cli", "datafusion", "polars", "pyarrow"], "flink": ["apache-flink"]}


def main():
    args = arguments()
    work = Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    engines = args.engines.split(",")
    pythons = {name: environment(work, name) for name in needed(engines)}
    binary = args.turgo or build()
    make_bids(work, binary, args.rows, pythons.get("peers"))
    results = {"machine": machine(), "rows": args.rows, "threads": args.threads, "inputs": {}, "runs": []}
    for source in args.sources.split(","):
        path = work / f"{args.rows}" / SOURCES[source]
        results["inputs"][source] = {"bytes": path.stat().st_size, "sha256": digest(path)}
        for query in args.queries.split(","):
            runs = measure(args, pythons, binary, source, query, path, engines)
            results["runs"] += runs
            print(table(source, query, args.rows, runs), flush=True)
    if "turgo" in engines and "duckdb" in engines:
        results["first row"] = first_row(work, pythons["peers"], binary, args.rounds)
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="bids [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each engine [%(default)s]")
    parser.add_argument("--threads", type=int, default=1, help="threads of each engine [%(default)s]")
    parser.add_argument("--engines", default=",".join(ENGINES), help=f"of these, and {SKIPPING} [%(default)s]")
    parser.add_argument("--sources", default="ndjson", help=f"of {','.join(SOURCES)} [%(default)s]")
    parser.add_argument("--queries", default=",".join(QUERIES), help="[%(default)s]")
    parser.add_argument("--turgo", help="the binary [built from this tree]")
    parser.add_argument("--work", default=str(HERE / "target"), help="files and environments [%(default)s]")
    parser.add_argument("--json", help="write everything measured to this file")
    return parser.parse_args()


def needed(engines):
    names = {"flink" if engine == "flink" else "peers" for engine in engines}
    return names | {"peers"}


def environment(work, name):
    """The Python of an environment with the packages of that name."""
    python = work / name / "bin" / "python"
    if not python.exists():
        print(f"fetching {', '.join(PACKAGES[name])}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", work / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES[name]], check=True)
    return python


def build():
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    return str(ROOT / "target" / "release" / "turgo")


def make_bids(work, binary, rows, python):
    """Makes the files of `rows` bids, unless they are there."""
    place = work / f"{rows}"
    place.mkdir(exist_ok=True)
    columns = (
        "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, "
        "date_time TIMESTAMP(3), extra VARCHAR"
    )
    for form, name in (("json", SOURCES["ndjson"]), ("csv", SOURCES["csv"])):
        if not (place / name).exists():
            script = (
                f"CREATE TABLE bid ({columns}) WITH ('connector' = 'nexmark', 'table' = 'bid', 'rows' = '{rows}'); "
                f"CREATE TABLE out ({columns}) WITH ('connector' = 'filesystem', 'path' = '{place / name}', "
                f"'format' = '{form}'); INSERT INTO out SELECT * FROM bid"
            )
            # One worker, so that rows are written in the order of their times.
            subprocess.run([binary, "run", "--workers", "1", "-c", script], check=True, stderr=subprocess.DEVNULL)
    if not (place / SOURCES["parquet"]).exists():
        subprocess.run([python, HERE / "to_parquet.py", place / SOURCES["ndjson"], place / SOURCES["parquet"]], check=True)


def measure(args, pythons, binary, source, query, path, engines):
    """All rounds of one query; ends the run where answers differ."""
    runs = []
    for _ in range(args.rounds):
        for engine in engines:
            if engine == "flink" and source not in ("ndjson", "csv"):
                continue
            if engine == SKIPPING and source != "ndjson":
                continue
            python = pythons["flink" if engine == "flink" else "peers"]
            worker = HERE / f"run_{engine.removesuffix('-skip')}.py"
            command = [python, worker, source, query, path, str(args.threads)]
            if engine in ("turgo", SKIPPING):
                command += [binary, "skip" if engine == SKIPPING else "check"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{engine}, {query} from {source}: {done.stderr.strip()[-2000:]}")
            run = json.loads(done.stdout.splitlines()[-1])
            runs.append({"engine": engine, "source": source, "query": query, **run})
    expected = runs[0]["row"]
    for run in runs:
        if not same(run["row"], expected):
            sys.exit(f"{query} from {source}: {run['engine']} says {run['row']}, {runs[0]['engine']} says {expected}")
    return runs


def same(a, b):
    close = lambda x, y: x == y or (isinstance(x, float) or isinstance(y, float)) and abs(x - y) <= 1e-9 * abs(y)
    return len(a) == len(b) and all(map(close, a, b))


def table(source, query, rows, runs):
    """Medians of one query; ratios are the time of an engine over that of the first."""
    lines = [
        f"{query} from {source}: {QUERIES[query]}; {rows} bids, answer {runs[0]['row']}",
        f"  {'engine':<18} {'M rows/wall s':>13} {'ratio':>6} {'M rows/CPU s':>13} {'ratio':>6} {'peak MiB':>9} {'start s':>8}",
    ]
    first = None
    for engine in dict.fromkeys(run["engine"] for run in runs):
        mine = [run for run in runs if run["engine"] == engine]
        wall, cpu, peak, start = (statistics.median(run[key] for run in mine) for key in ("wall", "cpu", "peak", "start"))
        first = first or (wall, cpu)
        lines.append(
            f"  {engine + ' ' + mine[0]['version']:<18} {rows / wall / 1e6:13.2f} {wall / first[0]:6.2f} "
            f"{rows / cpu / 1e6:13.2f} {cpu / first[1]:6.2f} {peak / 2**20:9.0f} {start:8.2f}"
        )
    return "\n".join(lines)


def first_row(work, python, binary, rounds):
    """Seconds from the start of a program to the answer of a query over three rows, medians."""
    small = work / "three.ndjson"
    small.write_text('{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n{"a":3,"b":"x"}\n')
    duckdb = python.parent / "duckdb"
    commands = {
        "turgo": [binary, "run", "--format", "csv", "-c", f"SELECT b, sum(a) AS s FROM '{small}' GROUP BY b"],
        "duckdb": [duckdb, "-csv", "-c", f"SELECT b, sum(a) AS s FROM '{small}' GROUP BY b"],
    }
    times = {name: [] for name in commands}
    for _ in range(max(rounds, 5) * 2):
        answers = set()
        for name, command in commands.items():
            script = (
                "import resource,subprocess,sys,time; t=time.perf_counter(); "
                "o=subprocess.run(sys.argv[1:],capture_output=True,check=True).stdout; w=time.perf_counter()-t; "
                "u=resource.getrusage(resource.RUSAGE_CHILDREN); "
                "print(w,u.ru_utime+u.ru_stime,u.ru_maxrss*1024,sorted(o.split())[::-1])"
            )
            done = subprocess.run([sys.executable, "-c", script, *map(str, command)], capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr}")
            wall, used, peak, answer = done.stdout.split(" ", 3)
            times[name].append((float(wall), float(used), int(peak)))
            answers.add(answer)
        if len(answers) != 1:
            sys.exit(f"answers to the small query differ: {answers}")
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in times.items()}
    print("first answer of a small query, whole process")
    for name, (wall, used, peak) in medians.items():
        ratio = wall / medians["turgo"][0]
        print(f"  {name:<8} {wall * 1e3:7.1f} ms wall ({ratio:.2f}x) {used * 1e3:7.1f} ms CPU {peak / 2**20:6.0f} MiB")
    return medians


def machine():
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown")
    return f"{platform.machine()}, {model}, {len(open('/proc/stat').read().split('cpu')) - 2} processors"


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
