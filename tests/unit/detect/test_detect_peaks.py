"""Peaks of the maps become points, each source once."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.detect.peaks import CHANNELS, HEAT, KINDS, Points, certain, find_peaks, not_twice
from astro_monitor.detect.tiles import TilePlan
from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR


def empty(shape: tuple[int, int] = (12, 16)) -> np.ndarray:
    maps = np.zeros((len(CHANNELS), *shape), np.float32)
    maps[HEAT] = -9
    maps[5] = 6
    return maps


def put(
    maps: np.ndarray, row: int, column: int, *, heat: float = 4, dx: float = 0, dy: float = 0, kind: int = 0
) -> None:
    maps[HEAT, row, column] = heat
    maps[1, row, column], maps[2, row, column] = dx, dy
    maps[KINDS, row, column] = 0
    maps[5 + kind, row, column] = 6


def found(maps: np.ndarray, star: float = 0.5, artefact: float = 0.5) -> Points:
    return certain(find_peaks(maps, min(star, artefact)), star, artefact)


def test_nothing_is_normal() -> None:
    assert len(found(empty()).x_px) == 0


@pytest.mark.parametrize("kind", [KIND_STAR, KIND_EXTENDED, KIND_ARTEFACT])
def test_one_source_with_its_offset_and_kind(kind: int) -> None:
    maps = empty()
    put(maps, 3, 5, dx=0.25, dy=-0.5, kind=kind)
    points = found(maps)
    assert points.x_px.tolist() == [(5.5 + 0.25) * 4 - 0.5]
    assert points.y_px.tolist() == [(3.5 - 0.5) * 4 - 0.5]
    assert points.kind.tolist() == [kind]
    assert points.score[0] == pytest.approx(1 / (1 + np.exp(-4)), abs=0.01)


def test_neighbours_that_point_to_one_place_are_one_source() -> None:
    maps = empty()
    put(maps, 3, 5, heat=4, dx=0.5)
    put(maps, 3, 6, heat=3, dx=-0.5)
    points = found(maps)
    assert points.x_px.tolist() == [5.5 * 4 + 2 - 0.5]


def test_equal_neighbours_leave_one() -> None:
    maps = empty()
    for row in (3, 4):
        for column in (5, 6):
            put(maps, row, column, dx=0.5 if column == 5 else -0.5, dy=0.5 if row == 3 else -0.5)
    assert len(found(maps).x_px) == 1


def test_neighbours_that_point_apart_are_two() -> None:
    maps = empty()
    put(maps, 3, 5, dx=-0.4)
    put(maps, 3, 6, dx=0.4)
    assert len(found(maps).x_px) == 2


def test_each_kind_has_its_threshold() -> None:
    maps = empty()
    put(maps, 2, 2, heat=1.0, kind=KIND_STAR)
    put(maps, 8, 8, heat=1.0, kind=KIND_ARTEFACT)
    assert found(maps, star=0.6, artefact=0.9).kind.tolist() == [KIND_STAR]
    assert found(maps, star=0.9, artefact=0.6).kind.tolist() == [KIND_ARTEFACT]


def test_corners_have_no_neighbours_on_the_other_side() -> None:
    maps = empty()
    for row, column in ((0, 0), (0, 15), (11, 0), (11, 15)):
        put(maps, row, column)
    assert len(found(maps).x_px) == 4


def test_a_border_star_found_from_both_sides_is_one() -> None:
    points = Points(
        np.array([99.4, 99.6, 50.0, 51.0, 99.4], np.float32),
        np.array([10.0, 10.0, 20.0, 20.0, 30.0], np.float32),
        np.array([0.8, 0.9, 0.8, 0.9, 0.7], np.float32),
        np.zeros(5, np.uint8),
        np.ones(5, np.float32),
        np.ones((5, 3), np.float32),
    )
    remaining = points.chosen(not_twice(points, (500, 100)))
    # The pair at x = 50 lies inside one tile, which has already separated its sources.
    assert remaining.x_px.tolist() == points.x_px[1:].tolist()
    assert len(not_twice(points.chosen(np.zeros(5, bool)), (8, 8))) == 0


@pytest.mark.parametrize("shape", [(25, 25), (8, 8), (64, 5000), (4000, 6000), (736, 1092), (6388, 9576)])
def test_cores_cover_the_frame_once(shape: tuple[int, int]) -> None:
    plan = TilePlan.of(shape)
    covered = np.zeros(tuple(-(-size // 4) for size in shape), np.uint8)
    for tile in plan:
        assert tile.core_top % 4 == tile.core_left % 4 == 0
        assert tile.top <= tile.core_top
        assert tile.core_bottom <= tile.top + plan.tile_shape[0]
        assert tile.core_right <= tile.left + plan.tile_shape[1]
        covered[tile.core_top // 4 : -(-tile.core_bottom // 4), tile.core_left // 4 : -(-tile.core_right // 4)] += 1
    assert (covered == 1).all()
    assert plan.tile_shape[0] % 32 == plan.tile_shape[1] % 32 == 0
