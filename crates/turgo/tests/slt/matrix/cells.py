"""The cells of the matrix: for each operator its statements and what they must answer.

`OPERATORS` has, by the name of the file, what it is about and what yields its lines.
"""

from collections import Counter

import stream
import tables
from stream import count, count_distinct, count_rows, final, largest, smallest
from tables import FAMILIES, LATES, NULLS, SIZE, SLIDE
from values import FRACTIONS, INTEGERS, TIMES, VALUES, timestamp_text

# A line in brackets is optional: over bounded input EMIT FINAL is what holds without a word. The
# test runs both ways and expects the same of them.
EMISSIONS = ["[EMIT FINAL]", "EMIT CHANGES"]
TYPES = {"integers": INTEGERS, "fractions": FRACTIONS, "times": TIMES, "values": VALUES}

TUMBLE = "TUMBLE(TABLE {}, DESCRIPTOR(at), INTERVAL '10' SECOND)"
HOP = "HOP(TABLE {}, DESCRIPTOR(at), INTERVAL '5' SECOND, INTERVAL '10' SECOND)"
SOURCES = {"TUMBLE": TUMBLE, "HOP": HOP}
# A row has one tumbling window and cannot be late for a part of them.
LATES_OF = {"TUMBLE": ["punctual", "late"], "HOP": ["punctual", "late", "partial"]}
SLIDES = {"TUMBLE": SIZE, "HOP": SLIDE}

start = lambda row: timestamp_text(row["window_start"], 3)
key = lambda row: row["k"] or "NULL"
number = lambda row: str(row["n"])


def text(column):
    """What shows a value of the column in a row."""
    return lambda row: "NULL" if row[column.name] is None else column.show(row[column.name])


def holds(column, row):
    """Whether the column's condition holds: not where it is unknown."""
    return row[column.name] is not None and bool(column.holds(row[column.name]))


def letters(columns):
    return "".join(column.letter for column in columns)


def select(items, *clauses):
    """A statement over several lines."""
    return [*tables.listed(items, "SELECT "), *clauses]


def query(types, sql, rows, counts, sort=True):
    """The lines of a query; without `sort` its rows have an order."""
    yield f"query {types}" + " rowsort" * sort
    yield from sql
    yield "----"
    lines = [" ".join(row) for row in rows]
    yield from sorted(lines) if sort else lines
    yield ""
    if counts:
        yield "counts " + " ".join(f"{name}={value}" for name, value in counts.items() if value)
        yield ""


def error(sql, message):
    """The lines of a statement that fails; its last says what it emits."""
    *query, emission = sql
    for line in [[], [emission[1:-1]]] if emission.startswith("[") else [[emission]]:
        yield f"statement error {message}"
        yield from query + line
        yield ""


def cells(families=FAMILIES, lates=LATES, emissions=EMISSIONS):
    """Table, its rows, its watermark's bound in milliseconds, its columns, and the emission."""
    for family in families:
        for nulls in NULLS:
            for late in lates:
                for emission in emissions:
                    rows = tables.rows(family, nulls)
                    name = tables.table(family, nulls, late)
                    yield name, rows, LATES[late] * 1000, FAMILIES[family], emission


def by_type(columns, emissions=EMISSIONS):
    """As `cells`, a column at a time; rows may stray, for nothing is late without a window."""
    family = next(name for name, held in FAMILIES.items() if columns[0] in held)
    for column in columns:
        for nulls in NULLS:
            for emission in emissions:
                rows = tables.rows(family, nulls)
                yield tables.table(family, nulls, "late"), rows, column, emission


def answer(emission, rows, keys, outputs, **changes):
    if emission == "EMIT CHANGES":
        return stream.changelog(rows, keys, outputs, **changes)
    return final(rows, keys, outputs)


def projection():
    for name, rows, _, columns, emission in cells(lates=["late"]):
        sql = select(["n + 1", *(column.name for column in columns)], f"FROM {name}", emission)
        shown = [[str(row["n"] + 1), *(text(column)(row) for column in columns)] for row in rows]
        yield from query("I" + letters(columns), sql, shown, {"used": len(rows)}, sort=False)


