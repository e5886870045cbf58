import numpy as np
import pytest

from astro_monitor.measure.background import background
from astro_monitor.records import SkyMap


def mesh(rows=40, columns=60):
    return np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")


def describe(make_frame, level, noise=20.0, px=1, dtype=np.uint16, **meta):
    frame = make_frame(np.zeros((16, 16), dtype), px=px, **meta)
    return background(frame, SkyMap(level_adu=level.astype(np.float32), noise_adu=noise, cell_px=64))


def test_a_slope_is_measured_from_edge_to_edge(make_frame):
    y, x = mesh()
    found = describe(make_frame, 1000 + 50 * x, pedestal_adu=200.0)
    assert found.level_adu == pytest.approx(1000)
    assert found.gradient_adu == pytest.approx(100, rel=0.01)
    assert found.gradient_angle_deg == pytest.approx(0, abs=0.5)
    assert describe(make_frame, 1000 - 50 * y, pedestal_adu=200.0).gradient_angle_deg == pytest.approx(-90, abs=0.5)


def test_a_nebula_is_no_gradient(make_frame):
    y, x = mesh()
    nebula = 600 * np.exp(-((x - 0.4) ** 2 + (y + 0.3) ** 2) / 0.04)
    assert (nebula > 30).mean() > 0.08
    found = describe(make_frame, 1000 + 20 * x + nebula, pedestal_adu=0.0)
    assert found.gradient_adu < 80


def test_clouds_are_patches(make_frame):
    rng = np.random.default_rng(1)
    coarse = rng.normal(0, 40, (8, 12))
    clear = describe(make_frame, 1000 + rng.normal(0, 0.8, (40, 60)), pedestal_adu=0.0)
    cloudy = describe(make_frame, 1000 + np.kron(coarse, np.ones((5, 5))), pedestal_adu=0.0)
    assert clear.rough_adu == pytest.approx(0, abs=0.1)
    assert cloudy.rough_adu == pytest.approx(40, rel=0.4)


def test_the_header_knows_the_pedestal_best(make_frame):
    assert describe(make_frame, np.full((9, 9), 800.0), pedestal_adu=512.0, e_per_adu=1.0).pedestal_adu == 512.0


def test_photon_noise_and_gain_give_the_level_without_light(make_frame):
    # 600 ADU of sky at 0.5 e/ADU have a noise of sqrt(600 / 0.5) ADU.
    noise = np.sqrt(600 / 0.5)
    found = describe(make_frame, np.full((9, 9), 1100.0), noise=noise, e_per_adu=0.5)
    assert found.pedestal_adu == pytest.approx(500, rel=0.01)
    super_pixels = describe(make_frame, np.full((9, 9), 1100.0), noise=noise / 2, px=2, e_per_adu=0.5)
    assert super_pixels.pedestal_adu == pytest.approx(500, rel=0.01)


def test_without_any_hint_the_pedestal_stays_within_the_sky(make_frame):
    for noise in (0.1, 5.0, 1e4):
        found = describe(make_frame, np.full((9, 9), 1100.0), noise=noise)
        assert 0 <= found.pedestal_adu <= 1100


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (3, 3), (5, 5), (100, 150)])
def test_any_mesh_will_do(make_frame, shape):
    found = describe(make_frame, np.full(shape, 300.0))
    assert found.gradient_adu == pytest.approx(0, abs=1e-6)
    assert np.isfinite([found.gradient_angle_deg, found.rough_adu, found.pedestal_adu]).all()
