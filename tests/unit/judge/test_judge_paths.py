"""What the kernel, the guider and the wind say about the cause of a trail."""

from __future__ import annotations

import pytest

from astro_monitor.judge import Judge
from astro_monitor.judge.surroundings import NOTHING_REPORTED, REPORTS, Surroundings
from astro_monitor.settings import JudgeSettings, SiteSettings

START_S = 1772395200.0
"""When the frame with number 0 was taken."""

TRAIL = {"trail_length_px": 10.0, "elongation": 2.5, "angle_coherence": 0.95, "fwhm_px": 4.0, "fwhm_minor_px": 3.0,
         "kernel_length_px": 10.0, "kernel_minor_px": 1.0, "kernel_angle_deg": 30.0, "kernel_halo_fraction": 0.2,
         "kernel_peak_count": 1.0, "kernel_gap_fraction": 0.0, "kernel_end_brightness": 0.7,
         "matched_trail_scatter_px2": 30.0, "probabilities": {"very_bad_tracking": 0.95, "good": 0.05}}  # fmt: skip
UNDECIDED = dict.fromkeys(("drift", "periodic", "jump", "wind", "rotation"), 0.2)


def cause(judge: Judge, frame, **values) -> str:
    return judge.judge(frame(10, **{**TRAIL, "causes": UNDECIDED, **values}))[0].cause


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"kernel_gap_fraction": 0.9, "kernel_peak_count": 2.0}, "jump"),
        ({"kernel_gap_fraction": 1.0, "kernel_end_brightness": 0.05, "trail_length_px": 4.5}, "jump"),
        ({"kernel_end_brightness": 1.0}, "periodic"),
        ({"kernel_end_brightness": 0.66}, "drift"),
        ({"kernel_end_brightness": 0.2, "trail_length_px": 4.5}, "wind"),
        ({"matched_trail_scatter_px2": 450.0}, "rotation"),
    ],
)
def test_the_kernel_tells_causes_apart_that_the_model_cannot(settled, frame, values, expected):
    assert cause(settled, frame, **values) == expected


def test_a_sure_model_is_not_overruled_by_the_kernel_alone(settled, frame):
    sure = {**dict.fromkeys(UNDECIDED, 0.005), "drift": 0.98}
    assert cause(settled, frame, causes=sure, kernel_end_brightness=0.9) == "drift"


def test_a_short_path_has_no_shape(settled, frame):
    short = {"kernel_length_px": 2.0, "matched_trail_scatter_px2": 3.0, "kernel_end_brightness": None,
             "kernel_gap_fraction": None, "causes": {**UNDECIDED, "jump": 0.25}}  # fmt: skip
    assert cause(settled, frame, **short) == "jump"


@pytest.fixture
def heard() -> Surroundings:
    return Surroundings()


@pytest.fixture
def judge(heard: Surroundings) -> Judge:
    return Judge(JudgeSettings(), SiteSettings(), surroundings=heard)


def report(heard: Surroundings, subject: str, unit: str, **values) -> None:
    heard.hear(subject, START_S + 620.0, [(key, value, unit) for key, value in values.items()])


@pytest.mark.parametrize(("ra", "dec", "expected"), [(0.2, 0.2, "drift"), (4.0, 0.5, "periodic"), (2.5, 2.5, "wind")])
def test_the_guider_says_whether_it_saw_the_trail(settled, heard, frame, ra, dec, expected):
    """A trail of ten pixels of one arcsecond, while the guide star scattered by ``ra`` and ``dec`` arcseconds."""
    report(heard, "guider", "arcsec", rms_ra=ra, rms_dec=dec)
    plain = {"kernel_length_px": None, "causes": {**UNDECIDED, "drift": 0.22}, "meta": {"scale_arcsec_px": 1.0}}
    assert cause(settled, frame, **plain) == expected


def test_a_storm_makes_wind_likely(settled, heard, frame):
    plain = {"kernel_length_px": None, "causes": {**UNDECIDED, "drift": 0.3}}
    report(heard, "weather", "km/h", wind_speed=20.0, wind_gust=50.0)
    assert cause(settled, frame, **plain) == "wind"


def test_only_reports_of_the_exposure_count_and_odd_ones_are_ignored():
    heard = Surroundings()
    heard.hear("guider", 100.0, [("rms_ra", 0.5, "arcsec"), ("rms_dec", 0.7, "px"), ("state", "guiding", "")])
    heard.hear("guider", 110.0, [("rms_ra", 0.9, "arcsec"), ("rms_dec", True, "arcsec"), ("rms_dec", -1.0, "arcsec")])
    heard.hear("focuser", 110.0, [("rms_ra", 99.0, "arcsec")])
    found = heard.during(90.0, 60.0)
    assert found.rms_ra_arcsec == pytest.approx(0.7)
    assert (found.rms_dec_arcsec, found.wind_m_s) == (None, None)
    assert heard.during(500.0, 60.0) == NOTHING_REPORTED
    for number in range(2 * REPORTS):
        heard.hear("weather", float(number), [("wind_speed", 1.0, "m/s")])
    assert heard.during(0.0, 60.0) == NOTHING_REPORTED
