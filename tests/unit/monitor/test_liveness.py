"""A part that stands still is named; a service manager is told; without one nothing is sent."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from astro_monitor.monitor.jumps import ClockJumps
from astro_monitor.monitor.liveness import Pulse
from astro_monitor.monitor.service import ServiceManager


class HandClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def utc(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.now_s

    def wait(self, event, seconds) -> bool:
        self.now_s += seconds
        return event.is_set()


class Turns:
    """An event that is set after some waits, and remembers how long they were."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.pauses_s: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.left -= 1
        self.pauses_s.append(seconds)
        return self.left < 0


@pytest.fixture
def manager(tmp_path):
    """A service manager that listens; gives what it has heard since."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.bind(str(tmp_path / "notify"))
        way.setblocking(False)

        def heard() -> list[str]:
            found = []
            while True:
                try:
                    found.append(way.recv(1000).decode())
                except BlockingIOError:
                    return found

        yield {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "6000000"}, heard


def test_a_part_without_a_beat_within_its_limit_is_stuck() -> None:
    clock = HandClock()
    pulse = Pulse(clock, {"watch": 10.0, "work": 60.0})
    clock.now_s += 11.0
    assert pulse.stuck() == {"watch": 11.0}
    pulse.beat("watch")
    assert pulse.stuck() == {}
    clock.now_s += 50.0
    assert pulse.stuck() == {"watch": 50.0, "work": 61.0}
    assert pulse.ages_s() == {"watch": 50.0, "work": 61.0}


def test_the_watchdog_is_fed_while_all_is_well_and_starved_else(manager) -> None:
    environment, heard = manager
    words = iter(["", "", "it stands still", "it stands still", ""])
    service = ServiceManager(environment)
    turns = Turns(5)
    service.watch_over(lambda: next(words), turns)
    assert heard() == [
        "WATCHDOG=1", "WATCHDOG=1", "STATUS=it stands still", "WATCHDOG=1", "STATUS=all parts move again"
    ]  # fmt: skip
    assert set(turns.pauses_s) == {2.0}, "three times within the time it may take"


def test_ready_and_stopping_are_sent(manager) -> None:
    environment, heard = manager
    service = ServiceManager(environment)
    service.ready("watching")
    service.stopping()
    assert heard() == ["READY=1\nSTATUS=watching", "STOPPING=1"]


def test_without_a_service_manager_nothing_is_sent_and_trouble_is_still_logged(caplog) -> None:
    service = ServiceManager({})
    assert service.watchdog_s == 0.0
    service.ready("watching")
    service.watch_over(lambda: "it stands still", Turns(3))
    assert caplog.text.count("it stands still") == 1


@pytest.mark.parametrize(
    "environment",
    [{"WATCHDOG_USEC": "6000000"}, {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"},
     {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "6000000", "WATCHDOG_PID": "1"}],
)  # fmt: skip
def test_a_watchdog_that_is_not_for_us_is_not_fed(environment) -> None:
    assert ServiceManager(environment).watchdog_s == 0.0


def test_a_manager_that_has_gone_is_worth_a_word_only(tmp_path: Path, caplog) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("watching")
    assert "did not take" in caplog.text


@pytest.mark.parametrize(("by_s", "told_s"), [(0.0, 0.0), (1.5, 0.0), (3600.0, 3600.0), (-86_400.0, -86_400.0)])
def test_a_clock_that_was_set_is_noticed_once(by_s, told_s) -> None:
    clock = SetClock()
    jumps = ClockJumps(clock)
    clock.pass_s(7.0)
    assert jumps.look() == 0.0
    clock.pass_s(5.0)
    clock.set_by_s(by_s)
    assert jumps.look() == pytest.approx(told_s, abs=1e-6)
    clock.pass_s(9.0)
    assert jumps.look() == 0.0


class SetClock(HandClock):
    """Its time of day can be set."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 21, 1, tzinfo=UTC)

    def utc(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.now += timedelta(seconds=seconds)

    def set_by_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
