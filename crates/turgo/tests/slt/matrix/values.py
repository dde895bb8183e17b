"""The column types of the matrix: their values, and how each is declared, written and shown.

A value is a Python object that compares as SQL compares its type; NULL is None.
"""

import base64
import datetime
import json
import math
import struct
from decimal import Decimal

DAY = 86_400
EPOCH = datetime.date(1970, 1, 1).toordinal()


class Column:
    """A column: four values, the extremes of its type among them, and a condition on it."""

    def __init__(self, name, sql, letter, values, condition, holds):
        self.name, self.sql, self.letter, self.values = name, sql, letter, values
        self.condition, self.holds = condition, holds

    def where(self):
        """The condition on a row."""
        return self.condition.format(self.name)

    def having(self):
        """The condition on the smallest value of a group, which a later row can end."""
        return self.condition.format(f"min({self.name})")

    def show(self, value):
        """As the test shows a value."""
        return str(value)

    def write(self, value):
        """As JSON. The same without quotes stands in CSV."""
        return self.show(value)

    def key(self, value):
        """What makes values distinct, and their order."""
        return value


class Integer(Column):
    kind = "integer"

    def __init__(self, name, sql, bits, low, high):
        # Of eight bytes, one that no float holds, so that an average shows where it is rounded.
        middle = 12_345_678_901_234_567 if bits == 64 else 5
        values = [low, middle, high, 0] if low else [0, middle, high, 7]
        super().__init__(name, sql, "I", values, "{} > 3", lambda v: v > 3)
        self.signed = low < 0


class Float(Column):
    """Sums are asked only of columns whose values add up exactly in any order."""

    kind = "float"

    def __init__(self, name, sql, bits, values, summed):
        super().__init__(
            name, sql, "R", values, "{} > 0.25", lambda v: self.key(v) > self.key(0.25)
        )
        self.bits, self.summed = bits, summed

    def key(self, value):
        """NaN is one value, and the largest."""
        return (1, 0.0) if math.isnan(value) else (0, value)

    def show(self, value):
        return float_text(value, self.bits)

    def write(self, value):
        special = {math.inf: "Infinity", -math.inf: "-Infinity"}
        return "NaN" if math.isnan(value) else special.get(value) or repr(value)


class Fixed(Column):
    kind = "decimal"

    def __init__(self, name, precision, scale):
        top = Decimal(10**precision - 1)
        unit = Decimal(1).scaleb(-scale)
        values = [scaled(top, scale).copy_negate(), unit * 3, scaled(top, scale), -unit]
        super().__init__(
            name, f"DECIMAL({precision}, {scale})", "R", values, "{} > 0", lambda v: v > 0
        )
        self.precision, self.scale = precision, scale

    def show(self, value):
        return decimal_text(value, self.scale)


class Text(Column):
    def write(self, value):
        return json.dumps(value, ensure_ascii=False)

    def show(self, value):
        return value or "(empty)"


class Bytes(Column):
    def write(self, value):
        return json.dumps(base64.b64encode(value).decode())

    def show(self, value):
        return value.hex() or "(empty)"


class Boolean(Column):
    def show(self, value):
        return "true" if value else "false"


class Date(Column):
    """Days since 1970."""

    def show(self, value):
        return date_text(value)

    def write(self, value):
        return f'"{self.show(value)}"'


class Time(Column):
    """Units since midnight, of which a second has 10^digits."""

    def __init__(self, name, digits):
        unit = 10**digits
        values = [0, 43_200 * unit, DAY * unit - 1, 43_199 * unit + 1]
        condition = "{} >= '12:00:00'"
        super().__init__(
            name, f"TIME({digits})", "?", values, condition, lambda v: v >= 43_200 * unit
        )
        self.digits = digits

    def show(self, value):
        return time_text(value, self.digits)

    def write(self, value):
        return f'"{self.show(value)}"'


class Timestamp(Time):
    """Units since 1970, of which a second has 10^digits."""

    def __init__(self, name, digits, zoned=False):
        unit = 10**digits
        first = (datetime.date(1, 1, 1).toordinal() - EPOCH) * DAY * unit
        last = (datetime.date(9999, 12, 31).toordinal() - EPOCH + 1) * DAY * unit - 1
        if digits == 9:
            first, last = -(2**63), 2**63 - 1
        values = [first, 0, last, -1]
        condition = f"{{}} >= '1970-01-01T00:00:00{'Z' * zoned}'"
        sql = f"TIMESTAMP_LTZ({digits})" if zoned else f"TIMESTAMP({digits})"
        Column.__init__(self, name, sql, "P", values, condition, lambda v: v >= 0)
        self.digits, self.zoned = digits, zoned

    def show(self, value):
        return timestamp_text(value, self.digits) + "Z" * self.zoned


