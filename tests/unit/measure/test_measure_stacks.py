"""The mean star of a frame: all of its light, nothing of its neighbours, and nothing where there is no star."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.measure import Measurer
from astro_monitor.measure.kernel import on_scale, path_of
from astro_monitor.measure.stacks import star_stacks
from astro_monitor.records import FIELD_PARTS, FIELD_STACK_PX, STACK_PX

MIDDLE = STACK_PX // 2


def moffat(dx, dy, fwhm=3.0, beta=3.5):
    return (1 + 4 * (2 ** (1 / beta) - 1) * (dx**2 + dy**2) / fwhm**2) ** -beta


def stacks_of(
    make_frame, make_detections, x, y, peak, draw, *, shape=(420, 560), noise=8.0, seed=3, found=None, reach=60
):
    """Return the stacks of a frame with a star that ``draw(dx, dy)`` makes at each place.

    ``found`` has the places, x and y, and the peaks that the star finder reports.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    image = rng.normal(1000.0, noise, shape)
    for one_x, one_y, one_peak in zip(x, y, peak, strict=True):
        near = np.s_[max(int(one_y) - reach, 0) : int(one_y) + reach, max(int(one_x) - reach, 0) : int(one_x) + reach]
        image[near] += one_peak * draw(columns[near] - one_x, rows[near] - one_y)
    frame = make_frame(image.clip(0, 65535).astype(np.uint16))
    detections = make_detections(*(found or (x, y, peak)), shape=shape, noise=noise)
    measured = Measurer().measure(frame, detections)
    return star_stacks(frame, detections, measured.stars, measured.which)


def places(count, shape=(420, 560), seed=5):
    """Return places all over a field, on a jittered grid, and peaks."""
    rng = np.random.default_rng(seed)
    columns = int(np.ceil(np.sqrt(count * shape[1] / shape[0])))
    rows = int(np.ceil(count / columns))
    x = (np.arange(columns) + 0.5) * (shape[1] - 80) / columns + 40
    y = (np.arange(rows) + 0.5) * (shape[0] - 80) / rows + 40
    grid_x, grid_y = (part.ravel()[:count] for part in np.meshgrid(x, y))
    return grid_x + rng.uniform(-4, 4, count), grid_y + rng.uniform(-4, 4, count), rng.uniform(800, 4000, count)


def offsets():
    return np.meshgrid(np.arange(STACK_PX) - MIDDLE, np.arange(STACK_PX) - MIDDLE)


def test_the_stack_is_the_profile_of_the_stars_with_unit_flux(make_frame, make_detections):
    x, y, peak = places(60)
    found = stacks_of(make_frame, make_detections, x, y, peak, moffat)
    truth = moffat(*offsets())
    truth /= truth.sum()
    assert found.bin_px == 1
    assert found.count > 40
    assert np.abs(found.stack - truth).max() < 0.06 * truth.max()
    assert found.stack.sum() == pytest.approx(1, abs=0.05)
    assert found.field_stacks.shape == (FIELD_PARTS, FIELD_PARTS, FIELD_STACK_PX, FIELD_STACK_PX)
    assert found.field_counts.sum() == found.count
    assert not found.stack.flags.writeable


def test_light_far_from_the_core_is_in_the_stack(make_frame, make_detections):
    x, y, peak = places(60)

    def with_halo(dx, dy):
        return moffat(dx, dy) + 0.06 * moffat(dx - 12, dy - 5)

    found = stacks_of(make_frame, make_detections, x, y, peak, with_halo)
    ghost = found.stack[MIDDLE + 5 - 1 : MIDDLE + 5 + 2, MIDDLE + 12 - 1 : MIDDLE + 12 + 2]
    assert ghost.sum() == pytest.approx(
        0.06 * found.stack[MIDDLE - 1 : MIDDLE + 2, MIDDLE - 1 : MIDDLE + 2].sum(), rel=0.2
    )


def test_neighbours_are_not_in_the_stack(make_frame, make_detections):
    rng = np.random.default_rng(8)
    x, y, peak = places(48)
    angle, away = rng.uniform(0, 2 * np.pi, 48), rng.uniform(9, 20, 48)
    every_x = np.concatenate([x, x + away * np.cos(angle)])
    every_y = np.concatenate([y, y + away * np.sin(angle)])
    alone = stacks_of(make_frame, make_detections, x, y, peak, moffat)
    crowded = stacks_of(make_frame, make_detections, every_x, every_y, np.concatenate([peak, 0.7 * peak]), moffat)
    far = np.hypot(*offsets()) > 7
    assert crowded.stack[far].max() < 0.02 * crowded.stack.max()
    assert np.abs(crowded.stack - alone.stack).max() < 0.1 * alone.stack.max()


