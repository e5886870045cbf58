"""Dates and times in every spelling that programs write, against astropy and against texts that name no moment."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from astropy.time import Time

from astro_monitor.fitsheader import Header
from astro_monitor.read.dialects import read_meta
from astro_monitor.read.moments import as_moment, from_julian

NIGHT = datetime(2024, 3, 1, 22, 0, 0, tzinfo=UTC)


def meta(*cards: tuple[str, str]):
    return read_meta((Header({keyword: (f" {text}",) for keyword, text in cards}),))


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01T22:00:00", " 2024-03-01T22:00:00.000 ", "2024-03-01T22:00:00Z", "2024-03-01t22:00:00z",
        "2024-03-01T22:00:00.", "2024-03-01T22:00:00.0000000000000001", "2024-03-01T22:00:00,000", "2024-03-01T22:00",
        "2024-03-01 22:00:00", "2024-03-01 22:00", "2024-03-01T22:00:00.000(UTC)", "2024-03-01T22:00:00(UTC(NIST))",
        "2024-03-01 22:00:00 UTC", "2024-03-01 22:00:00 UT", "2024-03-01 22:00:00 [UTC]", "2024-03-01T22:00:00 GMT",
        "2024-03-02T00:00:00+02:00", "2024-03-01T16:30:00-0530", "2024-03-02T00:00:00.0+02", "2024-3-1T22:0:0",
        "2024-03-01T 22: 0: 0", "2024/03/01 22:00:00", "2024/03/01T22:00:00", "2024.03.01 22:00:00",
        "2024:03:01 22:00:00", "2024:061:22:00:00.000", "2024-061T22:00:00", "20240301T220000", "20240301T220000.0Z",
        "20240301 220000", "20240301220000", "2024-03-01_22-00-00", "2024-03-01T22-00-00", "2024-03-01T22h00m00s",
        "+02024-03-01T22:00:00.000", "2024-03-01T22:00:37(TAI)", "2024.03.01_22:00:37_TAI",
        "2024-03-01T22:01:09.184(TT)", "01/03/24 22:00:00",
        "01/03/2024T22:00:00", "03/01/2024 10:00:00 PM", "01.03.2024 22:00:00", "01-03-2024 22:00:00",
        "24-03-01T22:00:00", "Fri Mar  1 22:00:00 2024", "01 Mar 2024 22:00:00", "2024-Mar-01T22:00:00",
        "1-Mar-2024 22:00:00 GMT", "Fri, 01 Mar 2024 23:00:00 +0100", "Mar 1 2024 10:00PM",
    ],
)  # fmt: skip
def test_one_moment_in_many_spellings(text: str) -> None:
    moment = as_moment(text)
    assert moment is not None
    assert moment.utc == NIGHT


@pytest.mark.parametrize("form", ["fits", "isot", "iso", "yday"])
@pytest.mark.parametrize("scale", ["utc", "tai", "tt", "tdb"])
def test_what_astropy_writes_is_read(form: str, scale: str) -> None:
    time = Time("2019-11-05T03:04:05.678", scale="utc")
    text = getattr(getattr(time, scale), form)
    moment = as_moment(str(text), scale=scale)
    assert moment is not None
    assert abs((moment.utc - datetime(2019, 11, 5, 3, 4, 5, 678_000, tzinfo=UTC)).total_seconds()) < 0.002
    assert (scale == "utc") == (moment.assumed == "")


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "22:00:00", "2024-03-01", "2024-02-30T00:00:00", "2024-13-45T00:00:00", "1858-11-17T00:00:00",
        "0000-00-00T00:00:00", "0001-01-01T00:00:00", "1970-01-01T00:00:00", "2999-01-01T00:00:00",
        "2024-03-01T22:00:00 CET", "Fri Mar 1 22:00:00 CET 2024", "2024-03-01T22:00:00 local", "2024-03-01T25:00:00",
        "2024-03-01T22:61:00", "Mar 1 22:00:00", "9999999999", "-1", "1e300", "12", "1/0/0 0:0:0",
        "٢٠٢٤-03-01T22:00:00", "T" * 70, "0" * 70, "1:" * 35, "-" * 70,
        "9999-366T10:00:00", "9999366 10:00:00", "31 Dec 9999 23:59:59 -14:00",
    ],
)  # fmt: skip
def test_what_names_no_moment(text: str) -> None:
    assert as_moment(text) is None


def test_what_is_assumed_is_said() -> None:
    assert as_moment("28/03/93 07:18:51").assumed == "day first"
    assert as_moment("28-03-93 07:18:51").utc == datetime(1993, 3, 28, 7, 18, 51, tzinfo=UTC)
    assert as_moment("03/25/2024 07:18:51").assumed == "month first"
    assert as_moment("24-03-01T07:18:51").assumed == "two-digit year first"
    assert as_moment("2024-03-01T07:18:51").assumed == ""


@pytest.mark.parametrize(
    ("number", "words"),
    [(2460371.4166666665, "Julian"), (60370.916666666664, "Julian"), (1709330400, "seconds since 1970")],
)
def test_numbers(number: float, words: str) -> None:
    moment = as_moment(number)
    assert abs(moment.utc - NIGHT) < timedelta(milliseconds=1)
    assert words in moment.assumed


def test_a_julian_date_in_another_scale() -> None:
    assert abs(from_julian(60370.916666666664 + 37 / 86400, scale="tai").utc - NIGHT) < timedelta(milliseconds=1)
    assert abs(from_julian(60370.916666666664 + 18 / 86400, scale="gps").utc - NIGHT) < timedelta(milliseconds=1)
    assert from_julian(0.0) is None
    assert from_julian(float("inf")) is None


def test_the_ordinary_spelling_loads_no_other_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("astropy", "astropy.time", "dateutil", "dateutil.parser"):
        monkeypatch.setitem(sys.modules, name, None)
    assert as_moment("2024-03-01T22:00:00.1234567Z").utc == NIGHT.replace(microsecond=123_456)


@pytest.mark.parametrize(
    ("cards", "source"),
    [
        ((("DATE-OBS", "'2024-03-01'"), ("TIME-OBS", "'22:00:00'")), "DATE-OBS with TIME-OBS"),
        ((("DATE-OBS", "'01/03/24'"), ("UT", "'22:00:00.0'")), "DATE-OBS with UT (day first)"),
        ((("DATE-OBS", "'2024-03-01'"), ("UTSTART", "'22:00:00'")), "DATE-OBS with UTSTART"),
        ((("DATE-OBS", "'2024-03-01'"), ("UTC-OBS", "'22 00 00'")), "DATE-OBS with UTC-OBS"),
        ((("DATE-OBS", "'2024-03-01'"), ("UTC", "79200.0 / [s] 22:00:00.0 UTC")), "DATE-OBS with UTC"),
        ((("UTDATE", "'2024:03:01'"), ("UTSTART", "'22:00:00'"), ("UTEND", "'22:01:00'")), "UTDATE with UTSTART"),
        ((("DATE-OBS", "'2024-03-01T22:00:00'"), ("TIME-OBS", "'21:00:00'")), "DATE-OBS"),
        ((("DATE-OBS", "'2024-03-01T00:00:00'"), ("TIME-OBS", "'22:00:00'")), "DATE-OBS (time from TIME-OBS)"),
        ((("DATE-BEG", "'2024-03-01T22:00:00'"),), "DATE-BEG"),
        ((("DATE-AVG", "'2024-03-01T22:00:30'"),), "DATE-AVG (less half of the exposure)"),
        ((("DATE-END", "'2024-03-01T22:01:00'"),), "DATE-END (less the exposure)"),
        ((("DATE-OBS", "'2024-03-01T22:00:30' / middle of the exposure"),), "DATE-OBS (less half of the exposure)"),
        ((("DATE-OBS", "'2024-03-01T22:01:00' / UTC at end of exposure"),), "DATE-OBS (less the exposure)"),
        ((("DATE-OBS", "'2024-03-01'"), ("UTEND", "'22:01:00'")), "DATE-OBS with UTEND (less the exposure)"),
        ((("MJD-OBS", "60370.91666666667"),), "MJD-OBS"),
        ((("JD", "2460371.4166666667"),), "JD"),
        ((("MJD-OBS", "2460371.4166666667"),), "MJD-OBS (as a Julian date)"),
        ((("OBSMJD", "60370.91666666667"), ("SHUTOPEN", "'2024-03-01T22:00:00.0'")), "SHUTOPEN"),
        ((("DATE-OBS", "'2024-03-01T22:00:37'"), ("TIMESYS", "'TAI'")), "DATE-OBS (TAI to UTC)"),
        ((("DATE-OBS", "'2024-03-01T22:00:18'"), ("TIMESYS", "'GPS'")), "DATE-OBS (GPS to UTC)"),
        ((("DATE-OBS", "'2024-03-01T22:00:00'"), ("TIMESYS", "'UTC     '")), "DATE-OBS"),
        ((("DATE-LOC", "'2024-03-02T00:00:00+02:00'"),), "DATE-LOC"),
        ((("DATE-OBS", "'2024-03-02T00:00:00' / local time"), ("DATE-END", "'2024-03-01T22:01:00'")),
         "DATE-END (less the exposure)"),
        ((("DATE-OBS", "'2024-03-01T17:00:00' / local time (UTC-5)"),), "DATE-OBS (local time, -5 h by its comment)"),
        ((("DATE-LOC", "'2024-03-01T23:00:00'"), ("TIMEZONE", "1")), "DATE-LOC (local time, +1 h by TIMEZONE)"),
        ((("DATE-OBS", "'2024-03-01T22:00:00' / UTC, not local time"),), "DATE-OBS"),
        ((("DATE-OBS", "'2024-03-01'"), ("UTC", "79200 / [s] seconds since midnight")), "DATE-OBS with UTC"),
        ((("DATE-OBS", "'Unknown'"), ("MJD-OBS", "60370.91666666667")), "MJD-OBS"),
        ((("TAI", "5216047237.0 / Number of seconds since Nov 17 1858"),), "TAI (TAI to UTC)"),
    ],
)  # fmt: skip
def test_the_start_by_its_keywords(cards: tuple[tuple[str, str], ...], source: str) -> None:
    frame_meta = meta(("EXPTIME", "60.0"), *cards)
    assert frame_meta.date_obs_utc is not None, frame_meta.notes
    assert abs(frame_meta.date_obs_utc - NIGHT) < timedelta(milliseconds=2)
    assert frame_meta.sources["date_obs_utc"] == source
    assert frame_meta.notes == ()


@pytest.mark.parametrize(
    "cards",
    [
        (("DATE-LOC", "'2024-03-02T00:00:00'"),),
        (("DATE-OBS", "'2024-03-02T00:00:00' / local time of start"),),
        (("DATE-OBS", "'2024-03-02T00:00:00'"), ("TIMESYS", "'LOCAL'")),
        (("DATE-OBS", "'2024-03-02'"),),
    ],
)
def test_local_time_is_never_taken_for_utc_and_a_date_alone_is_none(cards: tuple[tuple[str, str], ...]) -> None:
    frame_meta = meta(("EXPTIME", "60.0"), *cards)
    assert frame_meta.date_obs_utc is None
    assert frame_meta.notes


def test_the_end_without_an_exposure_gives_no_start() -> None:
    assert meta(("DATE-END", "'2024-03-01T22:01:00'")).date_obs_utc is None


def test_an_unknown_scale_is_said() -> None:
    frame_meta = meta(("DATE-OBS", "'2024-03-01T22:00:00'"), ("TIMESYS", "'MARS'"))
    assert frame_meta.date_obs_utc == NIGHT
    assert "MARS" in frame_meta.notes[0]