def filtered(columns):
    for name, rows, column, _ in by_type(columns, [""]):
        where = f"WHERE {column.where()}"
        for row in rows:
            row["dropped"] = not holds(column, row)
        kept = [[number(row)] for row in rows if not row["dropped"]]
        counts = {"used": len(kept), "filtered": len(rows) - len(kept)}
        yield from query("I", select(["n"], f"FROM {name}", where), kept, counts, sort=False)
        windows, counts = stream.windowed(rows, 0, SIZE, SIZE)
        for emission in EMISSIONS:
            sql = select(
                ["window_start", "count(*)"], f"FROM {TUMBLE.format(name)}", where,
                "GROUP BY window_start", emission,
            )
            shown = answer(emission, windows, [start], [count_rows])
            yield from query("PI", sql, shown, counts)


def case():
    for name, rows, _, columns, emission in cells(lates=["late"], emissions=EMISSIONS[:1]):
        picked = [f"CASE WHEN {column.where()} THEN {column.name} END" for column in columns]
        shown = [
            [text(column)(row) if holds(column, row) else "NULL" for column in columns]
            for row in rows
        ]
        sql = select(picked, f"FROM {name}", emission)
        yield from query(letters(columns), sql, shown, {"used": len(rows)}, sort=False)
    for name, rows, bound, columns, emission in cells(lates=LATES_OF["TUMBLE"]):
        items = [f"max(CASE WHEN {column.where()} THEN n ELSE -n END)" for column in columns]
        output = lambda column: lambda group: str(
            max(row["n"] if holds(column, row) else -row["n"] for row in group)
        )
        yield from over_window("TUMBLE", name, rows, bound, emission, items, "I" * len(items),
                               [output(column) for column in columns])


def over_window(window, name, rows, bound, emission, items, types, outputs):
    """A cell of an operator over windows."""
    windows, counts = stream.windowed(rows, bound, SIZE, SLIDES[window])
    source = SOURCES[window].format(name)
    sql = select(["window_start", *items], f"FROM {source}", "GROUP BY window_start", emission)
    shown = answer(emission, windows, [start], outputs)
    yield from query("P" + types, sql, shown, counts)


def table_function(window):
    """Every type as an argument."""
    for name, rows, bound, columns, emission in cells(lates=LATES_OF[window]):
        items = ["count(*)", *(f"max({column.name})" for column in columns)]
        outputs = [count_rows, *map(largest, columns)]
        types = "I" + letters(columns)
        yield from over_window(window, name, rows, bound, emission, items, types, outputs)


def grouping_function(window):
    """Every type as a part of the key."""
    for name, rows, bound, columns, emission in cells(lates=LATES_OF[window]):
        windows, counts = stream.windowed(rows, bound, SIZE, SLIDES[window])
        keys = [column.name for column in columns]
        call = SOURCES[window].replace("TABLE {}, DESCRIPTOR(at)", "at")
        sql = select(
            ["window_start", *keys, "count(*)"], f"FROM {name}",
            *tables.listed([call, *keys], "GROUP BY "), emission,
        )
        shown = answer(emission, windows, [start, *map(text, columns)], [count_rows])
        yield from query("P" + letters(columns) + "I", sql, shown, counts)


def aggregate(function, outputs_of, types_of, families=FAMILIES):
    """An aggregate of every type over hopping windows; what overflows in a statement of its own."""
    for name, rows, bound, columns, emission in cells(families):
        windows, counts = stream.windowed(rows, bound, SIZE, SLIDE)
        fits, clauses = [], [f"FROM {HOP.format(name)}", "GROUP BY window_start", emission]
        for column in columns:
            if not getattr(column, "summed", True) and function in ("sum", "avg"):
                continue
            try:
                answer(emission, windows, [start], [outputs_of(column)])
                fits.append(column)
            except stream.Overflow:
                sql = select(["window_start", f"{function}({column.name})"], *clauses)
                yield from error(sql, stream.OVERFLOW)
        items = [f"{function}({column.name})" for column in fits]
        shown = answer(emission, windows, [start], [outputs_of(column) for column in fits])
        sql = select(["window_start", *items], *clauses)
        yield from query("P" + "".join(map(types_of, fits)), sql, shown, counts)


def group_by(columns):
    for name, rows, column, emission in by_type(columns):
        sql = select(
            [column.name, "count(*)", "max(n)"], f"FROM {name}", f"GROUP BY {column.name}", emission
        )
        last = lambda group: str(max(row["n"] for row in group))
        shown = answer(emission, rows, [text(column)], [count_rows, last])
        yield from query(f"{column.letter}II", sql, shown, {"used": len(rows)})


