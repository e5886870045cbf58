"""A session on a night log in memory, and what it announces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.documents import Document
from astro_monitor.nightlog import NightLog
from astro_monitor.session import Session
from astro_monitor.settings import Settings


@pytest.fixture
def announced() -> list[Document]:
    return []


@pytest.fixture
def night_log() -> Iterator[NightLog]:
    with NightLog.open(":memory:", session_id="s" * 32, clock=SystemClock()) as log:
        yield log


@pytest.fixture
def session(night_log: NightLog, announced: list[Document]) -> Session:
    return Session(Settings(), night_log, SystemClock(), announce=announced.append)
