"""Marks lie where the sources are."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from astro_monitor.preview import overlay_png
from astro_monitor.preview.overlay import COLOURS, LONGEST_SIDE_PX, STREAK_COLOUR
from astro_monitor.records import KIND_EXTENDED, KIND_STAR, SourceTable, Streak


def one_star(x_px: float, y_px: float) -> SourceTable:
    nan = {name: np.array([np.nan]) for name in ("ra_deg", "dec_deg", "flux_adu", "peak_adu", "snr", "hfr_px")}
    return SourceTable(
        x_px=np.array([x_px]), y_px=np.array([y_px]), fwhm_px=np.array([6.0]), elongation=np.array([1.0]),
        angle_deg=np.array([0.0]), saturated=np.array([False]), kind=np.array([KIND_STAR], np.uint8), note=("",), **nan,
    )  # fmt: skip


def sky(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(5).normal(1000, 10, shape).astype(np.float32)


def middle_of_marks(png: bytes, colour: tuple[int, int, int]) -> tuple[float, float]:
    marked = (np.asarray(Image.open(io.BytesIO(png))) == colour).all(axis=2)
    rows, columns = np.nonzero(marked)
    return float((rows.min() + rows.max()) / 2), float((columns.min() + columns.max()) / 2)


@pytest.mark.parametrize("px", [1, 2])
@pytest.mark.parametrize(("first_row_on_top", "row"), [(True, 30.0), (False, 69.0)])
def test_a_mark_lies_on_its_source(px: int, first_row_on_top: bool, row: float) -> None:
    pixels = sky((100, 160))
    table = one_star(40 * px + (px - 1) / 2, 30 * px + (px - 1) / 2)
    png = overlay_png(pixels, px, table, (), first_row_on_top=first_row_on_top)
    assert middle_of_marks(png, COLOURS[KIND_STAR]) == pytest.approx((row, 40.0), abs=0.6)


def test_large_frames_are_shown_smaller_with_their_marks_in_place() -> None:
    side = 2 * LONGEST_SIDE_PX
    png = overlay_png(sky((200, side)), 1, one_star(side / 2, 100.0), (), first_row_on_top=True)
    assert Image.open(io.BytesIO(png)).size == (LONGEST_SIDE_PX, 100)
    assert middle_of_marks(png, COLOURS[KIND_STAR]) == pytest.approx((50.0, LONGEST_SIDE_PX / 2), abs=1.0)


def test_trails_are_drawn_from_end_to_end() -> None:
    trail = Streak(x0_px=10, y0_px=20, x1_px=90, y1_px=20, angle_deg=0, length_px=80, width_px=3)
    png = overlay_png(sky((50, 100)), 1, one_star(5.0, 40.0), (trail,), first_row_on_top=True)
    assert middle_of_marks(png, STREAK_COLOUR) == pytest.approx((20.0, 50.0), abs=0.6)


@pytest.mark.parametrize("doubt", ["faint", "blended"])
def test_the_mark_of_a_source_whose_shape_is_noise_has_the_usual_size(doubt: str) -> None:
    sound, other = one_star(40.0, 30.0), one_star(120.0, 60.0)
    other = replace(
        other,
        fwhm_px=np.array([30.0]),
        elongation=np.array([6.0]),
        kind=np.array([KIND_EXTENDED], np.uint8),
        snr=np.array([9.0 if doubt == "faint" else 200.0]),
        note=("" if doubt == "faint" else "blended",),
    )
    two_stars = {
        name: np.concatenate([getattr(sound, name), getattr(other, name)])
        for name in SourceTable.__dataclass_fields__
        if name != "note"
    }
    png = overlay_png(
        sky((100, 160)), 1, SourceTable(**two_stars, note=sound.note + other.note), (), first_row_on_top=True
    )
    marked = np.asarray(Image.open(io.BytesIO(png)))
    sizes = [np.ptp(np.nonzero((marked == COLOURS[kind]).all(axis=2)), axis=1) for kind in (KIND_STAR, KIND_EXTENDED)]
    assert np.abs(sizes[0] - sizes[1]).max() <= 1
