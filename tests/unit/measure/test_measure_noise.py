"""Level and noise of the sky in parts of a frame: the noise of a pixel, whatever else is in the frame."""

import numpy as np
import pytest

from astro_monitor.measure.noise import FEWEST_PAIRS, sky_noise

GAIN, READ_NOISE_E, OFFSET_ADU = 0.8, 3.0, 500.0


def exposed(sky_e=400.0, shape=(480, 640), seed=1, gain=GAIN, step=1, stars=0):
    """Pixels of a sky that brightens to the right by a fifth, in ADU, and the true variance of each column."""
    rng = np.random.default_rng(seed)
    light = np.broadcast_to(sky_e * np.linspace(0.9, 1.1, shape[1]), shape)
    electrons = rng.poisson(light) + READ_NOISE_E * rng.standard_normal(shape)
    electrons[rng.integers(0, shape[0], stars), rng.integers(0, shape[1], stars)] += rng.exponential(5e3, stars)
    variance = (light[0] + READ_NOISE_E**2) / gain**2
    pixels = step * np.rint((electrons / gain + OFFSET_ADU) / step)
    return np.clip(pixels, 0, 65535).astype(np.uint16), variance


def cells_against(truth, noise):
    width = truth.size // 6
    return [cell.variance_adu2 / truth[cell.place % 6 * width :][:width].mean() for cell in noise.cells]


def test_each_part_has_the_noise_of_its_pixels_and_its_level(make_frame):
    pixels, truth = exposed()
    noise = sky_noise(make_frame(pixels))
    assert [cell.place for cell in noise.cells] == list(range(24))
    assert np.mean(cells_against(truth, noise)) == pytest.approx(1.0, abs=0.02)
    assert np.std(cells_against(truth, noise)) < 0.05
    levels = [cell.level_adu for cell in noise.cells]
    assert levels[0] == pytest.approx(500 + 400 * 0.917 / GAIN, rel=0.01)
    assert levels[5] == pytest.approx(500 + 400 * 1.083 / GAIN, rel=0.01)


def test_stars_hot_pixels_and_rows_of_other_level_are_no_noise(make_frame):
    pixels, truth = exposed(stars=6000)
    rows = np.random.default_rng(2).integers(0, 60, (pixels.shape[0], 1)).astype(np.uint16)
    assert np.mean(cells_against(truth, sky_noise(make_frame(pixels + rows)))) == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize("step", [4, 16])
def test_padded_values_have_the_noise_of_the_camera(make_frame, step):
    pixels, truth = exposed(sky_e=60.0, gain=0.4, step=step)
    noise = sky_noise(make_frame(pixels))
    assert noise.step_adu == step
    assert np.mean(cells_against(truth, noise)) == pytest.approx(1.0, abs=0.05)


def test_super_pixels_tell_the_noise_of_one_sensor_pixel(make_frame):
    pixels, truth = exposed(shape=(960, 1280))
    mean = pixels.reshape(480, 2, 640, 2).mean(axis=(1, 3)).astype(np.float32)
    noise = sky_noise(make_frame(mean, px=2))
    assert np.mean(cells_against(truth.reshape(-1, 2).mean(axis=1), noise)) == pytest.approx(1.0, abs=0.03)


def test_interpolated_pixels_are_known_by_their_neighbours(make_frame):
    pixels, _ = exposed()
    assert sky_noise(make_frame(pixels)).independence > 0.95
    smooth = (0.5 * pixels[:, 1:] + 0.5 * pixels[:, :-1]).astype(np.float32)
    assert sky_noise(make_frame(smooth)).independence == pytest.approx(0.5, abs=0.05)


def test_parts_that_are_black_full_or_without_data_are_left_out(make_frame):
    pixels, _ = exposed()
    pixels[:120] = 0
    pixels[120:240] = 64000
    places = {cell.place for cell in sky_noise(make_frame(pixels)).cells}
    assert places == set(range(12, 24))


def test_pixels_from_zero_to_one_say_so(make_frame):
    pixels, truth = exposed()
    noise = sky_noise(make_frame((pixels / 65535.0).astype(np.float32), saturation=1.0))
    assert noise.unit_adu == pytest.approx(1 / 65535)
    assert noise.cells[8].variance_adu2 * 65535.0**2 == pytest.approx(truth[210:320].mean(), rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (8, 8), (40, 60)])
def test_small_frames_have_few_parts_and_never_fail(make_frame, shape):
    noise = sky_noise(make_frame(exposed(shape=shape)[0]))
    assert all(cell.pairs >= FEWEST_PAIRS for cell in noise.cells)
