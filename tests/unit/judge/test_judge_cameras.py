"""What frames tell of a camera holds for all of its targets and filters, and survives a restart."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.judge import Judge
from astro_monitor.records import NoiseCell, Skipped, SkyNoise, baseline_key
from astro_monitor.settings import Settings

GAIN, READ_NOISE_E, PEDESTAL_ADU = 0.3, 3.0, 500.0


def noise_of(sky_e, seed):
    rng = np.random.default_rng(seed)
    sky = sky_e * np.linspace(0.95, 1.05, 24)
    variance = (sky + READ_NOISE_E**2) / GAIN**2 * (1 + 0.02 * rng.standard_normal(24))
    return SkyNoise(
        cells=tuple(
            NoiseCell(
                place=place, level_adu=PEDESTAL_ADU + sky[place] / GAIN, variance_adu2=variance[place], pairs=6000
            )
            for place in range(24)
        )
    )


@pytest.fixture
def exposed(frame):
    """A frame with the noise of a sky in electrons; its numbers are those of one frame by itself: S is a guess."""

    def make(number, sky_e=300.0, **meta):
        noise = noise_of(sky_e, number)
        values = {
            "background_adu": PEDESTAL_ADU + sky_e / GAIN, "effective_sky_adu": 5000.0,
            "pixel_noise_adu": math.sqrt((sky_e + READ_NOISE_E**2) / GAIN**2),
        }  # fmt: skip
        examined = frame(number, meta=meta, **values)
        return replace(examined, measurements=replace(examined.measurements, sky_noise=noise))

    return make


def bias(number, exposed):
    light = exposed(number)
    return Skipped(
        arrival=light.arrival, frame_id=f"b{number:015x}", sha256="", meta=replace(light.meta, kind="bias"),
        sensor_shape=light.sensor_shape, sentence="a bias frame", timings_s={}, sky_noise=noise_of(0.0, 1000 + number),
    )  # fmt: skip


def baseline_of(judge, examined):
    return judge.baseline_for(baseline_key(examined.meta, examined.sensor_shape))


def test_what_is_usual_follows_what_becomes_known_of_the_camera(judge, exposed):
    for number in range(8):
        judge.judge(exposed(number, 300.0 * (1 + 0.05 * number)))
    baseline = baseline_of(judge, exposed(9))
    assert baseline.camera.e_per_adu == pytest.approx(GAIN, rel=0.15)
    # Each frame was noted with 5000 ADU.
    assert baseline.spreads["effective_sky_adu"].median == pytest.approx(1.18 * 300.0 / GAIN, rel=0.15)


def test_other_filters_share_the_camera_but_another_gain_does_not(judge, exposed):
    for number in range(6):
        judge.judge(exposed(number, 300.0))
    judge.judge(exposed(6, 20.0, filter="Ha"))
    shared = baseline_of(judge, exposed(7, filter="Ha")).camera
    assert shared.frames == 7
    assert shared.e_per_adu == pytest.approx(GAIN, rel=0.1)
    assert baseline_of(judge, exposed(7, filter="O3")).camera == shared
    assert not baseline_of(judge, exposed(7, gain=200.0)).camera.known


def test_a_bias_frame_tells_the_camera_before_any_light(judge, exposed):
    judge.cameras.note_calibration(bias(0, exposed))
    judge.judge(exposed(1))
    camera = baseline_of(judge, exposed(2)).camera
    assert (camera.source, camera.frames) == ("bias", 1)
    assert camera.pedestal_adu == pytest.approx(PEDESTAL_ADU, abs=2.0)


def test_cameras_survive_a_restart_and_stay_shared(judge, exposed):
    judge.cameras.note_calibration(bias(0, exposed))
    for number in range(4):
        judge.judge(exposed(number, filter="L" if number % 2 else "R"))
    state = json.loads(json.dumps(judge.state()))
    again = Judge.restore(Settings().judge, Settings().site, state)
    for each in (judge, again):
        each.judge(exposed(5, 900.0, filter="L"))
    assert baseline_of(again, exposed(6, filter="R")) == baseline_of(judge, exposed(6, filter="R"))
    assert baseline_of(again, exposed(6, filter="R")).camera.frames == 5


def test_a_file_that_was_not_complete_tells_nothing_of_the_camera(judge, exposed):
    for number in range(3):
        judge.judge(exposed(number))
    judge.retract(exposed(2).frame_id)
    assert baseline_of(judge, exposed(4)).camera.frames == 2
