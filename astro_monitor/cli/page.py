"""Output to the screen: lines fitted to its width, escaped text, times in one time zone.

Everything that a command prints for people goes through here. A line is made of pieces; a piece is never cut, and goes
to the next line whole when it does not fit, except where it is marked as text that may be broken.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..plain import shown

LEAST_WIDTH = 40
"""Least supported width of a screen, in columns: on a narrower one lines are still this long."""

GAP = "  "
"""Between two pieces."""


_NEAREST = {"→": "->", "…": "...", "″": '"', "–": "-", "×": "x", "≤": "<=", "≥": ">=", "²": "2", "°": " deg"}
"""What a terminal that cannot show a letter gets in its place."""


def _plain_letters(error: UnicodeError) -> tuple[str, int]:
    """Replace a letter that the encoding of a stream does not have, as ``codecs.register_error`` wants it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    return _NEAREST.get(letter) or letter.encode("unicode_escape").decode("ascii"), error.start + 1


def never_fail_on_letters() -> None:
    """Replace letters that the terminal's encoding, such as cp1252, lacks, so that they raise no error."""
    codecs.register_error("astro_monitor.plain", _plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="astro_monitor.plain")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line.

    Attributes:
        text: any text; what cannot be printed is shown escaped.
        style: of rich.
        flows: it may be broken: at blanks, a path after a slash, and a word that is longer than the line anywhere.
    """

    text: str
    style: str = ""
    flows: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        cells: texts of the columns.
        tail: what follows them.
        style: of the row.
    """

    cells: Sequence[str]
    tail: Sequence[Piece]
    style: str = ""


class Screen(Console):
    """Rich's console without anything that a file name could trigger: no markup, no emoji, no control characters."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make plain text of a string, what cannot be printed escaped."""
        return super().render_str(shown(text, keep="\n"), **options)


@dataclass(frozen=True, slots=True)
class Page:
    """Where lines go.

    Attributes:
        out: rich's console, for colours.
        width: columns; 0: lines are never broken, as programs such as ``grep`` want them.
    """

    out: Console
    width: int

    @classmethod
    def on(cls, out: Console) -> Page:
        """Make the page of a console: as wide as the terminal; without one as ``COLUMNS`` says, else without limit."""
        if out.is_terminal or os.environ.get("COLUMNS", "").isdigit():
            return cls(out, max(out.width, LEAST_WIDTH))
        return cls(out, 0)

    def line(self, *pieces: Piece | str, indent: int = 0, style: str = "") -> None:
        """Print one line, broken where it must be.

        Parameters:
            pieces: texts are pieces that may be broken.
            indent: columns before each further line.
            style: of the whole line.
        """
        parts = [Piece(piece, flows=True) if isinstance(piece, str) else piece for piece in pieces]
        self.out.print(laid_out(parts, self.width, indent, style), soft_wrap=True)

    def table(self, headings: Sequence[str], rows: Sequence[Row], *, right: Sequence[str] = ()) -> None:
        """Print rows of short texts in columns, each followed by what may be long.

        Parameters:
            headings: of the columns, and of what follows them.
            rows: in their order.
            right: headings of columns whose texts stand at the right.
        """
        cells = [headings[:-1], *([shown(text) for text in row.cells] for row in rows)]
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        left = sum(widths) + len(GAP) * len(widths)
        for texts, row in zip(cells, [Row((), (Piece(headings[-1], flows=True),), "bold"), *rows], strict=True):
            padded = [
                Piece(_padded(text, width, at_right=name in right))
                for text, width, name in zip(texts, widths, headings[:-1], strict=True)
            ]
            self.line(*padded, *row.tail, indent=left if 2 * left <= self.width else 4, style=row.style)


