"""Close-ups of sources, compared with the frame's own stars."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.detect.closeup import ROW, SIDE_PX, Closeups, closeups, described, typical_star
from astro_monitor.detect.kinds import settled
from astro_monitor.detect.peaks import Points
from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR

SHAPE = (64, 96)


def points_at(places: list[tuple[float, float]]) -> Points:
    x, y = np.array(places, np.float32).reshape(-1, 2).T
    count = len(x)
    return Points(
        x, y, np.full(count, 0.9, np.float32), np.zeros(count, np.uint8), np.full(count, 0.9, np.float32),
        np.eye(3, dtype=np.float32)[[KIND_STAR] * count],
    )  # fmt: skip


def spots(places: list[tuple[float, float]], sigma_px: float = 1.3) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    light = sum(400 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma_px**2)) for px, py in places)
    return np.log1p(np.asarray(light) / 10).astype(np.float32)


def test_the_brightest_pixel_is_in_the_middle_wherever_the_source_is() -> None:
    places = [(20.3, 30.4), (60.6, 12.0), (0.2, 0.1), (95.0, 63.0)]
    views = closeups(points_at([(x + 0.4, y - 0.3) for x, y in places]), spots(places))
    middle = views.seen[:, SIDE_PX**2 // 2]
    assert (middle[:2] == views.seen[:2].max(axis=1)).all()
    assert np.abs(views.phase_px[:2]).max() < 1.5
    assert np.isfinite(views.seen).all()
    assert np.isfinite(views.around).all()


def test_a_wider_source_is_wider_than_the_stars_at_every_scale() -> None:
    places = [(10.0 + 18 * i, 12.0 + 20 * j) for i in range(5) for j in range(2)]
    wide = [(48.0, 54.0)]
    seen = np.maximum(spots(places), spots(wide, 2.6))
    points = points_at([*places, *wide])
    rows, star = described(points, closeups(points, seen), SHAPE, 1)
    assert rows.shape == (11, ROW)
    assert star.shape == (1, SIDE_PX**2)
    wider_than_the_stars = rows[:, -10:-7]
    assert (wider_than_the_stars[-1] > wider_than_the_stars[:-1].max(axis=0) + 0.05).all()


def test_a_frame_without_stars_has_no_typical_star_and_finite_numbers() -> None:
    points = points_at([(20.0, 20.0)])
    rows, star = described(points, closeups(points, np.zeros(SHAPE, np.float32)), SHAPE, 2)
    assert np.isfinite(rows).all()
    assert not star.any()
    assert not typical_star(np.empty((0, SIDE_PX**2), np.float32)).any()


def test_values_beyond_any_camera_stay_finite() -> None:
    points = points_at([(20.0, 20.0)])
    rows, _ = described(points, closeups(points, np.full(SHAPE, 80, np.float32)), SHAPE, 1)
    assert np.isfinite(rows).all()


def test_close_ups_of_tiles_are_joined_in_order() -> None:
    seen = spots([(20, 20), (50, 40)])
    both = closeups(points_at([(20, 20), (50, 40)]), seen)
    parts = Closeups.join([closeups(points_at([place]), seen) for place in ((20, 20), (50, 40))])
    np.testing.assert_array_equal(both.seen, parts.seen)
    np.testing.assert_array_equal(both.chosen(np.array([False, True])).around, parts.around[1:])
    assert both.cores().shape == (2, 3, 3)


@pytest.mark.parametrize(
    ("logits", "kind"),
    [((4, 0, 0, 0), KIND_STAR), ((1, 4, 0, 0), KIND_EXTENDED), ((0, 0, 4, 0), KIND_ARTEFACT), ((0, 0, 0, 4), None)],
)
def test_the_largest_logit_decides(logits: tuple[int, ...], kind: int | None) -> None:
    found = settled(
        points_at([(5, 5)]), np.array([logits], np.float32), {"star": 0.5, "artefact": 0.5, "extended": 0.5}
    )
    assert found.kind.tolist() == ([] if kind is None else [kind])
