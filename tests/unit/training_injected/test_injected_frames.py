"""Faults injected into frames have the strength that their label says, and leave noise as a real exposure has it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("galsim")

from astro_monitor.records import CLASSES
from training.injected import kernels
from training.injected.draws import CAUSES, injected, motion_of_length, slope, spot
from training.injected.light import RealFrame, brightened, convolved, dimmed
from training.injected.sequence import FIRST_GOOD, FRAMES, good_files, night, sources

pytestmark = pytest.mark.training

NOISE_ADU = 5.0
FRAMES_FOLDER = Path(__file__).parents[4] / "shared" / "frames"


def field(seed=0, e_per_adu=2.0, shape=(160, 200)):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    light = np.zeros(shape)
    for row, column in rng.uniform(20, min(shape) - 20, (12, 2)):
        light += 4000 * np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / 1.5**2)
    noise = rng.normal(size=shape) * np.sqrt(NOISE_ADU**2 + light / e_per_adu)
    return RealFrame(
        light_adu=(light + noise).astype(np.float32), sky_adu=np.full(shape, 300.0, np.float32), noise_adu=NOISE_ADU,
        e_per_adu=e_per_adu, fixed_adu=np.zeros(shape, np.float32),
    )  # fmt: skip


def dark_pixels_noise(frame):
    return 1.4826 * float(np.median(np.abs(frame.light_adu - np.median(frame.light_adu))))


@pytest.mark.parametrize("cause", ["drift", "periodic", "jump", "wind"])
def test_a_kernel_has_the_length_of_its_motion(cause):
    rng = np.random.default_rng(3)
    for length_px in (3.0, 9.0, 20.0):
        kernel = kernels.of_motion(motion_of_length(cause, length_px, rng))
        y, x = np.mgrid[: kernel.shape[0], : kernel.shape[1]]
        place = np.stack([x.ravel(), y.ravel()])
        spread = np.linalg.eigvalsh(np.cov(place, aweights=kernel.ravel(), bias=True))[-1]
        # Sharing a point among four pixels adds up to a quarter of a pixel squared.
        assert math.sqrt(12 * max(spread - 0.25, 0)) <= length_px <= math.sqrt(12 * spread) + 0.1


def test_spread_light_keeps_its_sum_and_the_noise_of_the_sky():
    frame = field()
    drift = motion_of_length("drift", 8.0, np.random.default_rng(1))
    for kernel in (kernels.of_seeing(4.0), kernels.of_defocus(9.0, 0.3), kernels.of_motion(drift)):
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
        spread = convolved(frame, kernel, np.random.default_rng(2))
        assert spread.light_adu.sum() == pytest.approx(frame.light_adu.sum(), rel=0.02)
        assert dark_pixels_noise(spread) == pytest.approx(NOISE_ADU, rel=0.15)
        assert spread.light_adu.max() < 0.8 * frame.light_adu.max()


def test_dimmed_stars_lose_light_and_the_sky_keeps_its_noise():
    frame = field()
    thin = dimmed(frame, 0.4, np.random.default_rng(2))
    assert thin.light_adu.max() == pytest.approx(0.4 * frame.light_adu.max(), rel=0.1)
    assert dark_pixels_noise(thin) == pytest.approx(NOISE_ADU, rel=0.1)


@pytest.mark.parametrize("e_per_adu", [0.0, 2.0])
def test_added_light_brings_its_own_photon_noise(e_per_adu):
    frame = replace(field(), e_per_adu=e_per_adu)
    bright = brightened(frame, np.full(frame.sky_adu.shape, 900.0, np.float32), np.random.default_rng(1))
    assert bright.sky_adu.mean() == pytest.approx(1200.0)
    assert bright.noise_adu > 1.5 * NOISE_ADU
    assert dark_pixels_noise(bright) == pytest.approx(bright.noise_adu, rel=0.15)


def test_light_over_the_field_goes_from_none_to_one():
    for made in (slope, spot):
        light = made((40, 60), np.random.default_rng(5))
        assert light.min() >= 0
        assert light.max() == pytest.approx(1.0)
    assert np.ptp(slope((40, 60), np.random.default_rng(5))) == pytest.approx(1.0)


@pytest.mark.parametrize("label", CLASSES)
def test_a_fault_is_beyond_the_border_of_its_class(label):
    rng = np.random.default_rng(4)
    for _ in range(6):
        changed = injected(field(), 3.5, 250.0, label, rng)
        assert changed.label == label
        assert changed.cause in CAUSES.get(label, ("none",))
        assert changed.strength >= 1.05 if label != "good" else changed.strength == 0.0


def test_a_night_of_a_real_telescope_begins_with_its_own_good_frames():
    if not FRAMES_FOLDER.is_dir():
        pytest.skip("no real frames here")
    assert len(good_files(FRAMES_FOLDER, "seestar_m94")) == 14
    taken = list(night(sources(FRAMES_FOLDER, "seestar_m94", most=2), seed=1))
    assert len(taken) == FRAMES
    assert {one.label for one in taken[:FIRST_GOOD]} == {"good"}
    assert {one.label for one in taken[FIRST_GOOD:]} == set(CLASSES)
    assert len({one.frame.frame_id for one in taken}) == FRAMES
    moments = [one.frame.meta.date_obs_utc for one in taken]
    assert moments == sorted(set(moments))
