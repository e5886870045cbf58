"""Any look survives as bytes to the last digit; any bytes are a look or are refused as none."""

from __future__ import annotations

import os
from datetime import UTC, timedelta, timezone
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from astro_monitor import metrics
from astro_monitor.errors import LookError
from astro_monitor.looks import decode, encode
from astro_monitor.records import (
    Arrival,
    FieldCell,
    FrameMeta,
    Measurements,
    Raster,
    ReferenceStar,
    SkyMap,
    SourceFeatures,
    SourceTable,
    Streak,
)
from astro_monitor.testing.looks import same, small_look

finite = st.floats(allow_nan=False, allow_infinity=False)
any_float = st.floats()
unknown_or_finite = st.none() | finite
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(0, 2**63 - 1)
small = st.integers(0, 9999)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=13))]))
paths = st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=3).map(
    lambda parts: Path(os.fsdecode(b"/".join(part.replace(b"\0", b"0") for part in parts)))
)
arrivals = st.builds(
    Arrival, path=paths, root=paths, size_bytes=integers, mtime_ns=integers, first_seen_utc=moments, settled_utc=moments
)
metas = st.builds(FrameMeta, target=st.none() | texts, exposure_s=unknown_or_finite, notes=st.lists(texts).map(tuple))
cells = st.builds(
    FieldCell, column=small, row=small, star_count=small, sky_adu=any_float, fwhm_px=st.none() | any_float,
    elongation=st.none() | any_float, angle_deg=st.none() | any_float,
)  # fmt: skip
stars = st.builds(ReferenceStar, x_px=any_float, y_px=any_float, flux_adu_s=any_float)
streaks = st.builds(
    Streak, x0_px=any_float, y0_px=any_float, x1_px=any_float, y1_px=any_float, angle_deg=any_float,
    length_px=any_float, width_px=any_float,
)  # fmt: skip
measurements = st.builds(
    Measurements,
    frame_id=st.just("ab" * 8),
    values=st.dictionaries(st.sampled_from(metrics.KEYS), unknown_or_finite, max_size=4).map(
        lambda known: dict.fromkeys(metrics.KEYS) | known
    ),
    why_missing=st.dictionaries(texts, texts, max_size=3),
    field_grid=st.lists(cells, max_size=3).map(tuple),
    bright_stars=st.lists(stars, max_size=3).map(tuple),
    streaks=st.lists(streaks, max_size=2).map(tuple),
    fixed_streaks=st.lists(streaks, max_size=2).map(tuple),
)
shapes = arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6)
rasters = st.builds(
    Raster, left_px=small, top_px=small, bin_px=small, zero_adu=any_float, step_adu=any_float,
    pixels=arrays.arrays(np.uint16, shapes),
)  # fmt: skip
floats32 = arrays.arrays(np.float32, st.integers(0, 5))
features = st.builds(
    SourceFeatures, features=floats32, clusters=floats32, quantisation_error=any_float, source_count=small,
    stamp_bin=small, profile=st.lists(st.none() | any_float, max_size=4).map(tuple),
    mean_image=arrays.arrays(np.float32, shapes), model=texts,
)  # fmt: skip
COLUMNS = (
    "x_px", "y_px", "ra_deg", "dec_deg", "flux_adu", "peak_adu", "snr", "fwhm_px", "hfr_px", "elongation", "angle_deg",
)  # fmt: skip


@st.composite
def tables(draw):
    count = draw(st.integers(0, 4))
    of_64_bits = arrays.arrays(np.float64, count)
    of_32_bits = arrays.arrays(np.float32, count).map(lambda values: values.astype(np.float64))
    return SourceTable(
        **{name: draw(of_64_bits | of_32_bits) for name in COLUMNS},
        saturated=draw(arrays.arrays(np.bool_, count)),
        kind=draw(arrays.arrays(np.uint8, count)),
        note=tuple(draw(st.lists(texts, min_size=count, max_size=count))),
    )


changes = st.one_of(
    st.fixed_dictionaries(
        {
            "arrival": arrivals,
            "meta": metas,
            "sensor_shape": st.tuples(integers, integers),
            "sensor_px_per_px": small,
            "saturation_adu": any_float,
            "models": st.lists(texts, max_size=3).map(tuple),
            "timings_s": st.dictionaries(texts, finite, max_size=3),
        }
    ),
    st.fixed_dictionaries({"measurements": measurements}),
    st.fixed_dictionaries({"sources": tables()}),
    st.fixed_dictionaries({"source_features": features}),
    st.fixed_dictionaries(
        {
            "sky": st.builds(SkyMap, level_adu=arrays.arrays(np.float32, shapes), noise_adu=any_float, cell_px=small),
            "cutouts": st.lists(rasters, max_size=2).map(tuple),
            "picture": rasters,
        }
    ),
)


@given(changes)
def test_any_look_survives_to_the_last_digit(parts):
    look = small_look(**parts)
    data = encode(look)
    assert same(decode(data), look)
    assert same(decode(data, pictures=False).measurements, look.measurements)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_refused_as_no_look(start, more):
    good = encode(small_look())
    for data in (start, start + more, good[: len(start)] + more, good + more[:1]):
        try:
            assert same(decode(data), small_look())
        except LookError:
            continue
