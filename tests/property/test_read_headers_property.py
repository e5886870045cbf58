"""Whatever stands in a header, reading it ends in facts that can be believed, or in nothing; never in an error."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from astro_monitor.fitsheader import Header
from astro_monitor.read.borders import fill_border, find_border
from astro_monitor.read.dialects import ANGLES, NUMBERS, TEXTS, read_meta
from astro_monitor.read.exposure import KEYWORDS
from astro_monitor.read.framekind import TYPE_KEYWORDS
from astro_monitor.read.moments import as_moment
from astro_monitor.read.picture import picture_of, window_of
from astro_monitor.read.start_time import DATES, JULIAN, TIMES_OF_DAY

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = sorted(
    {keyword for row in (*NUMBERS, *TEXTS, *ANGLES) for keyword in row.keywords}
    | {keyword for table in (DATES, TIMES_OF_DAY, JULIAN, KEYWORDS) for keyword, _ in table}
    | {*TYPE_KEYWORDS, "TIMESYS", "CALSTAT", "PROGRAM", "BAYERPAT", "XBINNING", "CCDSUM", "BIASSEC", "TRIMSEC"}
)
NUMBER = st.one_of(st.floats(), st.integers(-(10**40), 10**40)).map(str)
DATE = st.from_regex(r"'?[0-9]{1,5}[-/:. ][0-9]{1,3}[-/:. ][0-9]{1,4}[T _]?[0-9]{0,2}:?[0-9]{0,2}:?[0-9.,]{0,9}Z?'?")
SECTION = st.tuples(*[st.integers(-5, 300)] * 4).map("'[{0[0]}:{0[1]},{0[2]}:{0[3]}]'".format)
SECTION_NAMES = st.sampled_from(("BIASSEC", "TRIMSEC", "DATASEC1", "DATASEC2", "BIASSEC1", "BIASSEC2", "CCDSUM"))
VALUE = st.one_of(NUMBER, DATE, SECTION, st.text(max_size=70), st.text(max_size=60).map(repr))
CARDS = st.dictionaries(st.sampled_from(NAMES), VALUE.map(lambda text: (f" {text}",)), max_size=12)
REMARKS = st.lists(st.text(max_size=60), max_size=3).map(tuple)


@QUICK
@given(CARDS, REMARKS)
def test_any_header_gives_facts_or_nothing(cards: dict[str, tuple[str, ...]], remarks: tuple[str, ...]) -> None:
    found = read_meta((Header(cards, remarks),))
    for field in ("exposure_s", "gain", "pixel_um", "focal_mm", "scale_arcsec_px", "pedestal_adu", "ra_deg"):
        value = getattr(found, field)
        assert value is None or math.isfinite(value)
    assert found.exposure_s is None or 0.0 <= found.exposure_s <= 86_400.0
    start = found.date_obs_utc
    assert start is None or datetime(1979, 12, 30, tzinfo=UTC) <= start < datetime(2100, 1, 1, tzinfo=UTC)
    assert len(found.notes) <= 20
    assert all(note.endswith(".") for note in found.notes)


@QUICK
@given(st.one_of(DATE, st.text(max_size=80), NUMBER), st.one_of(st.none(), DATE, st.text(max_size=20), st.floats()))
@example("Jan 1 99999999999999999999 10:00", None)
@example("Mar 1 2024 10:00 1e999", None)
@example("1 Jan 2024 10:00:00 +99999", None)
def test_any_text_is_a_moment_or_none(text: str, time: str | float | None) -> None:
    moment = as_moment(text, time)
    assert moment is None or 1980 <= moment.utc.year < 2100


@QUICK
@given(st.dictionaries(SECTION_NAMES, SECTION.map(lambda text: (f" {text}",)), max_size=5))
def test_any_sections_leave_a_picture(cards: dict[str, tuple[str, ...]]) -> None:
    headers = (Header(cards),)
    meta = read_meta(headers)
    stored = np.arange(128 * 200, dtype=np.uint16).reshape(128, 200)
    window, meta = window_of(headers, meta, stored.shape)
    shape = stored.shape if window is None else window.shape
    found = picture_of(stored.copy(), window, meta, 0.0)
    assert found.pixels.shape == shape
    assert found.pixels.flags.c_contiguous
    assert min(shape) >= 64


@QUICK
@given(st.integers(0, 2**32 - 1), st.integers(0, 100), st.integers(0, 100), st.sampled_from([0, 1, 700, 65535]))
def test_any_border_is_filled(seed: int, rows: int, columns: int, value: int) -> None:
    pixels = np.random.default_rng(seed).normal(1000, 20, (128, 160)).astype(np.uint16)
    pixels[:rows], pixels[:, :columns] = value, value
    mask = find_border(pixels)
    before = pixels.copy()
    if mask is None:
        return
    assert mask.any()
    assert not mask.all()
    fill_border(pixels, mask)
    np.testing.assert_array_equal(pixels[~mask], before[~mask])
    assert abs(float(np.median(pixels[mask])) - 1000.0) < 20.0
