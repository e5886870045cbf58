"""Bounds for integers from outside: a file system may report any number, but a database column has 64 bits.

SQLite holds signed integers of 64 bits; Python's have no end. A time after the year 2262 in nanoseconds, or a file
number of 128 bits (ReFS), fits no column.
"""

from __future__ import annotations

INT64_MAX = 2**63 - 1
"""Largest whole number of 64 bits: SQLite and most readers of JSON have no larger ones."""
INT64_MIN = -(2**63)
"""Smallest whole number of 64 bits."""


def int64(value: int) -> int:
    """Return the number itself, or the nearest one that 64 bits can hold."""
    return min(max(value, INT64_MIN), INT64_MAX)


def folded_int64(value: int) -> int:
    """Return a signed number of 64 bits for an identity of any length: different ones stay different, as a rule."""
    folded = (value ^ (value >> 64)) & (2**64 - 1)
    return folded if folded <= INT64_MAX else folded - 2**64
