"""Rows that describe files before anything is read from them: header dialects.

The one job of this room is to hold rows. It is imported by the daemon, which never parses a frame, so nothing here
reads pixels.
"""

from .dialect import AngleRow, DialectRow, NumberRow, TextRow

__all__ = ["AngleRow", "DialectRow", "NumberRow", "TextRow"]
