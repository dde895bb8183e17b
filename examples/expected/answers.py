#!/usr/bin/env python3
"""Works out the answers of the examples from their data, one record at a time, without Turgo.

    python3 examples/expected/answers.py

Run at the root of the repository; writes the .csv files beside itself, sorted, and prints what became
of the rows. Written from the documented meaning of the queries, not from the engine's code:
a watermark is the largest event time so far less the bound, and a row is late for a window when the
watermark of the rows before it has reached the window's end.
"""

import collections
import datetime
import json

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def records(name):
    with open(f"examples/data/{name}.ndjson", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def text(millis):
    instant = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=millis)
    return instant.isoformat(timespec="milliseconds")


def millis(iso):
    return (datetime.datetime.fromisoformat(iso) - datetime.datetime(1970, 1, 1)) // datetime.timedelta(
        milliseconds=1
    )


def windows(time, size, slide):
    """Starts of the windows that hold `time`, by trying every candidate."""
    latest = time // slide * slide
    return [start for start in range(latest - size, latest + 1, slide) if start <= time < start + size]


def aggregate(rows, time, size, slide, bound, keep=lambda row: True):
    """Rows per window, and what became of the rows."""
    panes, counts, seen = collections.defaultdict(list), collections.Counter(), None
    for row in rows:
        watermark = None if seen is None else seen - bound
        instant = time(row)
        seen = instant if seen is None else max(seen, instant)
        counts["in"] += 1
        if not keep(row):
            counts["filtered"] += 1
            continue
        all_windows = windows(instant, size, slide)
        open_windows = [s for s in all_windows if watermark is None or watermark < s + size]
        counts["used" if open_windows else "late"] += 1
        counts["late_partial"] += 0 < len(open_windows) < len(all_windows)
        for start in open_windows:
            panes[start].append(row)
    return panes, counts


def write(name, header, rows, counts):
    with open(f"examples/expected/{name}.csv", "w", encoding="utf-8", newline="\n") as out:
        for row in [header] + sorted(rows):
            out.write(",".join(str(cell) for cell in row) + "\n")
    assert counts["in"] == counts["used"] + counts["late"] + counts["filtered"]
    print(name, dict(counts), f"{len(rows)} rows")


def quickstart():
    week = 7 * DAY
    panes, counts = aggregate(records("flights"), lambda r: millis(r["date"]), week, week, HOUR)
    rows = []
    for start, flights in panes.items():
        delays = [flight["delay"] for flight in flights]
        mean = round(sum(delays) / len(delays), 2)
        rows.append((text(start), len(delays), mean, max(delays)))
    write("quickstart", ("window_start", "flights", "mean_delay", "worst_delay"), rows, counts)


def earthquakes():
    keep = lambda r: r["type"] == "earthquake"
    panes, counts = aggregate(records("earthquakes"), lambda r: r["time"], DAY, 12 * HOUR, DAY, keep)
    rows = []
    for start, reports in panes.items():
        strongest = max(report["magnitude"] for report in reports)
        deepest = max(report["geometry"]["depth"] for report in reports)
        if strongest >= 5.5:
            rows.append((text(start), text(start + DAY), len(reports), strongest, deepest))
    header = ("window_start", "window_end", "reports", "strongest", "deepest")
    write("earthquakes", header, rows, counts)


quickstart()
earthquakes()
