"""Kinds of files in capture folders, as rows: endings, first bytes, completeness, and what reads them; header dialects.

The one job of this room is to say what a file is. The daemon imports it, which never parses a frame: readers are named
here, and loaded in the worker.
"""

from .dialect import AngleRow, DialectRow, NumberRow, TextRow
from .row import LONGEST_MAGIC_BYTES, Declared, Format, Magic
from .table import FormatTable, built_in_formats

__all__ = [
    "LONGEST_MAGIC_BYTES",
    "AngleRow",
    "Declared",
    "DialectRow",
    "Format",
    "FormatTable",
    "Magic",
    "NumberRow",
    "TextRow",
    "built_in_formats",
]
