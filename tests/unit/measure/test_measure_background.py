import numpy as np
import pytest

from astro_monitor.measure.background import background
from astro_monitor.records import SkyMap


def mesh(rows=40, columns=60):
    return np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")


def describe(level, noise=20.0):
    return background(SkyMap(level_adu=level.astype(np.float32), noise_adu=noise, cell_px=64))


def test_a_slope_is_measured_from_edge_to_edge():
    y, x = mesh()
    found = describe(1000 + 50 * x)
    assert found.level_adu == pytest.approx(1000)
    assert found.gradient_adu == pytest.approx(100, rel=0.01)
    assert found.gradient_angle_deg == pytest.approx(0, abs=0.5)
    assert describe(1000 - 50 * y).gradient_angle_deg == pytest.approx(-90, abs=0.5)


def test_a_nebula_is_no_gradient():
    y, x = mesh()
    nebula = 600 * np.exp(-((x - 0.4) ** 2 + (y + 0.3) ** 2) / 0.04)
    assert (nebula > 30).mean() > 0.08
    found = describe(1000 + 20 * x + nebula)
    assert found.gradient_adu < 80


def test_clouds_are_patches():
    rng = np.random.default_rng(1)
    coarse = rng.normal(0, 40, (8, 12))
    clear = describe(1000 + rng.normal(0, 0.8, (40, 60)))
    cloudy = describe(1000 + np.kron(coarse, np.ones((5, 5))))
    assert clear.rough_adu == pytest.approx(0, abs=0.1)
    assert cloudy.rough_adu == pytest.approx(40, rel=0.4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (3, 3), (5, 5), (100, 150)])
def test_any_mesh_will_do(shape):
    found = describe(np.full(shape, 300.0))
    assert found.gradient_adu == pytest.approx(0, abs=1e-6)
    assert np.isfinite([found.gradient_angle_deg, found.rough_adu]).all()