def print_value(value: Any) -> None:
    """Write one JSON value on standard output, on one line, in ASCII."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
    sys.stdout.flush()


def laid_out(pieces: Sequence[Piece], width: int, indent: int = 0, style: str = "") -> Text:
    """Put pieces into lines.

    Parameters:
        pieces: in their order; those without text are left out.
        width: columns; 0: one line.
        indent: columns before each line but the first.
        style: of all of it; a piece's own goes over it.
    """
    text, column, fresh = Text(style=style), 0, True
    indent = min(indent, width // 2)
    for piece in pieces:
        words = shown(piece.text)
        if not words:
            continue
        gap = "" if fresh else GAP
        room = width - column - len(gap)
        lines = [words]
        if width and cell_len(words) > room:
            # What does not fit begins a line of its own, so that the eye finds it; unless this is where lines begin.
            stays = fresh or (piece.flows and column + len(gap) <= indent)
            lines = _broken(words, room if stays else width - indent, width - indent) if piece.flows else [words]
            lines = lines if stays else ["", *lines]
        if lines[0]:
            text.append(gap).append(lines[0], piece.style)
            column += len(gap) + cell_len(lines[0])
        for line in lines[1:]:
            text.append("\n" + " " * indent).append(line, piece.style)
            column = indent + cell_len(line)
        fresh = False
    return text


def _padded(text: str, width: int, *, at_right: bool) -> str:
    """Return a table cell filled with blanks to a width on the screen, aligned to the left or the right."""
    blanks = " " * (width - cell_len(text))
    return blanks + text if at_right else text + blanks


def _broken(words: str, first: int, later: int) -> list[str]:
    """Break text into lines: at blanks, else after a slash, else anywhere.

    Parameters:
        words: printable text.
        first: columns of the first line.
        later: columns of the others.
    """
    lines: list[str] = []
    line, room = "", first
    for word in _parts(words):
        part = word
        while cell_len(line) + cell_len(part.rstrip(" ")) > room:
            head = line or _head(part, room)
            part = part if line else part[len(head) :]
            lines.append(head.rstrip(" "))
            line, room = "", later
        line += part
    return [*lines, line.rstrip(" ")]


def _parts(words: str) -> Iterable[str]:
    """Cut text after each blank and each slash; nothing is lost."""
    start = 0
    for index, word in enumerate(words):
        last = index + 1 == len(words)
        # A number stays with its per cent sign.
        if word in " /\\" and (last or words[index + 1] not in " /\\%"):
            yield words[start : index + 1]
            start = index + 1
    if start < len(words):
        yield words[start:]


def _head(word: str, room: int) -> str:
    """Return as many letters of a word as there is room for, at least one."""
    end = 1
    while end < len(word) and cell_len(word[: end + 1]) <= room:
        end += 1
    return word[:end]


def as_paragraphs(text: str) -> str:
    """Return text with each paragraph on one line, so that the width of the screen breaks it and nothing else does.

    Parameters:
        text: as a docstring has it, paragraphs with an empty line between them.
    """
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


@dataclass(slots=True)
class Times:
    """Moments as the screen shows them, all of one kind: this computer's time with its offset from UTC, or UTC.

    Attributes:
        utc: show UTC.
    """

    utc: bool = False
    _day: str = ""

    def clock(self, moment_utc: str) -> str:
        """Return the time of day: ``22:14:06+01:00``, or ``21:14:06Z``; the text itself when it is no time.

        Parameters:
            moment_utc: as documents have it.
        """
        moment = self._local_time(moment_utc)
        return moment_utc if moment is None else f"{moment:%H:%M:%S}{self._utc_offset(moment)}"

    def new_day(self, moment_utc: str) -> str:
        """Return a line with the date and the time zone when this is the first moment of another day; else no text."""
        moment = self._local_time(moment_utc)
        if moment is None or (day := f"{moment:%Y-%m-%d}{self._utc_offset(moment)}") == self._day:
            return ""
        self._day = day
        kind = "times are UTC" if self.utc else f"times are local, UTC{self._utc_offset(moment)}"
        return f"{moment:%A %Y-%m-%d}, {kind}"

    def _local_time(self, moment_utc: str) -> datetime | None:
        """Return a UTC time of a document in the time zone of the page; ``None`` if it is not a time."""
        try:
            moment = datetime.fromisoformat(moment_utc)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment.astimezone(UTC if self.utc else None)
        except (ValueError, OverflowError, OSError):
            return None

    def _utc_offset(self, moment: datetime) -> str:
        """Return the offset of a time from UTC as printed after it: ``Z``, or hours and minutes such as ``+02:00``."""
        if self.utc:
            return "Z"
        digits = f"{moment:%z}"
        return f"{digits[:3]}:{digits[3:5]}"