class Array(Column):
    def show(self, value):
        return "[" + ", ".join("" if item is None else str(item) for item in value) + "]"

    def write(self, value):
        return json.dumps(value, separators=(",", ":"))

    def key(self, value):
        """A NULL comes after any number; no two values here depend on it."""
        return tuple((item is None, item or 0) for item in value)


class Row(Column):
    def having(self):
        return "min(r.a) > 0"

    def show(self, value):
        a, b = ("" if field is None else str(field) for field in value)
        return f"{{a: {a}, b: {b}}}"

    def write(self, value):
        return json.dumps({"a": value[0], "b": value[1]}, separators=(",", ":"))

    def key(self, value):
        return tuple((field is None, field) for field in value)


def scaled(digits, scale):
    """Of an integer of any length, `scale` digits after the point; exact."""
    sign, figures, _ = digits.as_tuple()
    return Decimal((sign, figures, -scale))


def decimal_text(value, scale):
    sign, figures, exponent = value.as_tuple()
    units = int("".join(map(str, figures))) * 10 ** (exponent + scale)
    whole, part = divmod(units, 10**scale)
    minus = "-" if sign and units else ""
    return f"{minus}{whole}.{part:0{scale}}" if scale else f"{minus}{whole}"


def float_text(value, bits):
    """The shortest digits that read back as the value."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    narrow = lambda number: struct.unpack("f", struct.pack("f", number))[0]
    for digits in range(17):
        text = f"{value:.{digits}e}"
        try:
            back = float(text) if bits == 64 else narrow(float(text))
        except OverflowError:
            continue
        if back == value:
            break
    mantissa, exponent = text.split("e")
    if -5 <= int(exponent) < (16 if bits == 64 else 13):
        plain = f"{Decimal(text):f}"
        return plain if "." in plain else plain + ".0"
    return f"{mantissa}e{int(exponent)}"


def date_text(days):
    return datetime.date.fromordinal(days + EPOCH).isoformat()


def time_text(value, digits):
    """With as many groups of three digits behind the point as it takes."""
    seconds, nanos = divmod(value * 10 ** (9 - digits), 10**9)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    fraction = f"{nanos:09}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{text}.{fraction}" if fraction else text


def timestamp_text(value, digits):
    days, rest = divmod(value, DAY * 10**digits)
    return f"{date_text(days)}T{time_text(rest, digits)}"


INTEGERS = [
    Integer(f"{prefix}{name}", sql + suffix, bits, 0 if prefix else -(2 ** (bits - 1)),
            2**bits - 1 if prefix else 2 ** (bits - 1) - 1)
    for prefix, suffix in [("", ""), ("u", " UNSIGNED")]
    for name, sql, bits in [
        ("tiny", "TINYINT", 8), ("small", "SMALLINT", 16), ("int32", "INT", 32),
        ("big", "BIGINT", 64),
    ]
]
FLOAT_MAX = float.fromhex("0x1.fffffep+127")
FRACTIONS = [
    Float("f", "FLOAT", 32, [-16777215.0, 0.5, 16777216.0, -0.25], True),
    Float("x", "DOUBLE", 64, [-(2.0**40), 0.5, 2.0**41, -0.25], True),
    Float("f_wide", "FLOAT", 32, [-FLOAT_MAX, 2.0**-149, FLOAT_MAX, math.inf], False),
    Float("x_wide", "DOUBLE", 64, [-1.7976931348623157e308, 5e-324, math.nan, -math.inf], False),
    Fixed("dec9", 9, 2),
    Fixed("dec38", 38, 0),
    Fixed("dec50", 50, 3),
]
DATES = [
    datetime.date(*day).toordinal() - EPOCH
    for day in [(1, 1, 1), (1970, 1, 1), (9999, 12, 31), (1969, 12, 31)]
]
TIMES = [
    Date("day", "DATE", "D", DATES, "{} >= DATE '1970-01-01'", lambda v: v >= 0),
    Time("time3", 3),
    Time("time9", 9),
    Timestamp("ts0", 0),
    Timestamp("ts3", 3),
    Timestamp("ts6", 6),
    Timestamp("ts9", 9),
    Timestamp("ltz", 3, zoned=True),
]
VALUES = [
    Text("s", "VARCHAR", "T", ["", "Größe", "\U0010ffff", "a b"], "{} > 'a'", lambda v: v > "a"),
    Bytes("y", "VARBINARY", "?", [b"", b"\0\1", b"\xff" * 9, b"\0"], "{} = X'0001'",
          lambda v: v == b"\0\1"),
    Boolean("b", "BOOLEAN", "B", [False, True, True, False], "{}", lambda v: v),
    Array("l", "ARRAY<INT>", "?", [[], [-(2**31), 7], [1, None], [1]], "cardinality({}) > 1",
          lambda v: len(v) > 1),
    Row("r", "ROW<a INT, b VARCHAR>", "?",
        [(-(2**31), "x"), (1, ""), (2**31 - 1, None), (1, "y")], "{}.a > 0", lambda v: v[0] > 0),
]
