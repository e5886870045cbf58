"""A source table as CSV (RFC 4180): a head line, then one line per source; empty fields are not measured."""

from __future__ import annotations

import csv
import io

import numpy as np

from ..records import SourceTable
from .columns import COLUMNS, Column


def csv_text(table: SourceTable) -> str:
    """Return the table as CSV text.

    Parameters:
        table: all sources, in the order of the lines.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in COLUMNS])
    writer.writerows(zip(*(_column_texts(column, table) for column in COLUMNS), strict=True))
    return out.getvalue()


def _column_texts(column: Column, table: SourceTable) -> list[str]:
    """Return the values of a column of the source table as CSV texts; empty for NaN."""
    values = column.values(table)
    if values.dtype == np.bool_:
        return ["true" if value else "false" for value in values]
    if column.digits < 0:
        return [str(value) for value in values]
    return [f"{value:.{column.digits}f}" if np.isfinite(value) else "" for value in values]
