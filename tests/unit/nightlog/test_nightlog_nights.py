"""Nights run from local noon to local noon, wherever the telescope stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

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
