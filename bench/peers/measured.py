"""What a worker process measures and prints: one line of JSON about one query.

`start` is everything from the start of the process to the moment the engine could take a query;
`wall` and `cpu` (user and system time of all threads) are the query's alone, data in memory loaded
before; `peak` is the largest resident set, in bytes. Processes that an engine has started, such as a
Java virtual machine, count with it.
"""

import json
import os
import resource
import time
from pathlib import Path


def family():
    """This process and all below it."""
    found, waiting = [], [os.getpid()]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        found.append(process)
        for thread in (process / "task").iterdir():
            try:
                waiting += (thread / "children").read_text().split()
            except FileNotFoundError:
                pass  # It has ended since.
    return found


def cpu():
    """Seconds used so far; those of this process finer than the ticks of the others."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    stats = [(process / "stat").read_text().rsplit(")", 1)[1].split() for process in family()[1:]]
    return own.ru_utime + own.ru_stime + sum(int(stat[11]) + int(stat[12]) for stat in stats) / 100.0


def peak():
    lines = [line for process in family() for line in (process / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def born():
    """When this process started, on the clock of time.time()."""
    with open("/proc/self/stat") as stat, open("/proc/stat") as system:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
        boot = next(int(line.split()[1]) for line in system if line.startswith("btime"))
    return boot + ticks / 100.0


def measured(work):
    """What `work()` takes."""
    ready = time.time()
    before, start = cpu(), time.perf_counter()
    work()
    wall, used = time.perf_counter() - start, cpu() - before
    return {"wall": wall, "cpu": used, "peak": peak(), "start": ready - born()}


def measure(version, answer):
    """Runs `answer()`, which returns the row of the answer, and prints what it took."""
    row = []
    took = measured(lambda: row.extend(answer()))
    row = [value if isinstance(value, (int, float)) else int(value) for value in row]
    print(json.dumps({"version": version, "row": row, **took}))
