"""Nights run from local noon to local noon, wherever the telescope stands."""

from __future__ import annotations

import random
import time
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astro_monitor.nightlog import night_of


@pytest.mark.parametrize(
    ("moment", "longitude_deg", "night"),
    [
        ("2026-11-20T11:59:59Z", 0.0, "2026-11-19"),
        ("2026-11-20T12:00:00Z", 0.0, "2026-11-20"),
        ("2026-11-21T03:00:00Z", 0.0, "2026-11-20"),
        ("2026-11-20T14:00:00Z", 149.0, "2026-11-20"),  # Siding Spring, midnight
        ("2026-11-20T11:00:00Z", 149.0, "2026-11-20"),  # the same night's evening
        ("2026-11-20T10:00:00Z", -155.5, "2026-11-19"),  # Mauna Kea, midnight
        ("2027-01-01T02:00:00Z", 10.0, "2026-12-31"),
    ],
)
def test_known_nights(moment, longitude_deg, night):
    assert night_of(datetime.fromisoformat(moment), longitude_deg) == night


@given(st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)), st.floats(-180, 180), st.integers(-12, 14))
def test_a_night_is_the_same_in_every_notation_and_lasts_a_day(moment, longitude_deg, offset_h):
    here = moment.replace(tzinfo=UTC)
    elsewhere = here.astimezone(timezone(timedelta(hours=offset_h)))
    assert night_of(here, longitude_deg) == night_of(elsewhere, longitude_deg)
    night = datetime.fromisoformat(night_of(here, longitude_deg))
    assert datetime.fromisoformat(night_of(here + timedelta(days=1), longitude_deg)) == night + timedelta(days=1)


def test_without_a_longitude_this_computers_zone_counts():
    moment = datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert night_of(moment) == (moment.astimezone() - timedelta(hours=12)).date().isoformat()


ZONES = ("Europe/Zurich", "America/Los_Angeles", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Kiritimati",
         "Asia/Kathmandu", "America/Santiago", "Africa/Casablanca")  # fmt: skip


@pytest.fixture
def zone(request, monkeypatch):
    """Let this computer stand in another time zone."""
    if not any((Path(folder) / request.param).is_file() for folder in zoneinfo.TZPATH):
        pytest.skip("this computer has no table of time zones (Debian package tzdata)")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield zoneinfo.ZoneInfo(request.param)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process can be set on POSIX alone")
@pytest.mark.parametrize("zone", ZONES, indirect=True)
def test_by_this_computers_zone_a_night_lasts_from_noon_to_noon_through_every_change_of_the_clock(zone):
    """1,250 moments in each zone, most of them within two days of a change to or from summer time."""
    chance = random.Random(zone.key)
    start = datetime(2015, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=day) for day in range(365 * 20)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    changes = [day for day, now, then in zip(days, offsets, offsets[1:], strict=False) if now != then]
    for _ in range(1250):
        day = chance.choice(changes) if changes and chance.random() < 0.8 else chance.choice(days)
        moment = day + timedelta(seconds=chance.randrange(-86_400, 2 * 86_400))
        wall = moment.astimezone(zone)
        began = wall.date() if wall.hour >= 12 else wall.date() - timedelta(days=1)
        assert night_of(moment) == began.isoformat()
