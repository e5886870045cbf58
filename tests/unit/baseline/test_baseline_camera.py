"""Gain, pedestal and S of a camera, from whatever its frames and headers say."""

import math

import numpy as np
import pytest

from astro_monitor.baseline import CameraPool, Exposed, estimate, pedestal_values
from astro_monitor.baseline.sensors import ANY, read_noise_of
from astro_monitor.records import UNKNOWN_CAMERA

GAIN, READ_NOISE_E, PEDESTAL_ADU = 0.3, 3.0, 900.0


def frame(number, sky_e, *, kind="light", ramp_adu=0.0, scatter=0.02, slope=0.15, **facts):
    """One frame whose sky brightens over the field by ``slope``, by photon statistics."""
    rng = np.random.default_rng([number, 7])
    part = np.linspace(-0.5, 0.5, 24)
    sky = sky_e * (1 + slope * part)
    gain = facts.pop("gain", GAIN)
    level = facts.pop("pedestal", PEDESTAL_ADU) + sky / gain + ramp_adu * part
    variance = (sky + READ_NOISE_E**2) / gain**2 * (1 + scatter * rng.standard_normal(24))
    cells = tuple((place, float(level[place]), float(variance[place]), 6000) for place in range(24))
    return Exposed(frame_id=f"{number:04d}", kind=kind, cells=cells, **facts)


def night(sky_e=300.0, frames=10, drift=0.3, **facts):
    return [frame(number, sky_e * (1 + drift * number / frames), **facts) for number in range(frames)]


def test_without_a_frame_nothing_is_known():
    assert estimate([]) == UNKNOWN_CAMERA
    assert pedestal_values({"background_adu": 900.0, "pixel_noise_adu": 9.0}, UNKNOWN_CAMERA, 60.0) == {}


def test_a_night_tells_the_gain_without_any_header():
    camera = estimate(night())
    assert camera.e_per_adu == pytest.approx(GAIN, rel=0.1)
    assert camera.e_per_adu_error_fraction < 0.12
    assert camera.source == "photon_transfer"
    assert camera.pedestal_adu == pytest.approx(PEDESTAL_ADU, abs=100.0)


def test_one_even_frame_is_a_guess_and_says_so():
    camera = estimate([frame(0, 300.0, slope=0.0)])
    assert camera.source == "prior"
    assert camera.e_per_adu_error_fraction > 0.4
    assert abs(math.log(camera.e_per_adu / GAIN)) < 2.0 * camera.e_per_adu_error_fraction


def test_a_pedestal_of_nought_in_the_header_tells_the_gain_of_a_bright_sky():
    # A sky of 8000 ADU: two thirds of it were once taken for the pedestal.
    camera = estimate([frame(0, 2400.0, pedestal=0.0, slope=0.0, pedestal_source="CALSTAT", whole_numbers=False)])
    assert camera.pedestal_adu == 0.0
    assert camera.e_per_adu == pytest.approx(GAIN, rel=0.1)
    assert camera.source == "header"


def test_calibrated_frames_are_known_by_negative_pixels():
    camera = estimate([frame(0, 60.0, pedestal=0.0, slope=0.0, whole_numbers=False, negative_fraction=0.01)])
    assert abs(camera.pedestal_adu) < 0.3 * 200.0


def test_a_gain_in_the_header_counts_but_not_against_the_evidence():
    assert estimate([frame(0, 300.0, slope=0.0, e_per_adu=GAIN)]).e_per_adu == pytest.approx(GAIN, rel=0.1)
    assert estimate(night(e_per_adu=16 * GAIN)).e_per_adu == pytest.approx(GAIN, rel=0.15)
    # The gain of 12 bits in the header of values that were multiplied by 16.
    padded = [frame(0, 300.0, slope=0.1, e_per_adu=16 * GAIN, step_adu=16.0)]
    assert estimate(padded).e_per_adu == pytest.approx(GAIN, rel=0.2)


@pytest.mark.parametrize("kind", ["bias", "dark"])
def test_a_bias_or_dark_frame_tells_pedestal_and_gain(kind):
    camera = estimate([frame(90, 0.0, kind=kind), frame(0, 300.0, slope=0.0)])
    assert camera.pedestal_adu == pytest.approx(PEDESTAL_ADU, abs=15.0)
    assert camera.e_per_adu == pytest.approx(GAIN, rel=0.1)
    assert camera.e_per_adu_error_fraction < 0.15


