"""The state of one file of the watched folder: not complete yet, or with an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from .settle import Settling, Sighting

How = Literal["event", "scan", "poll"]
"""How a file was found."""


@dataclass(slots=True)
class Candidate:
    """A file that is not complete yet.

    Attributes:
        writing: whether events reported a write, and no close since then.
    """

    settling: Settling
    first_seen_utc: datetime
    first_seen_s: float
    how: How
    due_s: float = 0.0
    reported_slow: bool = False
    writing: bool = False


class SettledFile(NamedTuple):
    """A file with an outcome, as it was then; the digest is empty where none was computed."""

    sighting: Sighting
    digest: str = ""
    ignored: bool = False
