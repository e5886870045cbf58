"""Check the decision records and write their index.

A decision record is a page ``docs/explanations/decisions/NNNN-title.md`` of this form::

    # N. Title

    - Date: 2026-11-28
    - Status: accepted

    ## Context
    ## Decision
    ## Consequences

The status is ``proposed``, ``accepted``, or ``replaced by`` with a link; what follows a semicolon is free text.

Run ``python docs/hooks/decisions.py`` after adding or changing a record.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "explanations" / "decisions"
INDEX = "README.md"

_NAME = re.compile(r"(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md")
_HEAD = re.compile(r"# (\d+)\. (.+)\n\n- Date: (\d{4}-\d{2}-\d{2})\n- Status: (.+)\n\n## Context\n\n\S")
_STATUS = re.compile(r"(proposed|accepted|replaced by \[[^]]+\]\([^)]+\))(; .+)?")
SECTIONS = ("Context", "Decision", "Consequences")


@dataclass(frozen=True, slots=True)
class Record:
    """One decision record.

    Attributes:
        name: of its file.
        number: unique, from 1.
        title: without the number.
        day: when it was decided.
        status: as the record states it.
    """

    name: str
    number: int
    title: str
    day: date
    status: str


class BadRecord(ValueError):
    """A page that does not have the form of a decision record."""


def record(name: str, text: str) -> Record:
    """Read one decision record.

    Parameters:
        name: of its file, without the folder.
        text: the whole page.

    Raises:
        BadRecord: with one sentence that says what is missing.
    """
    named = _NAME.fullmatch(name)
    if named is None:
        raise BadRecord(f"{name}: the name must be NNNN-title.md, in lower case")
    head = _HEAD.match(text)
    if head is None:
        raise BadRecord(
            f"{name}: must begin with '# N. Title', '- Date: YYYY-MM-DD', '- Status: accepted' and '## Context', with "
            "empty lines between title, list and heading"
        )
    number, title, day, status = head.groups()
    if int(number) != int(named[1]):
        raise BadRecord(f"{name}: its title has the number {number}")
    if _STATUS.fullmatch(status) is None:
        raise BadRecord(f"{name}: the status must be 'proposed', 'accepted' or 'replaced by [decision N](file)'")
    sections = tuple(re.findall(r"^## (.+)$", text, re.MULTILINE))
    if sections != SECTIONS:
        raise BadRecord(f"{name}: its sections are {', '.join(sections)}; they must be {', '.join(SECTIONS)}")
    return Record(name, int(number), title, date.fromisoformat(day), status)


def records(folder: Path = FOLDER) -> Iterator[Record]:
    """Read all decision records of a folder, in the order of their numbers.

    Raises:
        BadRecord: one of them does not have the form, or two have the same number.
    """
    numbers: dict[int, str] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name == INDEX:
            continue
        found = record(path.name, path.read_text("utf-8"))
        if found.number in numbers:
            raise BadRecord(f"{numbers[found.number]} and {found.name} have the same number")
        numbers[found.number] = found.name
        yield found


def index(folder: Path = FOLDER) -> str:
    """Return the text of the index page.

    Raises:
        BadRecord: one of the records does not have the form.
    """
    rows = [f"| [{r.number}]({r.name}) | {r.day.isoformat()} | {r.title} | {r.status} |" for r in records(folder)]
    return "\n".join(
        [
            "# Decisions",
            "",
            "Why the program is built as it is. A record is never rewritten: a later one replaces it. This page is",
            "written by `python docs/hooks/decisions.py`.",
            "",
            "| number | date | decision | status |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    try:
        (FOLDER / INDEX).write_text(index(), "utf-8")
    except BadRecord as error:
        sys.exit(str(error))
