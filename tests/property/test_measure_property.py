"""Whatever the star finder reports, measuring gives finite numbers or reasons, never an error."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor.measure.transparency import match
from astro_monitor.metrics import KEYS
from astro_monitor.records import (
    Arrival,
    Baseline,
    BaselineKey,
    Detections,
    Frame,
    FrameMeta,
    ReferenceStar,
    SkyMap,
)
from astro_monitor.testing.measuring import measured_against

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = BaselineKey(rig="", target="", filter="", exposure_s=1.0, gain=0.0, binning=1, height=1, width=1)
PLACE = st.floats(0, 3000, width=32)
STAR = st.builds(ReferenceStar, x_px=PLACE, y_px=PLACE, flux_adu_s=st.floats(-1e3, 1e12))


@st.composite
def frames(draw):
    shape = draw(st.integers(8, 90)), draw(st.integers(8, 120))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    level, noise = draw(st.sampled_from([0.0, 0.5, 1000.0, 60000.0])), draw(st.sampled_from([0.0, 1e-3, 5.0, 3000.0]))
    values = rng.normal(level, noise, shape)
    whole = draw(st.booleans())
    pixels = np.clip(values, 0, 65535).astype(np.uint16) if whole else values.astype(np.float32)
    arrival = Arrival(
        path=Path("/a.fits"), root=Path("/"), size_bytes=1, mtime_ns=1, first_seen_utc=NOW, settled_utc=NOW, how="named"
    )
    meta = FrameMeta(
        exposure_s=draw(st.sampled_from([None, 1e-6, 60.0])),
        e_per_adu=draw(st.sampled_from([None, 1e-3, 1.0, 100.0])),
        pedestal_adu=draw(st.sampled_from([None, 0.0, 1e5])),
        scale_arcsec_px=draw(st.sampled_from([None, 0.1, 60.0])),
    )
    px = draw(st.sampled_from([1, 2]))
    frame = Frame(
        frame_id="0" * 16, sha256="0" * 64, arrival=arrival, meta=meta, pixels=pixels, sensor_px_per_px=px,
        sensor_shape=(shape[0] * px, shape[1] * px), saturation_adu=draw(st.sampled_from([1.0, 4095.0, 65535.0])),
    )  # fmt: skip
    count = draw(st.integers(0, 40))
    cell = draw(st.integers(4, min(shape)))
    mesh = (max(1, shape[0] // cell), max(1, shape[1] // cell))
    detections = Detections(
        frame_id=frame.frame_id,
        x_px=rng.uniform(-1, shape[1], count).astype(np.float32),
        y_px=rng.uniform(-1, shape[0], count).astype(np.float32),
        score=np.ones(count, np.float32),
        kind=rng.integers(0, 3, count).astype(np.uint8),
        peak_adu=rng.normal(level, 100, count).astype(np.float32),
        snr=rng.normal(5, 5, count).astype(np.float32),
        bin_factor=draw(st.sampled_from([1, 2, 4, 8])),
        streaks=(),
        sky=SkyMap(
            level_adu=rng.normal(level, 1 + noise, mesh).astype(np.float32), noise_adu=max(noise, 1e-9), cell_px=cell
        ),
        model="test",
    )
    return frame, detections


@given(frames(), st.lists(STAR, max_size=12))
@settings(max_examples=120, deadline=None)
def test_every_frame_is_measured(made, reference):
    frame, detections = made
    baseline = Baseline(key=KEY, size=len(reference), reference_stars=tuple(reference))
    stars, measured = measured_against(frame, detections, baseline)
    assert set(measured.values) == set(KEYS)
    missing = {key for key, value in measured.values.items() if value is None}
    assert set(measured.why_missing) == missing
    assert all(math.isfinite(value) for value in measured.values.values() if value is not None)
    assert all(
        np.isfinite(values).all() for values in (stars.fwhm_px, stars.hfr_px, stars.snr, stars.stamps, stars.dip)
    )
    assert (stars.a_px >= stars.b_px).all()
    assert len(measured.field_grid) == 48


@given(st.lists(STAR, max_size=30), st.lists(STAR, max_size=30), st.floats(0.5, 1e4))
@settings(max_examples=150, deadline=None)
def test_matching_any_lists_gives_a_ratio_or_nothing(mine, theirs, fwhm_px):
    found = match(tuple(mine), tuple(theirs), (2000, 3000), fwhm_px)
    if found is not None:
        assert found.transparency > 0
        assert math.isfinite(found.transparency)
        assert all(map(math.isfinite, (found.offset_x_px, found.offset_y_px, found.turn_deg)))
        assert 0 < found.count <= min(len(mine), len(theirs))