def having(columns):
    for name, rows, column, emission in by_type(columns):
        sql = select(
            ["k", "count(*)"], f"FROM {name}", "GROUP BY k", f"HAVING {column.having()}", emission
        )
        outputs = [count_rows, lambda group: holds_smallest(column, group)]
        keep = lambda version: version[-1]
        if emission == "EMIT CHANGES":
            shown = stream.changelog(rows, [key], outputs, keep)
        else:
            shown = filter(keep, final(rows, [key], outputs))
        yield from query("TI", sql, [row[:-1] for row in shown], {"used": len(rows)})


def holds_smallest(column, group):
    values = stream.present(group, column)
    return bool(values) and bool(column.holds(min(values, key=column.key)))


def distinct(columns):
    for name, rows, column, emission in by_type(columns):
        sql = select([f"DISTINCT {column.name}"], f"FROM {name}", emission)
        shown = final(rows, [text(column)], [])
        yield from query(column.letter, sql, shown, {"used": len(rows)})


def distinct_counts():
    for name, rows, bound, columns, emission in cells(lates=LATES_OF["TUMBLE"]):
        items = [f"count(DISTINCT {column.name})" for column in columns]
        yield from over_window("TUMBLE", name, rows, bound, emission, items, "I" * len(items),
                               [count_distinct(column) for column in columns])


def union_all():
    for name, rows, _, columns, emission in cells(lates=["late"]):
        family = name.split("_")[0]
        names = ["n", *(column.name for column in columns)]
        both = rows + tables.rows(family, "some")
        sql = [
            *select(names, f"FROM {name}"),
            "UNION ALL",
            *select(names, f"FROM {tables.table(family, 'some', 'punctual')}", emission),
        ]
        shown = [[number(row), *(text(column)(row) for column in columns)] for row in both]
        yield from query("I" + letters(columns), sql, shown, {"used": len(both)})


def union_all_windows():
    for name, rows, bound, columns, emission in cells(["numbers"]):
        branches, shown, counts = [], [], Counter()
        for window, source in SOURCES.items():
            windows, became = stream.windowed(rows, bound, SIZE, SLIDES[window])
            # A row does not say which branch it comes from, so a version is taken back in full.
            changes = {"before": True} if emission == "EMIT CHANGES" else {}
            shown += answer(emission, windows, [start], [count(columns[0])], **changes)
            counts += became
            branches.append(
                select(["window_start", f"count({columns[0].name})"],
                       f"FROM {source.format(name)}", "GROUP BY window_start")
            )
        sql = [*branches[0], "UNION ALL", *branches[1], emission]
        yield from query("PI", sql, shown, counts)


def cte():
    for name, rows, bound, columns, emission in cells(lates=LATES_OF["TUMBLE"]):
        for row in rows:
            row["dropped"] = row["n"] <= 2
        windows, counts = stream.windowed(rows, bound, SIZE, SIZE)
        items = [f"min({column.name})" for column in columns]
        sql = [
            f"WITH q AS (SELECT * FROM {name} WHERE n > 2)",
            *select(["window_start", *items], f"FROM {TUMBLE.format('q')}",
                    "GROUP BY window_start", emission),
        ]
        shown = answer(emission, windows, [start], [smallest(column) for column in columns])
        yield from query("P" + letters(columns), sql, shown, counts)


def subquery():
    for name, rows, bound, columns, emission in cells(lates=LATES_OF["TUMBLE"]):
        windows, counts = stream.windowed(rows, bound, SIZE, SIZE)
        items = [f"max({column.name}) AS {column.name}" for column in columns]
        inner = select(["window_start", "count(*) AS c", *items], f"FROM {TUMBLE.format(name)}",
                       "GROUP BY window_start")
        sql = [
            *select(["window_start", "c", *(column.name for column in columns)]),
            "FROM (", *("  " + line for line in inner), ")", "WHERE c > 1",
            emission,
        ]
        outputs = [count_rows, *map(largest, columns)]
        keep = lambda version: int(version[1]) > 1
        if emission == "EMIT CHANGES":
            shown = stream.changelog(windows, [start], outputs, keep)
        else:
            shown = filter(keep, final(windows, [start], outputs))
        yield from query("PI" + letters(columns), sql, shown, counts)


