"""Structures that look like trails: the map marks them, the pixels decide that they are none."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor.detect.sky import sky_map
from astro_monitor.detect.streaks import find_streaks
from astro_monitor.records import Streak

SHAPE = (480, 640)
SIGMA_PX = 1.2
NOISE_ADU = 10.0
SATURATION_ADU = 60_000.0
Image = np.ndarray
Y, X = (axis.astype(float) for axis in np.mgrid[: SHAPE[0], : SHAPE[1]])


def star(x: float, y: float, peak_adu: float) -> Image:
    columns, rows = np.exp(-((X[:1] - x) ** 2) / (2 * SIGMA_PX**2)), np.exp(-((Y[:, :1] - y) ** 2) / (2 * SIGMA_PX**2))
    return np.asarray(peak_adu * columns * rows)


@functools.cache
def star_field(seed: int) -> tuple[Image, Image, Image]:
    """Places of stars, their light, and noise."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((20, 20), (SHAPE[1] - 20, SHAPE[0] - 20), (40, 2))
    light = np.sum([star(x, y, 2000.0) for x, y in places], axis=0)
    return places, light, rng.normal(0, NOISE_ADU, SHAPE)


class Canvas:
    """A star field to draw on, and the map of a network that marks every line given to it."""

    def __init__(self, seed: int = 1) -> None:
        self.stars, light, self._noise = star_field(seed)
        self.light = light.copy()
        self._marked = np.zeros(SHAPE, bool)

    def add_star(self, x: float, y: float, peak_adu: float) -> None:
        self.light += star(x, y, peak_adu)

    def mark(self, x0: float, y0: float, x1: float, y1: float) -> tuple[Image, Image, float]:
        """Mark a line; return distances along and across it, and its length."""
        length = float(np.hypot(x1 - x0, y1 - y0))
        along = ((X - x0) * (x1 - x0) + (Y - y0) * (y1 - y0)) / length
        across = ((Y - y0) * (x1 - x0) - (X - x0) * (y1 - y0)) / length
        self._marked |= (along >= 0) & (along <= length) & (np.abs(across) < 2)
        return along, across, length

    def add_trail(
        self, ends: tuple[float, float, float, float], height: float = 5.0, sigma_px: float = SIGMA_PX
    ) -> None:
        along, across, length = self.mark(*ends)
        on = (along >= 0) & (along <= length)
        self.light += np.where(on, height * NOISE_ADU * np.exp(-(across**2) / (2 * sigma_px**2)), 0)

    def pixels(self, finish: Callable[[Image], Image] = lambda image: image) -> Image:
        return finish(1000 + self.light + self._noise).clip(0, SATURATION_ADU + 500).astype(np.uint16)

    def found(self, finish: Callable[[Image], Image] = lambda image: image) -> tuple[Streak, ...]:
        pixels = self.pixels(finish)
        cells = self._marked.reshape(SHAPE[0] // 4, 4, SHAPE[1] // 4, 4).mean(axis=(1, 3)) > 0.15
        log_odds = np.where(cells, 3.0, -5.0).astype(np.float32)
        return find_streaks(
            log_odds, 0.5, pixels, sky_map(pixels), 1,
            saturation_adu=SATURATION_ADU, stars=self.stars.astype(np.float32),
        )  # fmt: skip


def test_a_trail_is_found_among_the_stars() -> None:
    canvas = Canvas()
    canvas.add_trail((30, 60, 600, 400))
    (streak,) = canvas.found()
    assert streak.length_px == pytest.approx(663.7, rel=0.03)
    assert streak.width_px == pytest.approx(2.355 * SIGMA_PX, rel=0.2)


@pytest.mark.parametrize("level", [0.0, 500.0, 990.0])
@pytest.mark.parametrize("ends", [(600.5, 0, 600.5, 479), (100, 479, 300, 0), (0, 30.5, 639, 30.5)])
def test_the_edge_of_an_area_without_a_picture_is_none(ends: tuple[float, float, float, float], level: float) -> None:
    canvas = Canvas()
    _, across, _ = canvas.mark(*ends)
    assert canvas.found(lambda image: np.where(across > 0, level, image)) == ()


def test_the_corners_of_a_turned_frame_are_none() -> None:
    canvas = Canvas()
    outside = np.zeros(SHAPE, bool)
    for ends in [(0, 160, 300, 0), (340, 0, 639, 160), (639, 320, 340, 479), (300, 479, 0, 320)]:
        _, across, _ = canvas.mark(*ends)
        outside |= across < 0
    assert canvas.found(lambda image: np.where(outside, 0, image)) == ()


def test_overscan_with_a_shaded_first_column_is_none() -> None:
    canvas = Canvas()
    canvas.mark(40, 0, 40, 479)

    def overscan(image: Image) -> Image:
        image = image.copy()
        image[:, :38] = np.random.default_rng(5).normal(950, 3, (SHAPE[0], 38))
        image[:, 38] = 0.5 * (image[:, 37] + image[:, 40])
        return image

    assert canvas.found(overscan) == ()


@pytest.mark.parametrize("reach_px", [8.0, 25.0, 80.0])
def test_glow_along_an_edge_is_none(reach_px: float) -> None:
    canvas = Canvas()
    canvas.mark(SHAPE[1] - 15, 40, SHAPE[1] - 15, 440)
    canvas.light += 600 * np.exp(-(SHAPE[1] - X) / reach_px)
    assert canvas.found() == ()


def test_rays_of_glow_from_a_point_of_the_border_are_none() -> None:
    canvas = Canvas()
    far, angle = np.hypot(X - 639, Y - 240), np.arctan2(Y - 240, 639 - X)
    for turn in (-0.6, -0.2, 0.25, 0.7):
        canvas.light += 300 * np.exp(-far / 150) * np.exp(-((angle - turn) ** 2) / (2 * 0.012**2))
        canvas.mark(
            639 - 60 * np.cos(turn), 240 + 60 * np.sin(turn), 639 - 290 * np.cos(turn), 240 + 290 * np.sin(turn)
        )
    assert canvas.found() == ()


@pytest.mark.parametrize("beyond", [False, True])
def test_a_spike_that_fades_away_from_a_star_is_none(beyond: bool) -> None:
    canvas = Canvas()
    canvas.add_star(320, 240, 5e6)
    along, across, length = canvas.mark(*((350, 255, 560, 360) if beyond else (110, 135, 530, 345)))
    from_star = np.abs(along + 33.5) if beyond else np.abs(along - length / 2)
    canvas.light += 6000 / (1 + from_star / 8) ** 1.6 * np.exp(-(across**2) / (2 * SIGMA_PX**2))
    assert canvas.found() == ()


def test_a_trail_over_a_saturated_star_is_found() -> None:
    canvas = Canvas()
    canvas.add_star(320, 240, 5e6)
    canvas.add_trail((30, 90, 610, 390), height=8)
    (streak,) = canvas.found()
    assert streak.length_px > 600


@pytest.mark.parametrize("across_rows", [False, True])
def test_charge_along_the_column_of_a_saturated_star_is_none(across_rows: bool) -> None:
    canvas = Canvas()
    canvas.add_star(320, 240, 5e6)
    canvas.mark(*((0, 240, 639, 240) if across_rows else (320, 0, 320, 479)))
    off = np.abs(Y - 240) if across_rows else np.abs(X - 320)
    canvas.light += 60 * np.exp(-(off**2) / (2 * SIGMA_PX**2))
    assert canvas.found() == ()


@pytest.mark.parametrize("width_px", [1, 2, 3])
@pytest.mark.parametrize("rows", [(0, 480), (150, 420)])
def test_a_bright_column_is_none(width_px: int, rows: tuple[int, int]) -> None:
    canvas = Canvas()
    canvas.mark(211, rows[0], 211, rows[1] - 1)
    canvas.light[rows[0] : rows[1], 211 : 211 + width_px] += 60
    assert canvas.found() == ()


def test_a_trail_along_a_column_is_found() -> None:
    canvas = Canvas()
    canvas.add_trail((211.3, 0, 211.3, 479))
    (streak,) = canvas.found()
    assert abs(streak.angle_deg) == pytest.approx(90, abs=0.2)


def test_the_seam_of_two_amplifiers_is_none() -> None:
    canvas = Canvas()
    canvas.mark(320, 0, 320, 479)
    canvas.light += np.where(X >= 320, 15, 0) + 60 * np.exp(-np.abs(X - 319.5) / 1.5)
    assert canvas.found() == ()


def test_bands_of_rows_are_none() -> None:
    canvas = Canvas()
    canvas.light += np.random.default_rng(7).normal(0, 4, (SHAPE[0], 1))
    canvas.light[200] += 8
    canvas.mark(0, 200, 639, 200)
    assert canvas.found() == ()


@pytest.mark.parametrize("radius_px", [60.0, 150.0, 250.0])
@pytest.mark.parametrize("ring", [False, True])
def test_the_rim_of_a_ghost_is_none(radius_px: float, ring: bool) -> None:
    canvas = Canvas()
    far = np.hypot(X - 320, Y - 240)
    disc = 1 / (1 + np.exp(np.clip((far - radius_px) / 1.5, -50, 50)))
    canvas.light += 60 * (np.exp(-((far - radius_px) ** 2) / 8) if ring else disc)
    half = min(0.45 * radius_px, 60)
    canvas.mark(320 - half, 240 - radius_px + 4, 320 + half, 240 - radius_px + 4)
    canvas.mark(320 - radius_px + 4, 240 - half, 320 - radius_px + 4, 240 + half)
    assert canvas.found() == ()


def test_a_galaxy_on_its_side_is_none() -> None:
    canvas = Canvas()
    along, across, length = canvas.mark(200, 180, 440, 300)
    out = np.abs(along - length / 2)
    canvas.light += 300 * np.exp(-out / 45) * np.exp(-(across**2) / (2 * 3.0**2))
    assert canvas.found() == ()


def test_an_arm_of_a_spiral_is_none() -> None:
    canvas = Canvas()
    radius, angle = np.hypot(X - 320, Y - 240), np.arctan2(Y - 240, X - 320)
    off = np.angle(np.exp(1j * (angle - np.log(np.maximum(radius, 1) / 60) / 0.35)))
    canvas.light += 100 * np.exp(-radius / 90) * np.exp(-((off * radius) ** 2) / (2 * 12**2))
    for turn in np.arange(0.0, 2 * np.pi, 0.5):
        middle = 60 * np.exp(0.35 * turn)
        x, y = 320 + middle * np.cos(turn), 240 + middle * np.sin(turn)
        dx, dy = -np.sin(turn - 0.34), np.cos(turn - 0.34)
        canvas.mark(x - 38 * dx, y - 38 * dy, x + 38 * dx, y + 38 * dy)
    assert canvas.found() == ()


def test_a_wide_faint_band_is_none() -> None:
    canvas = Canvas()
    canvas.add_trail((30, 60, 600, 400), height=1.0, sigma_px=5.0)
    assert canvas.found() == ()


@pytest.mark.parametrize("sigma_px", [SIGMA_PX, 3.0])
def test_a_bright_aircraft_may_be_out_of_focus(sigma_px: float) -> None:
    canvas = Canvas()
    canvas.add_trail((30, 60, 600, 400), height=20, sigma_px=sigma_px)
    assert len(canvas.found()) == 1


def test_a_flashing_satellite_is_one_trail() -> None:
    canvas = Canvas()
    along, across, _ = canvas.mark(30, 60, 600, 400)
    canvas.light += np.where(along % 60 < 30, 80 * np.exp(-(across**2) / (2 * SIGMA_PX**2)), 0)
    assert len(canvas.found()) == 1


def test_a_flare_is_a_trail() -> None:
    canvas = Canvas()
    along, across, length = canvas.mark(30, 60, 600, 400)
    bright = 0.2 + np.exp(-(((along - 0.4 * length) / 120) ** 2))
    canvas.light += 80 * bright * np.exp(-(across**2) / (2 * SIGMA_PX**2))
    assert len(canvas.found()) == 1


def test_a_trail_next_to_overscan_is_found_and_the_overscan_is_not() -> None:
    canvas = Canvas()
    canvas.mark(40, 0, 40, 479)
    canvas.add_trail((60, 60, 600, 400))
    (streak,) = canvas.found(lambda image: np.where(X < 40, 500, image))
    assert streak.angle_deg == pytest.approx(32.2, abs=0.5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    angle_deg=st.floats(0, 180), x=st.floats(200, 440), y=st.floats(150, 330), height=st.floats(3, 100),
    sigma_px=st.floats(1.0, 1.6), seed=st.integers(0, 5),
)  # fmt: skip
def test_any_clear_trail_is_found_where_it_is(
    angle_deg: float, x: float, y: float, height: float, sigma_px: float, seed: int
) -> None:
    turn, half = np.radians(angle_deg), 130.0
    dx, dy = half * np.cos(turn), half * np.sin(turn)
    canvas = Canvas(seed)
    canvas.add_trail((x - dx, y - dy, x + dx, y + dy), height, sigma_px)
    (streak,) = canvas.found()
    turned = abs(streak.angle_deg - angle_deg) % 180
    assert min(turned, 180 - turned) < 0.6
    for at_x, at_y in ((streak.x0_px, streak.y0_px), (streak.x1_px, streak.y1_px)):
        assert abs((at_x - x) * dy - (at_y - y) * dx) / half < 1.5
    assert streak.length_px == pytest.approx(2 * half, abs=30)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    angle_deg=st.floats(0, 180), x=st.floats(200, 440), y=st.floats(150, 330), step=st.floats(10, 20_000),
    soft_px=st.floats(0.01, 15), seed=st.integers(0, 5),
)  # fmt: skip
def test_no_straight_edge_is_a_trail(
    angle_deg: float, x: float, y: float, step: float, soft_px: float, seed: int
) -> None:
    turn = np.radians(angle_deg)
    dx, dy = 130 * np.cos(turn), 130 * np.sin(turn)
    canvas = Canvas(seed)
    _, across, _ = canvas.mark(x - dx, y - dy, x + dx, y + dy)
    canvas.light += step / (1 + np.exp(np.clip(across / soft_px, -50, 50)))
    assert canvas.found() == ()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["noise", "constant", "ramp", "huge"]))