def test_of_two_equal_images_of_each_star_one_is_the_centre(make_frame, make_detections):
    x, y, peak = places(40)

    def twice(dx, dy):
        return moffat(dx, dy) + moffat(dx - 14, dy)

    rng = np.random.default_rng(2)
    found = (
        np.concatenate([x, x + 14]), np.concatenate([y, y]),
        np.concatenate([peak, peak]) * rng.uniform(0.99, 1.01, 80),
    )  # fmt: skip
    stack = stacks_of(make_frame, make_detections, x, y, peak, twice, found=found).stack
    left, middle, right = (stack[MIDDLE, MIDDLE + step] for step in (-14, 0, 14))
    assert max(left, right) == pytest.approx(middle, rel=0.1)
    assert min(left, right) < 0.1 * middle


def test_wide_stars_are_binned_and_long_paths_fit(make_frame, make_detections):
    x, y, peak = places(24, shape=(700, 900))

    def wide(dx, dy):
        return moffat(dx, dy, fwhm=10.0)

    found = stacks_of(make_frame, make_detections, x, y, peak, wide, shape=(700, 900))
    assert found.bin_px == 2
    truth = moffat(*offsets(), fwhm=5.0)
    assert np.abs(found.stack - truth / truth.sum()).max() < 0.08 * (truth / truth.sum()).max()


@pytest.mark.parametrize("fwhm", [1.3, 2.0])
def test_undersampled_stars_have_a_stack(make_frame, make_detections, fwhm):
    x, y, peak = places(40)
    found = stacks_of(make_frame, make_detections, x, y, 3 * peak, lambda dx, dy: moffat(dx, dy, fwhm=fwhm))
    assert found.count >= 20
    assert found.stack.argmax() == MIDDLE * STACK_PX + MIDDLE


@pytest.mark.parametrize("count", [1, 6])
def test_a_few_stars_are_enough(make_frame, make_detections, count):
    x, y, peak = places(count)
    found = stacks_of(make_frame, make_detections, x, y, 2 * peak, moffat)
    assert found.count == count
    assert found.stack.sum() == pytest.approx(1, abs=0.25)


def test_a_frame_without_usable_stars_has_none(make_frame, make_detections):
    nowhere = np.zeros(0)
    assert stacks_of(make_frame, make_detections, nowhere, nowhere, nowhere, moffat).count == 0
    at_the_border = stacks_of(make_frame, make_detections, np.array([20.0]), np.array([200.0]), np.array([4e3]), moffat)
    assert at_the_border.count == 0
    assert not at_the_border.stack.any()


def test_saturated_stars_are_not_in_the_stack(make_frame, make_detections):
    x, y, peak = places(4)
    burnt = stacks_of(make_frame, make_detections, x, y, 0 * peak + 90000.0, moffat)
    assert burnt.count == 0


def test_the_stack_of_a_frame_is_kept_without_loss(make_frame, make_detections):
    x, y, peak = places(30)
    found = stacks_of(make_frame, make_detections, x, y, peak, moffat)
    for stack in (found.stack, found.field_stacks):
        assert np.array_equal(stack.astype(np.float16).astype(np.float32), stack)


def ring(dx, dy):
    return np.exp(-4 * np.log(2) * (np.hypot(dx, dy) - 5) ** 2 / 2.5**2)


def trailed(draw, length_px=8.0):
    """Return the star that ``draw`` makes, drawn out along x."""
    return lambda dx, dy: sum(draw(dx - step, dy) for step in np.linspace(-0.5, 0.5, 11) * length_px) / 11


@pytest.mark.parametrize(
    ("count", "draw", "brighter"),
    [
        (40, lambda dx, dy: moffat(dx, dy, fwhm=1.3), 3.0),
        (40, ring, 1.0),
        (700, moffat, 1.0),
        (6, moffat, 2.0),
    ],
    ids=["undersampled", "rings", "crowded", "six"],
)
def test_hard_fields_show_no_path_without_one_and_one_that_is_there(make_frame, make_detections, count, draw, brighter):
    x, y, peak = places(count)
    if count > 100:
        rng = np.random.default_rng(6)
        x, y = rng.uniform(10, 550, count), rng.uniform(10, 410, count)

    def take(star, seed):
        dither = np.random.default_rng(seed).uniform(-3, 3, 2)
        return stacks_of(
            make_frame, make_detections, x + dither[0], y + dither[1], brighter * peak, star, seed=seed, reach=20
        )

    usual, still, moved = take(draw, 11), take(draw, 12), take(trailed(draw), 13)
    assert min(usual.count, still.count, moved.count) >= min(count, 20)
    factors = [max(usual.bin_px, other.bin_px) // usual.bin_px for other in (still, moved)]
    lengths = [
        max(usual.bin_px, other.bin_px)
        * path_of(on_scale(other.stack, factor * usual.bin_px // other.bin_px), on_scale(usual.stack, factor)).length
        for other, factor in zip((still, moved), factors, strict=True)
    ]
    assert lengths[0] < 1.6
    assert lengths[1] == pytest.approx(8.0, rel=0.15)


def test_one_bright_star_is_a_stack_that_says_so(make_frame, make_detections):
    x, y, peak = places(30)
    peak = np.where(np.arange(30) == 14, 30000.0, 12.0)
    found = stacks_of(make_frame, make_detections, x, y, peak, moffat)
    assert 1 <= found.count < 4