def test_a_ramp_of_the_sensor_is_no_light():
    # 180 ADU of ramp in every frame; the sky itself is even, and changes a little.
    camera = estimate(night(sky_e=40.0, drift=0.2, ramp_adu=180.0, slope=0.0))
    assert abs(math.log(camera.e_per_adu / GAIN)) < max(2.0 * camera.e_per_adu_error_fraction, 0.47)
    alone = estimate([frame(0, 40.0, ramp_adu=180.0, slope=0.0)])
    assert abs(math.log(alone.e_per_adu / GAIN)) < 2.5 * alone.e_per_adu_error_fraction


def test_a_subtracted_sky_has_steady_numbers_and_a_large_error():
    values = {"pixel_noise_adu": 60.0, "background_gradient_adu": 10.0}
    cameras = [
        estimate([frame(number, 300.0, pedestal=-300.0 / GAIN + step, slope=0.0, whole_numbers=False,
                        negative_fraction=0.5) for number, step in enumerate((-3.0, 3.0)[: count + 1])])
        for count in range(2)
    ]  # fmt: skip
    seen = [pedestal_values({**values, "background_adu": level}, cameras[1], 60.0) for level in (-3.0, 3.0)]
    assert seen[0]["effective_sky_adu"] == seen[1]["effective_sky_adu"]
    assert cameras[0].e_per_adu == pytest.approx(cameras[1].e_per_adu, rel=0.1)
    assert all(camera.e_per_adu_error_fraction > 0.4 for camera in cameras)


def test_pixels_from_zero_to_one_have_the_same_sky_in_their_unit():
    scaled = [
        Exposed(frame_id=one.frame_id, unit_adu=1 / 65535, whole_numbers=False, step_adu=0.0,
                cells=tuple((p, level / 65535, variance / 65535**2, n) for p, level, variance, n in one.cells))
        for one in night()
    ]  # fmt: skip
    assert estimate(scaled).e_per_adu / 65535 == pytest.approx(GAIN, rel=0.1)


def test_the_sky_that_noise_can_see_needs_no_pedestal():
    camera = estimate(night())
    variance = (300.0 + READ_NOISE_E**2) / GAIN**2
    values = {"background_adu": 1900.0, "pixel_noise_adu": math.sqrt(variance), "background_gradient_adu": 100.0}
    found = pedestal_values(values, camera, 60.0)
    assert found["effective_sky_adu"] == pytest.approx(309.0 / GAIN, rel=0.1)
    assert found["background_gradient_fraction"] == pytest.approx(100.0 * GAIN / 309.0, rel=0.1)
    assert found["effective_sky_error_fraction"] >= camera.e_per_adu_error_fraction


def test_a_pool_keeps_few_frames_the_extremes_among_them_and_survives_as_json():
    pool = CameraPool()
    for one in [frame(99, 0.0, kind="bias"), *night(frames=60, drift=4.0)]:
        pool.note(one)
        pool.note(one)
    kept = [one.frame_id for one in pool.frames]
    assert len(kept) == 25
    assert {"0099", "0000", "0059"} <= set(kept)
    assert CameraPool.restore(pool.state()).camera() == pool.camera()
    pool.note(frame(98, 0.0, kind="dark", whole_numbers=False))
    assert len(pool.frames) == 25
    pool.note(frame(200, 300.0, unit_adu=1 / 65535))
    assert [one.frame_id for one in pool.frames] == ["0200"]


@pytest.mark.parametrize(
    ("camera", "low_e", "high_e"),
    [("ZWO ASI2600MM Pro", 0.8, 4.0), ("QHY600M", 0.8, 4.0), ("SBIG STL-11000 3 CCD Camera", 6.0, 14.0),
     ("Canon EOS 6D", 1.5, 8.0), ("Seestar S50", 0.5, 5.5), ("", ANY.low_e, ANY.high_e)],
)  # fmt: skip
def test_read_noise_of_cameras_by_their_names(camera, low_e, high_e):
    noise = read_noise_of(camera)
    assert noise.low_e >= 0.5 * low_e
    assert noise.high_e <= 1.3 * high_e
