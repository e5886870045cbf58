"""Documents and a clock for the tests of the night log."""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from astro_monitor.nightlog import NightLog

GOLDENS = Path(__file__).parents[2] / "contract" / "goldens" / "v1.3"

Body = dict[str, Any]


class HandClock:
    """Time that moves when the test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)

    def utc(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.now += timedelta(seconds=seconds)
        return event.is_set()


def golden(kind: str) -> Body:
    return json.loads((GOLDENS / f"{kind}.json").read_text("utf-8"))["body"]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def body() -> Callable[..., Body]:
    """Give a copy of the golden body of a kind."""
    return lambda kind: copy.deepcopy(golden(kind))


@pytest.fixture
def judged() -> Callable[..., Body]:
    """Give the body of a ``frame.judged`` whose content is told by a short text."""

    def make(content: str, *, date_obs: str | None = "2026-11-20T21:12:01.000Z", **fields: Any) -> Body:
        made = golden("frame.judged")
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        made |= {"sha256": sha256, "frame_id": sha256[:16], "file": f"/capture/{content}.fits"} | fields
        made["meta"]["date_obs_utc"] = date_obs
        return made

    return make


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state" / "night.sqlite"


@pytest.fixture
def night_log(place: Path, clock: HandClock) -> Iterator[NightLog]:
    with NightLog.open(place, "session-1", clock, longitude_deg=0.0) as opened:
        yield opened
