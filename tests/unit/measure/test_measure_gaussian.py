"""Gaussians at pixel centres: exact for sampled Gaussians, and those of other programs for stars with wings."""

import numpy as np
import pytest

from astro_monitor.measure.gaussian import gaussian_fwhm_px, moffat_fwhm_px
from astro_monitor.testing.measuring import measured_against

PLACES = np.arange(60, 460, 80)
X, Y = (axis.ravel() + np.random.default_rng(1).uniform(-0.5, 0.5, 25) for axis in np.meshgrid(PLACES, PLACES))


def draw(fwhm_x: float, fwhm_y: float | None = None, angle_deg: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """Gaussians at pixel centres on a sky of 700."""
    rows, columns = np.mgrid[:500, :500].astype(np.float64)
    image = np.full((500, 500), 700.0) + np.random.default_rng(2).normal(0, noise or 1e-9, (500, 500))
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    for x, y in zip(X, Y, strict=True):
        box = (slice(int(y) - 38, int(y) + 39), slice(int(x) - 38, int(x) + 39))
        dx, dy = columns[box] - x, rows[box] - y
        along, across = cosine * dx + sine * dy, cosine * dy - sine * dx
        image[box] += 5000 * np.exp(-4 * np.log(2) * ((along / fwhm_x) ** 2 + (across / (fwhm_y or fwhm_x)) ** 2))
    return image.astype(np.float32)


@pytest.mark.parametrize("fwhm", [1.4, 2.2, 4.0, 9.0, 16.0])
def test_a_gaussian_has_its_own_width(fwhm):
    found = gaussian_fwhm_px(draw(fwhm), X, Y, fwhm)
    assert found == pytest.approx(np.full(25, fwhm), rel=0.01)


@pytest.mark.parametrize("guess", [0.4, 1.0, 2.5])
def test_the_fit_does_not_depend_on_where_it_starts(guess):
    found = gaussian_fwhm_px(draw(3.0, noise=20.0), X + 0.6, Y - 0.6, 3.0 * guess)
    assert found == pytest.approx(np.full(25, 3.0), rel=0.03)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
def test_the_longer_axis_counts(angle):
    assert gaussian_fwhm_px(draw(5.0, 3.0, angle), X, Y, 4.0) == pytest.approx(np.full(25, 5.0), rel=0.01)


def test_what_is_no_star_or_too_near_the_border_has_no_width():
    noise = np.random.default_rng(3).normal(700, 5, (200, 200)).astype(np.float32)
    found = gaussian_fwhm_px(noise, np.array([100.0, 3.0, 199.0]), np.array([100.0, 100.0, 100.0]), 3.0)
    assert np.isnan(found[1:]).all()
    assert gaussian_fwhm_px(noise, np.empty(0), np.empty(0), 3.0).size == 0
    assert np.isnan(gaussian_fwhm_px(np.zeros((200, 200), np.uint16), np.array([100.0]), np.array([100.0]), 3.0)).all()
    assert np.isnan(gaussian_fwhm_px(noise[:12], np.array([100.0]), np.array([6.0]), 3.0)).all()


@pytest.mark.parametrize(
    ("beta", "fwhm", "siril"),
    [(2.5, 1.3, 1.766), (2.5, 3.0, 3.531), (2.5, 8.0, 8.341), (3.5, 2.0, 2.352), (3.5, 5.0, 5.452), (None, 1.3, 1.478),
     (None, 3.0, 3.080), (None, 8.0, 8.032)],
)  # fmt: skip
def test_both_widths_of_a_field(make_frame, make_detections, draw_field, profile, no_baseline, beta, fwhm, siril):
    """The last column is the result of Siril 1.0.6 for such stars (``python -m benchmarks.widths``)."""
    field = draw_field(count=40)
    image = field.image(profile(fwhm, beta), noise=4.0)
    detections = make_detections(field.x, field.y, field.peak, noise=4.0, bin_factor=2 if fwhm > 6 else 1)
    values = measured_against(make_frame(image), detections, no_baseline)[1].values
    assert values["fwhm_px"] == pytest.approx(fwhm, rel=0.035)
    assert values["fwhm_gauss_px"] == pytest.approx(siril, rel=0.05)


def test_super_pixels_are_undone_in_both_widths(make_frame, make_detections, field, profile, no_baseline):
    """A Gaussian of 3 super-pixels is 6 of the sensor's pixels wide, and 6.04 with one of these in it."""
    detections = make_detections(field.x, field.y, field.peak)
    frame = make_frame(field.image(profile(3.0, None)), px=2)
    values = measured_against(frame, detections, no_baseline)[1].values
    assert values["fwhm_gauss_px"] == pytest.approx(6.04, rel=0.02)


@pytest.mark.parametrize(("beta", "fwhm"), [(2.5, 2.4), (3.5, 3.5), (8.0, 6.0)])
def test_the_width_of_a_saturated_star_is_measured_on_its_flanks(field, profile, beta, fwhm):
    """The peak of the star is three times the saturation level."""
    image = field.image(profile(fwhm, beta), noise=4.0).astype(np.float64)
    bright = np.flatnonzero((field.peak > 4000) & (field.peak < 8000))
    burnt = np.minimum(image, 3000.0).astype(np.float32)
    found = moffat_fwhm_px(burnt, field.x[bright], field.y[bright], 1.3 * fwhm, saturation_adu=3000.0)
    assert np.nanmedian(found) == pytest.approx(fwhm, rel=0.05)
    blind = moffat_fwhm_px(burnt, field.x[bright], field.y[bright], 1.3 * fwhm)
    assert np.nanmedian(blind) > 1.1 * fwhm