def event_time(window):
    seconds = [1, 9, 3, 10, 9, 20, 13, 21]
    rows = [{"n": n, "at": tables.START + at * 1000} for n, at in enumerate(seconds, 1)]
    lines = [f"{row['n']},{timestamp_text(row['at'], 3)}" for row in rows]
    yield from ["file clock.csv", "n,at", *lines, ""]
    for time in [column for column in TIMES if column.letter == "P"]:
        unit = 10**time.digits
        shown = lambda millis, before=0: time.show(millis * unit // 1000 - before)
        # The last instant of a window, in the unit of the column.
        columns = [
            lambda row: shown(row["window_start"]),
            lambda row: shown(row["window_start"] + SIZE),
            lambda row: shown(row["window_start"] + SIZE, 1),
        ]
        for late in LATES_OF[window]:
            name = f"clock_{time.name}_{late}"
            yield from tables.declare(name, [("n", "BIGINT")], time.sql, LATES[late], "clock.csv")
            windows, counts = stream.windowed(rows, LATES[late] * 1000, SIZE, SLIDES[window])
            for emission in EMISSIONS:
                sql = select(
                    ["window_start", "window_end", "window_time", "count(*)"],
                    f"FROM {SOURCES[window].format(name)}",
                    "GROUP BY window_start, window_end, window_time", emission,
                )
                answers = answer(emission, windows, columns, [count_rows])
                yield from query("PPPI", sql, answers, counts)


same = lambda column: column.letter
whole = lambda column: "I"
total = lambda column: "I" if column.kind == "integer" else "R"
NO_WINDOW = "Without a window nothing is late, however far rows stray."

OPERATORS = {
    "projection": (f"Every type. A projection changes nothing, so EMIT CHANGES is no changelog. "
                   f"{NO_WINDOW}", projection),
    "case": ("CASE by a condition on every type, in a projection and below an aggregate.", case),
    "tumble": ("TUMBLE as a table function, over arguments of every type.",
               lambda: table_function("TUMBLE")),
    "hop": ("HOP as a table function, over arguments of every type.",
            lambda: table_function("HOP")),
    "tumble_grouping": ("TUMBLE as a grouping function, beside keys of every type.",
                        lambda: grouping_function("TUMBLE")),
    "hop_grouping": ("HOP as a grouping function, beside keys of every type.",
                     lambda: grouping_function("HOP")),
    "event_time_tumble": ("TUMBLE by an event time of every type.",
                          lambda: event_time("TUMBLE")),
    "event_time_hop": ("HOP by an event time of every type.", lambda: event_time("HOP")),
    "count": ("COUNT of every type.", lambda: aggregate("count", count, whole)),
    "min": ("MIN of every type.", lambda: aggregate("min", smallest, same)),
    "max": ("MAX of every type.", lambda: aggregate("max", largest, same)),
    "sum": ("SUM of every type that has one. Of f_wide and x_wide it depends on the order of the "
            "rows.", lambda: aggregate("sum", stream.sum_of, total, ["numbers"])),
    "avg": ("AVG of every type that has one. Of f_wide and x_wide it depends on the order of the "
            "rows.", lambda: aggregate("avg", stream.avg_of, lambda _: "R", ["numbers"])),
    "count_distinct": ("COUNT(DISTINCT) of every type.", distinct_counts),
    "union_all": (f"Rows of every type. {NO_WINDOW}", union_all),
    "union_all_windows": ("Results of two kinds of window. A changelog takes every old version "
                          "back, because its rows do not say whose they are.", union_all_windows),
    "cte": ("WITH, below a window.", cte),
    "subquery": ("A subquery in FROM, with a condition on its result.", subquery),
}
for kind, held in TYPES.items():
    OPERATORS |= {
        f"filter_{kind}": ("WHERE on a value of every type, alone and below a window. EMIT means "
                           "nothing to a filter alone.", lambda held=held: filtered(held)),
        f"group_by_{kind}": (f"GROUP BY a key of every type. {NO_WINDOW}",
                             lambda held=held: group_by(held)),
        f"having_{kind}": (f"HAVING on an aggregate of every type. {NO_WINDOW}",
                           lambda held=held: having(held)),
        f"distinct_{kind}": (f"DISTINCT of every type. Its rows never change, so EMIT CHANGES is "
                             f"no changelog. {NO_WINDOW}", lambda held=held: distinct(held)),
    }