def test_no_frame_makes_it_fail(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(64, 200, 2))
    pixels = {
        "noise": rng.normal(1000, 10, (height, width)),
        "constant": np.full((height, width), 7.0),
        "ramp": np.linspace(0, 60_000, height * width).reshape(height, width),
        "huge": rng.choice([0, 1e15, -1e15, 1.0], (height, width)),
    }[kind].astype(np.float32)
    cells = rng.random((-(-height // 4), -(-width // 4))) < rng.uniform(0, 1)
    log_odds = np.where(cells, 3.0, -5.0).astype(np.float32)
    stars = rng.uniform((0, 0), (width, height), (10, 2)).astype(np.float32)
    for streak in find_streaks(log_odds, 0.5, pixels, sky_map(pixels), 1, saturation_adu=50_000, stars=stars):
        assert np.isfinite([streak.x0_px, streak.y1_px, streak.length_px, streak.width_px]).all()


@pytest.mark.parametrize("wide_px", [12.0, 22.0])
def test_an_aircraft_far_out_of_focus_is_a_trail(wide_px: float) -> None:
    canvas = Canvas()
    canvas.add_trail((-20, 40, 660, 430), height=20, sigma_px=wide_px / 2.355)
    assert len(canvas.found()) == 1


@pytest.mark.parametrize(("scale_px", "sigma_px"), [(70.0, 4.0), (100.0, 2.8)])
def test_a_large_galaxy_that_fades_slowly_is_none(scale_px: float, sigma_px: float) -> None:
    canvas = Canvas()
    along, across, length = canvas.mark(20, 90, 620, 390)
    out = np.abs(along - length / 2)
    canvas.light += 4000 * np.exp(-out / scale_px) * np.exp(-np.abs(across) / sigma_px)
    # Pieces of it are straight, too.
    canvas.mark(340, 250, 460, 310)
    canvas.mark(180, 170, 300, 230)
    assert canvas.found() == ()


@pytest.mark.parametrize(("height_adu", "sigma_px", "sway_px", "turns"), [(90, 2.4, 22, 1.5), (120, 3.0, 10, 1.0)])
def test_a_filament_that_leaves_its_line_is_none(
    height_adu: float, sigma_px: float, sway_px: float, turns: float
) -> None:
    canvas = Canvas()
    along, across, length = canvas.mark(60, 80, 580, 400)
    wandered = across - sway_px * np.sin(2 * np.pi * turns * along / length)
    canvas.light += height_adu * np.exp(-0.5 * (wandered / sigma_px) ** 2)
    canvas.mark(200, 160, 280, 210)
    assert canvas.found() == ()
