"""What a query answers, one row at a time: late rows, windows, aggregates, changelogs.

Rows are dictionaries. Times are milliseconds since 1970.
"""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from values import decimal_text, float_text

OVERFLOW = "does not fit"


class Overflow(Exception):
    """An exact result that its type cannot hold."""


def windowed(rows, bound, size, slide):
    """The rows with the starts of the windows they are not late for, and what became of them.

    The watermark before a row is the largest time before it, less the bound; a window that ends at
    the watermark is complete.
    """
    result, counts, latest = [], Counter(), None
    for row in rows:
        starts = list(range(row["at"] // slide * slide, row["at"] - size, -slide))[::-1]
        open_starts = [
            start for start in starts if latest is None or start + size > latest - bound
        ]
        latest = row["at"] if latest is None else max(latest, row["at"])
        if row.get("dropped"):
            counts["filtered"] += 1
            continue
        counts["used" if open_starts else "late"] += 1
        counts["late_partial"] += 0 < len(open_starts) < len(starts)
        result += [{**row, "window_start": start} for start in open_starts]
    return result, counts


def final(rows, keys, outputs):
    """The groups in the order of their first rows: keys, then outputs, each a function of the
    group's rows.
    """
    members = {}
    for row in rows:
        members.setdefault(tuple(key(row) for key in keys), []).append(row)
    return [[*key, *(output(group) for output in outputs)] for key, group in members.items()]


def changelog(rows, keys, outputs, keep=lambda version: True, before=False):
    """`+I` for the first version of a group, `+U` for each later one; with the version it takes the
    place of as `-U` where `before`. Only versions that `keep` lets through exist: a group that no
    longer has one is taken back by `-D`.
    """
    members, shown, log = {}, {}, []
    for row in rows:
        key = tuple(key(row) for key in keys)
        group = members.setdefault(key, [])
        group.append(row)
        old, new = shown.get(key), [*key, *(output(group) for output in outputs)]
        if not keep(new):
            new = None
        if old is None and new is not None:
            log.append(["+I", *new])
        elif old is not None and new is None:
            log.append(["-D", *old])
        elif old is not None:
            log += [["-U", *old]] * before + [["+U", *new]]
        shown[key] = new
    return log


def present(rows, column):
    return [row[column.name] for row in rows if row[column.name] is not None]


def count_rows(rows):
    return str(len(rows))


def count(column):
    return lambda rows: str(len(present(rows, column)))


def count_distinct(column):
    return lambda rows: str(len({column.key(value) for value in present(rows, column)}))


def extreme(choose):
    def of(column):
        def output(rows):
            values = present(rows, column)
            return column.show(choose(values, key=column.key)) if values else "NULL"

        return output

    return of


smallest, largest = extreme(min), extreme(max)


def sum_of(column):
    def output(rows):
        values = present(rows, column)
        if not values:
            return "NULL"
        if column.kind == "float":
            return float_text(sum(values), 64)
        total = sum(map(Fraction, values))
        if column.kind == "integer":
            low, high = (-(2**63), 2**63 - 1) if column.signed else (0, 2**64 - 1)
            if not low <= total <= high:
                raise Overflow
            return str(total)
        precision = min(column.precision + 10, 38 if column.precision <= 38 else 76)
        return fitted(total, precision, column.scale)

    return output


def avg_of(column):
    def output(rows):
        values = present(rows, column)
        if not values:
            return "NULL"
        mean = sum(map(Fraction, values)) / len(values)
        if column.kind != "decimal":
            return float_text(float(mean), 64)
        limit = 38 if column.precision <= 38 else 76
        return fitted(mean, min(column.precision + 4, limit), min(column.scale + 4, limit))

    return output


def fitted(value, precision, scale):
    """A decimal, what is finer than its scale cut off."""
    units = abs(value) * 10**scale
    digits = units.numerator // units.denominator
    if digits >= 10**precision:
        raise Overflow
    figures = tuple(map(int, str(digits)))
    return decimal_text(Decimal((int(value < 0), figures, -scale)), scale)
