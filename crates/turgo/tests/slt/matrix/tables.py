"""The rows of the matrix and the tables over them.

There are eight rows. Their times stray, so that the bound of the watermark decides which are late:
a table per bound reads the same file.
"""

from values import FRACTIONS, INTEGERS, TIMES, VALUES, timestamp_text

FAMILIES = {"numbers": INTEGERS + FRACTIONS, "others": TIMES + VALUES}
FORMATS = {"numbers": "csv", "others": "ndjson"}

NULLS = ["none", "some", "all"]

# Seconds that the watermark stays behind. With 60 no row is late; with 0 the 5th and the 7th are
# for their tumbling window, which ends exactly at the watermark, and the 7th for both its hopping
# ones; with 5 the 7th is late for the first of its hopping windows and for no other.
LATES = {"punctual": 60, "late": 0, "partial": 5}

START = 1_705_312_800_000
TIMES_OF_ROWS = [START + at for at in [1000, 9999, 3000, 10000, 9000, 20000, 13000, 21000]]
KEYS = {
    "none": list("ababbaab"),
    "some": ["a", "b", None, "b", "a", None, "b", "a"],
    "all": [None] * 8,
}
ORDER = [0, 1, 2, 3, 1, 2, 0, 1]

SIZE, SLIDE = 10_000, 5_000


def rows(family, nulls):
    """The rows of a family of columns, with no NULL among the values, some, or nothing else."""
    result = []
    for index, at in enumerate(TIMES_OF_ROWS):
        row = {"n": index + 1, "k": KEYS[nulls][index], "at": at}
        for shift, column in enumerate(FAMILIES[family]):
            is_null = nulls == "all" or nulls == "some" and (index + shift) % 3 == 1
            value = column.values[ORDER[(index + shift) % len(ORDER)]]
            row[column.name] = None if is_null else value
        result.append(row)
    return result


def table(family, nulls, late):
    return f"{family}_{nulls}_{late}"


def csv(columns, rows):
    yield ",".join(["n", "k", "at", *(column.name for column in columns)])
    for row in rows:
        values = [(column, row[column.name]) for column in columns]
        fields = [str(row["n"]), row["k"] or "", timestamp_text(row["at"], 3)]
        yield ",".join(
            fields + ["" if value is None else column.write(value) for column, value in values]
        )


def ndjson(columns, rows):
    for row in rows:
        fields = [f'"n":{row["n"]}', f'"at":"{timestamp_text(row["at"], 3)}"']
        if row["k"] is not None:
            fields.append(f'"k":"{row["k"]}"')
        for column in columns:
            value = row[column.name]
            # A missing key is NULL as well as one that says so.
            if value is not None or row["n"] % 2 == 0:
                fields.append(f'"{column.name}":{"null" if value is None else column.write(value)}')
        yield "{" + ",".join(fields) + "}"


def listed(items, first="  "):
    """Items with commas between them, on as many lines as it takes, behind `first`."""
    lines = [first + items[0]]
    for item in items[1:]:
        lines[-1] += ","
        if len(lines[-1]) + len(item) < 98:
            lines[-1] += f" {item}"
        else:
            lines.append(f"  {item}")
    return lines


def declare(name, columns, time, bound, file):
    columns = [f"{column} {sql}" for column, sql in [*columns, ("at", time)]]
    return [
        "statement ok",
        f"CREATE TABLE {name} (",
        *listed([*columns, f"WATERMARK FOR at AS at - INTERVAL '{bound}' SECOND"]),
        f") WITH ('connector' = 'filesystem', 'path' = '$DIR/{file}')",
        "",
    ]


def records():
    lines = []
    for family, columns in FAMILIES.items():
        text = {"csv": csv, "ndjson": ndjson}[FORMATS[family]]
        for nulls in NULLS:
            file = f"{family}_{nulls}.{FORMATS[family]}"
            lines += [f"file {file}", *text(columns, rows(family, nulls)), ""]
            declared = [("n", "BIGINT"), ("k", "VARCHAR")]
            declared += [(column.name, column.sql) for column in columns]
            for late, bound in LATES.items():
                name = table(family, nulls, late)
                lines += declare(name, declared, "TIMESTAMP(3)", bound, file)
    return lines
