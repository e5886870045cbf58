"""Sun and moon agree with almanacs, for any sign of the longitude in the header."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor.measure.ephemeris import Site, sun_and_moon
from astro_monitor.records import FrameMeta

GREENWICH = Site(51.4779, 0.0)


def at(year, month, day, hour=0, minute=0, **facts):
    return FrameMeta(date_obs_utc=datetime(year, month, day, hour, minute, tzinfo=UTC), **facts)


def test_the_sun_stands_at_the_solstice_where_the_almanac_says():
    """Declination +23.44 degrees, upper transit at Greenwich at about 12:02 UTC."""
    assert sun_and_moon(at(2026, 6, 21, 12, 2), GREENWICH)["sun_altitude_deg"] == pytest.approx(61.96, abs=0.05)
    assert sun_and_moon(at(2026, 12, 22, 0, 0), GREENWICH)["sun_altitude_deg"] == pytest.approx(-61.96, abs=0.1)


@pytest.mark.parametrize(("moment", "lit"), [((2026, 1, 3, 10, 3), 1.0), ((2026, 8, 12, 17, 37), 0.0)])
def test_the_moon_is_full_and_new_on_the_days_of_the_almanac(moment, lit):
    assert sun_and_moon(at(*moment), GREENWICH)["moon_illumination"] == pytest.approx(lit, abs=0.01)


def test_the_moon_is_at_no_distance_from_itself():
    """Occulted stars: at 2026-08-12 17:46 the moon covers the sun over Iceland, so they stand together."""
    found = sun_and_moon(at(2026, 8, 12, 17, 46, ra_deg=142.46, dec_deg=14.80), Site(65.2, -25.2))
    assert found["moon_separation_deg"] < 0.5
    assert found["moon_altitude_deg"] == pytest.approx(found["sun_altitude_deg"], abs=0.4)


def test_without_time_or_site_the_sentence_says_so():
    assert "when" in sun_and_moon(FrameMeta(), GREENWICH)
    assert "site.latitude_deg" in sun_and_moon(at(2026, 1, 1), None)
    assert "site" in sun_and_moon(at(2026, 1, 1, site_lat_deg=0.0, site_lon_deg=0.0), None)


def test_settings_win_over_the_header():
    other = at(2026, 6, 21, 12, 2, site_lat_deg=-33.0, site_lon_deg=151.0)
    assert sun_and_moon(other, GREENWICH)["sun_altitude_deg"] > 60
    assert sun_and_moon(other, None)["sun_altitude_deg"] < 0


@pytest.mark.parametrize("written", [-110.9, 110.9, 249.1])
def test_the_sign_of_longitude_follows_from_the_altitude_of_the_target(written):
    """Tucson, whatever a program writes: M 31 stands at about 80 degrees there at 03:30 UTC."""
    m31 = {"ra_deg": 10.68, "dec_deg": 41.27, "site_lat_deg": 32.2}
    true = sun_and_moon(at(2026, 11, 21, 3, 30, **m31, site_lon_deg=-110.9), None)
    altitude = sun_and_moon(at(2026, 11, 21, 3, 30), Site(32.2, -110.9))
    told = at(2026, 11, 21, 3, 30, **m31, altitude_deg=80.7, site_lon_deg=written)
    assert sun_and_moon(told, None) == pytest.approx(true)
    assert altitude["sun_altitude_deg"] == true["sun_altitude_deg"]


def test_a_site_that_contradicts_the_altitude_is_not_believed():
    far = {"ra_deg": 10.68, "dec_deg": 41.27, "altitude_deg": 80.0, "site_lat_deg": -60.0, "site_lon_deg": 0.1}
    assert isinstance(sun_and_moon(at(2026, 11, 21, 3, 30, **far), None), str)


def test_no_frame_is_taken_by_day():
    """03:30 UTC is evening in Tucson and midday east of China; the sky decides which longitude is meant."""
    assert sun_and_moon(at(2026, 11, 21, 3, 30, site_lat_deg=32.2, site_lon_deg=110.9), None)["sun_altitude_deg"] < 0


@given(st.integers(0, 10**9), st.floats(-90, 90), st.floats(-180, 180))
@settings(max_examples=20, deadline=None)
def test_any_moment_and_place_has_a_sun(seconds, latitude, longitude):
    moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    found = sun_and_moon(FrameMeta(date_obs_utc=moment), Site(latitude, longitude))
    assert -90 <= found["sun_altitude_deg"] <= 90
    assert 0 <= found["moon_illumination"] <= 1
