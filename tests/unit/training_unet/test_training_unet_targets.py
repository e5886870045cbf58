"""What the network is asked to say, on frames whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")

from astro_monitor.detect.peaks import CHANNELS, HEAT, KINDS, STREAK, find_peaks
from training.simulate import SimFrame
from training.simulate.render import STAR_DTYPE
from training.unet.data import _turn, draw, see, tiles_of
from training.unet.matching import match, same_trail
from training.unet.targets import LAYERS, target
from training.unet.tune import lowest_pure

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::galsim.errors.GalSimWarning")]

SEED = 3


@pytest.fixture(scope="module")
def frame() -> SimFrame:
    return draw("train", SEED)


def with_stars(frame: SimFrame, rows: list[tuple[float, float, float, int]]) -> SimFrame:
    """The same frame with another truth: x, y, snr, kind; 3 pixels wide."""
    table = np.zeros(len(rows), STAR_DTYPE)
    for index, (x, y, snr, kind) in enumerate(rows):
        table[index] = (x, y, snr * 100, snr * 10, snr, 3.0, kind, False)
    return replace(frame, stars=table)


def layer(wanted: np.ndarray, name: str) -> np.ndarray:
    return wanted[..., LAYERS.index(name)]


def test_a_star_is_one_cell_with_the_way_to_it(frame: SimFrame) -> None:
    dark = np.zeros((64, 96), np.float32)
    wanted = target(with_stars(frame, [(41.0, 22.5, 20.0, 0)]), dark, 1)
    assert np.argwhere(layer(wanted, "heat") == 1).tolist() == [[5, 10]]
    assert layer(wanted, "dx")[5, 10] == pytest.approx((41.0 - 41.5) / 4)
    assert layer(wanted, "dy")[5, 10] == pytest.approx((22.5 - 21.5) / 4)
    assert layer(wanted, "kind")[5, 10] == 0
    assert (layer(wanted, "kind") >= 0).sum() == 1


@pytest.mark.parametrize(("snr", "kind", "positive", "ignored"), [
    (6.0, 0, True, False), (4.0, 0, False, True), (2.0, 0, False, False),
    (8.0, 2, True, False), (5.0, 2, False, True),
])  # fmt: skip
def test_signal_to_noise_decides(frame: SimFrame, snr: float, kind: int, positive: bool, ignored: bool) -> None:
    wanted = target(with_stars(frame, [(41.5, 21.5, snr, kind)]), np.zeros((64, 96), np.float32), 1)
    assert (layer(wanted, "heat")[5, 10] == 1) is np.bool_(positive)
    assert (layer(wanted, "weight")[5, 10] == 0) is np.bool_(ignored)


def test_binning_moves_the_centre_by_the_half_pixel(frame: SimFrame) -> None:
    wanted = target(with_stars(frame, [(2 * 41.5 + 0.5, 2 * 21.5 + 0.5, 20.0, 0)]), np.zeros((64, 96), np.float32), 2)
    assert layer(wanted, "heat")[5, 10] == 1
    assert layer(wanted, "dx")[5, 10] == pytest.approx(0, abs=1e-5)


def test_the_fainter_of_a_close_pair_need_not_be_found(frame: SimFrame) -> None:
    wanted = target(
        with_stars(frame, [(41.5, 21.5, 50.0, 0), (43.0, 21.5, 10.0, 0)]), np.zeros((64, 96), np.float32), 1
    )
    assert (layer(wanted, "heat") == 1).sum() == 1


def test_a_star_in_the_glare_of_another_must_not_be_found(frame: SimFrame) -> None:
    bright = np.full((64, 96), 6.0, np.float32)
    wanted = target(with_stars(frame, [(41.5, 21.5, 10.0, 0)]), bright, 1)
    assert (layer(wanted, "heat") == 1).sum() == 0
    assert layer(wanted, "weight").min() == 1


def test_a_perfect_network_finds_what_it_was_asked_for(frame: SimFrame) -> None:
    """Targets put through the peak finder of the program give the truth back."""
    seen, factor = see(frame)
    wanted = target(frame, seen, factor)
    maps = np.zeros((len(CHANNELS), *wanted.shape[:2]), np.float32)
    maps[HEAT] = np.where(layer(wanted, "heat") == 1, 6, -9)
    maps[1], maps[2] = layer(wanted, "dx"), layer(wanted, "dy")
    maps[STREAK] = np.where(layer(wanted, "streak") > 0, 6, -9)
    for kind in range(3):
        maps[KINDS.start + kind] = np.where(layer(wanted, "kind") == kind, 6, 0)
    points = find_peaks(maps, 0.5)
    x, y = (values * factor + (factor - 1) / 2 for values in (points.x_px, points.y_px))
    matched = match(frame, x, y, factor)
    assert (layer(wanted, "heat") == 1).sum() - len(points.x_px) <= 0.05 * len(points.x_px)
    assert (matched.truth_kind >= 0).mean() > 0.97
    assert np.nanmax(matched.error_px) < 2 * factor


def test_tiles_are_whole_and_say_what_lies_outside(frame: SimFrame) -> None:
    tiles = tiles_of(frame, np.random.default_rng(1))
    assert tiles.seen.shape[1:] == (256, 256)
    assert tiles.targets.shape == (len(tiles), 64, 64, len(LAYERS))
    assert np.isfinite(tiles.seen).all()
    assert np.isfinite(tiles.targets).all()
    outside = tiles.targets[..., LAYERS.index("valid")] == 0
    assert (tiles.targets[..., LAYERS.index("heat")][outside] == 0).all()


@pytest.mark.parametrize("which", range(8))
def test_a_turned_tile_points_to_the_turned_star(which: int) -> None:
    seen = np.zeros((1, 256, 256), np.float32)
    seen[0, 101, 38] = 9
    wanted = np.zeros((1, 64, 64, len(LAYERS)), np.float32)
    wanted[0, 25, 9, LAYERS.index("heat")] = 1
    wanted[0, 25, 9, LAYERS.index("dx")] = (38 - 37.5) / 4
    wanted[0, 25, 9, LAYERS.index("dy")] = (101 - 101.5) / 4
    turned, asked = _turn(seen, wanted, which)
    ((_, y, x),) = np.argwhere(turned == 9)
    ((_, row, column),) = np.argwhere(asked[..., 0] == 1)
    cell = asked[0, row, column]
    assert (column + 0.5 + cell[LAYERS.index("dx")]) * 4 - 0.5 == pytest.approx(x)
    assert (row + 0.5 + cell[LAYERS.index("dy")]) * 4 - 0.5 == pytest.approx(y)


def test_the_pool_is_a_function_of_its_seed() -> None:
    first, second = draw("validation", 11), draw("validation", 11)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.rig.seed != draw("validation", 12).rig.seed


def test_matching_gives_each_truth_away_once(frame: SimFrame) -> None:
    truth = with_stars(frame, [(50.0, 50.0, 30.0, 0), (80.0, 80.0, 8.0, 0), (20.0, 20.0, 3.0, 0)])
    x = np.array([50.2, 50.9, 20.0, 5.0], np.float32)
    y = np.array([50.0, 50.0, 20.0, 5.0], np.float32)
    matched = match(truth, x, y, 1)
    assert matched.true.tolist() == [True, False, True, False]
    assert matched.truth_found.tolist() == [True, False]


def test_trails_match_by_line_and_direction(frame: SimFrame) -> None:
    from astro_monitor.records import Streak
    from training.simulate.visitors import TrailTruth

    truth = TrailTruth(x0_px=0, y0_px=0, x1_px=100, y1_px=100, width_px=3, peak_e=10)
    found = Streak(x0_px=11, y0_px=12, x1_px=60, y1_px=61, angle_deg=45, length_px=69, width_px=3)
    assert same_trail(truth, found, 4)
    assert not same_trail(truth, replace(found, angle_deg=-45), 4)
    assert not same_trail(truth, replace(found, y0_px=42, y1_px=91), 4)


def test_the_threshold_keeps_its_promise() -> None:
    score = np.linspace(1, 0, 101, dtype=np.float32)
    right = np.ones(101, bool)
    right[80:] = False
    assert lowest_pure(score, right, np.ones(101), 0.99) == pytest.approx(0.21, abs=0.011)
    hopeless = np.arange(101) % 2 == 1
    assert 0 <= lowest_pure(score, hopeless, np.ones(101), 0.99) <= 1
    assert lowest_pure(score[:0], hopeless[:0], np.ones(0), 0.99) == 0.5
