"""Kinds by the profile of the frame's own stars."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astro_monitor.detect.closeup import closeups
from astro_monitor.detect.likeness import reclassified_by_profile
from astro_monitor.detect.peaks import Points
from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR

SHAPE = (400, 400)


def sky_with(sources: list[tuple[float, float, float, float]], seed: int = 1) -> np.ndarray:
    """Sources of (x, y, flux in noises, sigma; 0: one pixel alone) on noise, as the network sees them."""
    light = np.random.default_rng(seed).normal(0, 1, SHAPE)
    for x, y, flux, sigma in sources:
        row, column = round(y), round(x)
        if sigma == 0:
            light[row, column] += flux
            continue
        edges = np.arange(-6, 7) - 0.5
        along = [
            np.diff([math.erf((edge - offset) / (sigma * math.sqrt(2))) for edge in edges]) / 2
            for offset in (y - row, x - column)
        ]
        light[row - 6 : row + 6, column - 6 : column + 6] += flux * np.outer(*along)
    return np.log1p(np.maximum(light, -5) / 10).astype(np.float32)


def field(sigma: float, count: int, flux: float = 400.0, seed: int = 2) -> list[tuple[float, float, float, float]]:
    rng = np.random.default_rng(seed)
    places = [(20 + 20 * (i % 18), 20 + 20 * (i // 18)) for i in range(count)]
    return [(x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5), flux, sigma) for x, y in places]


def judged(sources: list[tuple[float, float, float, float]], said: list[int]) -> Points:
    points = _points(sources, said)
    return reclassified_by_profile(points, closeups(points, sky_with(sources)).cores())


def _points(sources: list[tuple[float, float, float, float]], said: list[int]) -> Points:
    return Points(
        np.array([one[0] for one in sources], np.float32), np.array([one[1] for one in sources], np.float32),
        np.full(len(sources), 0.5, np.float32), np.array(said, np.uint8), np.full(len(sources), 0.9, np.float32),
        np.eye(3, dtype=np.float32)[said],
    )  # fmt: skip


def kinds(sources: list[tuple[float, float, float, float]], said: list[int]) -> list[int]:
    return judged(sources, said).kind.tolist()


def test_what_the_light_has_shown_is_no_longer_doubted() -> None:
    kinds_by_network = [KIND_STAR] * 20 + [KIND_EXTENDED] * 5
    score = judged(field(0.5, 25), kinds_by_network).score
    assert (score[:20] == np.float32(0.9)).mean() > 0.9
    assert (score[20:] == np.float32(0.5)).all()


@pytest.mark.parametrize("sigma", [0.45, 0.6, 0.9])
def test_stars_taken_for_artefacts_are_recognised_by_the_others(sigma: float) -> None:
    kinds_by_network = [KIND_STAR] * 20 + [KIND_ARTEFACT] * 20
    assert np.mean(np.array(kinds(field(sigma, 40), kinds_by_network)) == KIND_STAR) > 0.97


@pytest.mark.parametrize("sigma", [0.5, 0.9, 1.1])
def test_hot_pixels_stay_artefacts_and_are_recognised_among_stars(sigma: float) -> None:
    stars, hot = field(sigma, 30), [(x, y + 200, 300.0, 0.0) for x, y, _, _ in field(sigma, 20)]
    kinds_by_network = [KIND_STAR] * 30 + [KIND_ARTEFACT] * 10 + [KIND_STAR] * 10
    assert kinds(stars + hot, kinds_by_network) == [KIND_STAR] * 30 + [KIND_ARTEFACT] * 20


@pytest.mark.parametrize("sigma", [0.5, 1.1, 2.0])
def test_stars_stay_stars(sigma: float) -> None:
    assert kinds(field(sigma, 60, flux=120.0), [KIND_STAR] * 60) == [KIND_STAR] * 60


def test_faint_sources_and_frames_without_a_common_profile_stay_as_they_are() -> None:
    faint = field(0.5, 10) + [(x, y + 200, 8.0, 0.5) for x, y, _, _ in field(0.5, 10)]
    kinds_by_network = [KIND_STAR] * 10 + [KIND_ARTEFACT] * 10
    assert kinds(faint, kinds_by_network) == kinds_by_network
    assert kinds(field(0.5, 4), [KIND_STAR] * 2 + [KIND_ARTEFACT] * 2) == [KIND_STAR] * 2 + [KIND_ARTEFACT] * 2
    wide = field(2.0, 20) + [(x, y + 200, 300.0, 0.0) for x, y, _, _ in field(2.0, 5)]
    kinds_by_network = [KIND_STAR] * 20 + [KIND_ARTEFACT] * 5
    assert kinds(wide, kinds_by_network) == kinds_by_network


def test_nothing_found_is_nothing_to_judge() -> None:
    assert kinds([], []) == []


def test_a_frame_of_stars_all_taken_for_artefacts_shows_that_they_are_stars() -> None:
    kinds_by_network = [KIND_STAR] * 2 + [KIND_ARTEFACT] * 38
    assert kinds(field(0.5, 40), kinds_by_network).count(KIND_STAR) >= 38


def test_hot_pixels_alone_do_not_become_stars() -> None:
    hot = [(x, y, 400.0, 0.0) for x, y, _, _ in field(0.5, 40)]
    assert kinds(hot, [KIND_ARTEFACT] * 40) == [KIND_ARTEFACT] * 40


def test_tracks_of_all_kinds_do_not_become_stars() -> None:
    rng = np.random.default_rng(7)
    tracks = []
    for x, y, _, _ in field(0.5, 40):
        step, length = rng.uniform(-1, 1, 2), int(rng.integers(1, 4))
        tracks += [(x + n * step[0], y + n * step[1], float(rng.uniform(60, 600)), 0.0) for n in range(length)]
    assert kinds(tracks, [KIND_ARTEFACT] * len(tracks)).count(KIND_STAR) == 0


def leaking(count: int, share: float, seed: int = 5) -> np.ndarray:
    """Hot pixels in the middle of their pixels with a part of their light in each side, (n, 3, 3) over their noise."""
    shape = np.array([[0, share, 0], [share, 1, share], [0, share, 0]])
    rng = np.random.default_rng(seed)
    return (rng.uniform(40, 400, (count, 1, 1)) * shape + rng.normal(0, 1, (count, 3, 3))).astype(np.float32)


def test_narrow_sources_that_all_lie_in_the_middle_of_their_pixels_are_no_stars() -> None:
    """Hot pixels that leak half of their charge, with as many true stars of the same width and many wider ones."""
    rng = np.random.default_rng(6)
    stars, hot = field(0.9, 60), leaking(60, 0.5)
    light = np.concatenate([closeups(_points(stars, [KIND_STAR] * 60), sky_with(stars)).cores(), hot])
    places = [(float(x), float(y), 0.0, 0.0) for x, y in rng.integers(10, 390, (60, 2))]
    points = _points(stars + places, [KIND_STAR] * 120)
    kind = reclassified_by_profile(points, light).kind
    assert (kind[60:] == KIND_ARTEFACT).mean() > 0.9
    assert (kind[:60] == KIND_STAR).mean() > 0.85


def test_stars_alone_are_not_suspected() -> None:
    for sigma in (0.42, 0.6, 1.0):
        stars = field(sigma, 200)
        kind = reclassified_by_profile(
            _points(stars, [KIND_STAR] * 200), closeups(_points(stars, [KIND_STAR] * 200), sky_with(stars)).cores()
        )
        assert (kind.kind == KIND_STAR).mean() > 0.97
