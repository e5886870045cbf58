"""Exposure times in the units that programs write, against the number of seconds that was meant."""

from __future__ import annotations

import pytest

from astro_monitor.fitsheader import Header
from astro_monitor.read.dialects import read_meta


def meta(*cards: tuple[str, str]):
    return read_meta((Header({keyword: (f" {text}",) for keyword, text in cards}),))


@pytest.mark.parametrize(
    ("keyword", "text", "seconds"),
    [
        ("EXPTIME", "60.0", 60.0), ("EXPTIME", "'60.0    '", 60.0), ("EXPTIME", "'60,0    '", 60.0),
        ("EXPTIME", "6.0D1", 60.0), ("EXPOSURE", "60.00 / [s]", 60.0), ("EXPTIME", "60000 / [ms] exposure", 60.0),
        ("EXPTIME", "160000 / exposure time in ms", 160.0), ("EXPOSURE", "60000 / Exposure (milliseconds)", 60.0),
        ("EXPTIME", "60000000 / exposure time in us", 60.0), ("EXPTIME", "2500 / exposure in microseconds", 0.0025),
        ("EXPTIME", "5 / exposure time in minutes", 300.0), ("EXPTIME", "0.5 / [min]", 30.0),
        ("EXPOSURE", "'500 ms'", 0.5), ("EXPOSURE", "'30s'", 30.0), ("EXPOSURE", "'2 min'", 120.0),
        ("EXPTIME", "30.0 seconds", 30.0), ("EXPOSURE", "'1/125'", 0.008), ("EXPOINUS", "60000000", 60.0),
        ("EXPTIME", "60.0 / Exposure time in seconds (ms resolution)", 60.0), ("EXPTIME", "60.0 / min exposure", 60.0),
        ("EXPTIME", "60.0 / Total Exposure Time in seconds", 60.0), ("EXPTIME", "60.0 / duration of exposure", 60.0),
        ("EXPTIME", "60.0 / [s] Exposure duration", 60.0), ("EXP_TIME", "60.0", 60.0),
    ],
)  # fmt: skip
def test_one_keyword(keyword: str, text: str, seconds: float) -> None:
    frame_meta = meta(("IMAGETYP", "'Light'"), (keyword, text))
    assert frame_meta.exposure_s == pytest.approx(seconds)
    assert frame_meta.sources["exposure_s"].startswith(keyword)


def test_the_unit_is_in_the_source() -> None:
    assert meta(("EXPTIME", "60000 / [ms]")).sources["exposure_s"] == "EXPTIME (ms)"
    assert meta(("EXPTIME", "60 / [s]")).sources["exposure_s"] == "EXPTIME"


def test_two_that_differ_are_noted_and_the_first_is_used() -> None:
    frame_meta = meta(("EXPTIME", "30.0"), ("EXPOSURE", "60"))
    assert frame_meta.exposure_s == 30.0
    assert "EXPOSURE gives 60 s, EXPTIME gives 30 s" in frame_meta.notes[0]


def test_of_the_same_number_in_two_units_the_seconds_count() -> None:
    frame_meta = meta(("EXPTIME", "60000"), ("EXPOSURE", "60"))
    assert (frame_meta.exposure_s, frame_meta.notes) == (60.0, ())
    assert meta(("EXPTIME", "60"), ("EXPOINUS", "60000000")).notes == ()


def test_no_light_is_exposed_for_more_than_a_night() -> None:
    frame_meta = meta(("IMAGETYP", "'Light'"), ("EXPTIME", "60000"))
    assert frame_meta.exposure_s is None
    assert "no unit" in frame_meta.notes[0]


def test_zero_is_passed_over_for_the_next_keyword() -> None:
    assert meta(("IMAGETYP", "'Light'"), ("EXPTIME", "0"), ("EXPOSURE", "60")).exposure_s == 60.0


def test_no_value_at_all_is_unknown_without_a_note() -> None:
    frame_meta = meta(("EXPTIME", " / Exposure time [seconds]"), ("EXPOSURE", " / Exposure time [seconds]"))
    assert (frame_meta.exposure_s, frame_meta.notes) == (None, ())


def test_a_number_of_exposures_is_no_time() -> None:
    assert meta(("EXP", "12 / number in the sequence")).exposure_s is None
    assert meta(("EXP", "15. / [s] Sub Exposure Time")).exposure_s == 15.0
