import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.measure.stamps import MAX_STARS, select
from astro_monitor.measure.stars import clear_stars, clearest
from astro_monitor.metrics import KEYS
from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, Baseline, FixedLine, Streak
from astro_monitor.testing.measuring import measured_against


def of_field(make_frame, make_detections, field, star, *, bin_factor=1, light=1.0, sky=1000.0, **meta):
    frame = make_frame(field.image(star, light=light, sky=sky), **meta)
    detections = make_detections(
        field.x, field.y, light * field.peak, sky=sky, shape=field.shape, bin_factor=bin_factor
    )
    return frame, detections


def check_complete(measured):
    assert set(measured.values) == set(KEYS)
    for key, value in measured.values.items():
        if value is None:
            assert measured.why_missing[key]
        else:
            assert isinstance(value, float)
            assert math.isfinite(value)
            assert key not in measured.why_missing
    assert len(measured.field_grid) == 48
    assert len(measured.bright_stars) <= 150


@pytest.mark.parametrize(("fwhm", "bin_factor"), [(2.2, 1), (3.5, 1), (8.0, 2), (12.0, 4)])
def test_a_field_is_measured_in_pixels_of_the_sensor(
    make_frame, make_detections, draw_field, profile, no_baseline, fwhm, bin_factor
):
    count = 120 // bin_factor
    field = draw_field(count=count)
    frame, detections = of_field(
        make_frame, make_detections, field, profile(fwhm), bin_factor=bin_factor, scale_arcsec_px=1.5, e_per_adu=1.0
    )
    stars, measured = measured_against(frame, detections, no_baseline)
    check_complete(measured)
    values = measured.values
    assert values["fwhm_px"] == pytest.approx(fwhm, rel=0.05)
    assert values["fwhm_arcsec"] == pytest.approx(1.5 * values["fwhm_px"])
    assert values["elongation"] < 1.06
    assert values["star_count"] == count
    assert values["background_adu"] == pytest.approx(1000)
    assert values["transparency"] is None
    assert "no earlier frame" in measured.why_missing["transparency"]
    assert stars.stamps.shape == (stars.x_px.size, 25, 25)
    assert stars.stamps.dtype == np.float32
    assert stars.stamp_bin == bin_factor
    assert not stars.stamps.flags.writeable


def test_centres_are_refined(make_frame, make_detections, field, profile, no_baseline):
    frame, _ = of_field(make_frame, make_detections, field, profile(3.0))
    rough = make_detections(field.x + 0.7, field.y - 0.6, field.peak, shape=field.shape)
    stars, _ = measured_against(frame, rough, no_baseline)
    nearest = np.hypot(field.x[None] - stars.x_px[:, None], field.y[None] - stars.y_px[:, None]).min(axis=1)
    assert np.median(nearest) < 0.06


def test_super_pixels_are_undone(make_frame, make_detections, field, profile, no_baseline):
    frame, detections = of_field(make_frame, make_detections, field, profile(3.0), px=2)
    _, measured = measured_against(frame, detections, no_baseline)
    assert measured.values["fwhm_px"] == pytest.approx(6.0, rel=0.05)
    x, y = np.array([(star.x_px, star.y_px) for star in measured.bright_stars]).T
    nearest = np.hypot(2 * field.x[None] + 0.5 - x[:, None], 2 * field.y[None] + 0.5 - y[:, None]).min(axis=1)
    assert np.median(nearest) < 0.1


@pytest.mark.parametrize("times", [1.0, 2.0, 3.5])
def test_trails_have_their_length_and_direction(make_frame, make_detections, field, profile, no_baseline, times):
    star = profile(2.5, trail=times * 2.5, angle_deg=-40)
    frame, detections = of_field(make_frame, make_detections, field, star)
    _, measured = measured_against(frame, detections, no_baseline)
    values = measured.values
    assert values["trail_length_px"] == pytest.approx(times * 2.5, rel=0.1)
    assert values["fwhm_minor_px"] == pytest.approx(2.5, rel=0.1)
    assert values["elongation_angle_deg"] == pytest.approx(-40, abs=3)
    assert values["angle_coherence"] > 0.8
    assert values["central_dip_fraction"] < 0.05


def test_rings_are_distinguished_from_wide_stars(make_frame, make_detections, field, profile, no_baseline):
    ring, _ = of_field(make_frame, make_detections, field, profile(2.0, ring=6.0))
    wide, detections = of_field(make_frame, make_detections, field, profile(6.0))
    assert measured_against(ring, detections, no_baseline)[1].values["central_dip_fraction"] > 0.6
    assert measured_against(wide, detections, no_baseline)[1].values["central_dip_fraction"] < 0.05


def test_cloud_costs_light(make_frame, make_detections, field, profile, no_baseline):
    frame, detections = of_field(make_frame, make_detections, field, profile(3.0))
    reference = measured_against(frame, detections, no_baseline)[1].bright_stars
    baseline = Baseline(key=no_baseline.key, size=5, reference_stars=reference)
    cloudy, dimmed = of_field(make_frame, make_detections, field, profile(3.6), light=0.45, sky=1500.0)
    _, measured = measured_against(cloudy, dimmed, baseline)
    # Peaks fall with the light; the wider star of the same peak holds (3.6 / 3.0)² times the light.
    expected = 0.45 * (3.6 / 3.0) ** 2
    assert measured.values["transparency"] == pytest.approx(expected, rel=0.05)
    assert measured.values["extinction_mag"] == pytest.approx(-2.5 * math.log10(expected), abs=0.05)
    assert measured.values["matched_star_count"] > 60
    assert measured.values["offset_px"] < 1.0


def test_another_field_says_why_nothing_matches(make_frame, make_detections, field, draw_field, profile, no_baseline):
    frame, detections = of_field(make_frame, make_detections, field, profile(3.0))
    reference = measured_against(frame, detections, no_baseline)[1].bright_stars
    baseline = Baseline(key=no_baseline.key, size=5, reference_stars=reference)
    other, its_stars = of_field(make_frame, make_detections, draw_field(seed=77), profile(3.0))
    _, measured = measured_against(other, its_stars, baseline)
    assert measured.values["transparency"] is None
    assert "reference frame" in measured.why_missing["transparency"]


def test_kinds_are_counted_and_only_stars_are_measured(make_frame, make_detections, field, profile, no_baseline):
    frame = make_frame(field.image(profile(3.0)))
    kind = np.zeros(120, np.uint8)
    kind[:10], kind[10:15] = KIND_ARTEFACT, KIND_EXTENDED
    detections = make_detections(field.x, field.y, field.peak, shape=field.shape, kind=kind)
    stars, measured = measured_against(frame, detections, no_baseline)
    assert measured.values["artefact_count"] == 10
    assert measured.values["extended_count"] == 5
    assert measured.values["star_count"] == 105
    assert (stars.kind == 0).all()


def test_saturated_stars_stand_aside_while_there_are_others(make_frame, make_detections, field, profile, no_baseline):
    image = field.image(profile(3.0))
    limit = float(np.sort(field.peak)[-30]) + 1000
    frame = make_frame(np.minimum(image, np.uint16(limit)), saturation=limit)
    detections = make_detections(field.x, field.y, field.peak, shape=field.shape)
    stars, measured = measured_against(frame, detections, no_baseline)
    assert measured.values["saturated_star_fraction"] < 0.1
    everything = make_frame(np.minimum(image, np.uint16(1500)), saturation=1500.0)
    stars, measured = measured_against(everything, detections, no_baseline)
    assert stars.saturated.mean() > 0.9
    assert measured.bright_stars == () or measured.values["saturated_star_fraction"] < 1
    check_complete(measured)


def test_saturation_shows_even_in_a_binned_frame(make_frame, make_detections, field, profile, no_baseline):
    image = np.minimum(field.image(profile(6.0)), np.uint16(1800))
    detections = make_detections(field.x, field.y, field.peak, shape=field.shape, bin_factor=2)
    stars, _ = measured_against(make_frame(image, saturation=1800.0), detections, no_baseline)
    assert stars.saturated.mean() > 0.9


def test_a_blind_corner_is_dead(make_frame, make_detections, draw_field, profile, no_baseline):
    field = draw_field(count=1500)
    seen = ~((field.x < 200) & (field.y < 200))
    field.x, field.y, field.peak = field.x[seen], field.y[seen], field.peak[seen]
    frame, detections = of_field(make_frame, make_detections, field, profile(2.5))
    _, measured = measured_against(frame, detections, no_baseline)
    assert measured.values["dead_cell_fraction"] == pytest.approx(4 / 48)
    assert measured.field_grid[0].fwhm_px is None
    assert [(cell.row, cell.column) for cell in measured.field_grid[:9]] == [(0, c) for c in range(8)] + [(1, 0)]


def test_choice_is_bounded_spread_and_repeatable(make_frame, make_detections, draw_field, profile):
    field = draw_field(count=2000)
    # One half of the field holds all bright stars.
    field.peak[field.x < 400] *= 50
    frame, detections = of_field(make_frame, make_detections, field, profile(2.0))
    chosen = select(frame, detections)
    assert chosen.size == MAX_STARS
    assert np.array_equal(chosen, np.sort(chosen))
    assert np.array_equal(chosen, select(frame, detections))
    assert (detections.x_px[chosen] > 400).sum() >= 70


def test_streaks_are_given_in_sensor_pixels(make_frame, make_detections, no_baseline):
    frame = make_frame(np.full((64, 64), 500, np.uint16), px=2)
    detections = make_detections([], [], [], shape=(64, 64))
    streak = Streak(x0_px=0, y0_px=0, x1_px=30, y1_px=40, angle_deg=53.13, length_px=50, width_px=3)
    object.__setattr__(detections, "streaks", (streak,))
    _, measured = measured_against(frame, detections, no_baseline)
    assert measured.values["streak_count"] == 1
    assert (measured.streaks[0].length_px, measured.streaks[0].x0_px, measured.streaks[0].x1_px) == (100, 0.5, 60.5)


@pytest.mark.parametrize(
    ("x_px", "on_sky", "trails"), [(100.5, False, 0), (101.5, False, 0), (160.5, False, 1), (100.5, True, 1)]
)
def test_a_line_that_the_rig_is_known_for_is_no_trail(
    make_frame, make_detections, no_baseline, x_px: float, on_sky: bool, trails: int
):
    frame = make_frame(np.full((64, 64), 500, np.uint16), px=2)
    detections = make_detections([], [], [], shape=(64, 64))
    streak = Streak(x0_px=50, y0_px=0, x1_px=50, y1_px=40, angle_deg=90, length_px=40, width_px=3)
    object.__setattr__(detections, "streaks", (streak,))
    line = FixedLine(x0_px=x_px, y0_px=4, x1_px=x_px, y1_px=84, width_px=6, on_sky=on_sky)
    _, measured = measured_against(frame, detections, replace(no_baseline, fixed_lines=(line,)))
    assert measured.values["streak_count"] == len(measured.streaks) == trails
    assert len(measured.fixed_streaks) == 1 - trails


@pytest.mark.parametrize("shape", [(8, 8), (12, 25), (25, 25), (26, 400), (64, 64)])
@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize("bin_factor", [1, 8])
def test_small_frames_and_few_stars_never_fail(make_frame, make_detections, no_baseline, shape, count, bin_factor):
    rng = np.random.default_rng(1)
    pixels = rng.integers(900, 1100, shape).astype(np.uint16)
    x, y = rng.uniform(0, shape[1], count), rng.uniform(0, shape[0], count)
    detections = make_detections(x, y, np.full(count, 500.0), shape=shape, cell=min(shape), bin_factor=bin_factor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, measured = measured_against(make_frame(pixels), detections, no_baseline)
    check_complete(measured)
    assert measured.values["star_count"] == count


@pytest.mark.parametrize(
    ("fill", "dtype", "saturation"),
    [
        (0, np.uint16, 65535.0),
        (65535, np.uint16, 65535.0),
        (0.0, np.float32, 1.0),
        (-0.2, np.float32, 1.0),
        (1e30, np.float32, 1e31),
        (-1e6, np.float32, 65535.0),
    ],
)
def test_constant_and_extreme_frames_never_fail(make_frame, make_detections, no_baseline, fill, dtype, saturation):
    pixels = np.full((200, 300), fill, dtype)
    detections = make_detections(
        [100.0, 150.0], [100.0, 120.0], [50.0, 10.0], sky=float(fill), noise=1e-6, shape=(200, 300)
    )
    _, measured = measured_against(make_frame(pixels, saturation=saturation), detections, no_baseline)
    check_complete(measured)


def test_frames_between_zero_and_one_are_measured_like_others(make_frame, make_detections, field, profile, no_baseline):
    whole = field.image(profile(3.0))
    unit = (whole / 65535 - 0.02).astype(np.float32)
    detections = make_detections(
        field.x, field.y, field.peak / 65535, sky=1000 / 65535 - 0.02, noise=10 / 65535, shape=field.shape
    )
    _, measured = measured_against(make_frame(unit, saturation=0.9), detections, no_baseline)
    check_complete(measured)
    assert measured.values["fwhm_px"] == pytest.approx(3.0, rel=0.05)
    assert measured.values["star_count_measured"] > 80


def test_same_frame_same_numbers(make_frame, make_detections, field, profile, no_baseline):
    frame, detections = of_field(make_frame, make_detections, field, profile(3.0))
    first, second = (measured_against(frame, detections, no_baseline) for _ in range(2))
    assert first[1] == second[1]
    assert np.array_equal(first[0].stamps, second[0].stamps)


def test_knots_taken_for_stars_do_not_widen_the_stars():
    """Sources of all widths, and a third that are alike and the narrowest: those are the stars."""
    rng = np.random.default_rng(3)
    widths = np.concatenate([rng.normal(2.5, 0.1, 15), rng.uniform(3.5, 30, 35)])
    chosen = clear_stars(widths, np.full(50, 100.0), np.zeros(50, bool))
    assert set(chosen) == set(range(15))


def test_where_most_stars_are_alike_all_speak():
    widths = np.random.default_rng(3).normal(3.0, 0.15, 60)
    widths[:12] = np.linspace(4.5, 9, 12)
    assert len(clear_stars(widths, np.full(60, 100.0), np.zeros(60, bool))) == 60


def hot_field(make_frame, make_detections, widths, places=None):
    """A frame of sources with one width each, and detections that call all of them stars; width 0 is a hot pixel."""
    rng = np.random.default_rng(21)
    image = rng.normal(1000, 10, (600, 800))
    slots = rng.permutation(18 * 24)[: len(widths)]
    x, y = 30 + 31.0 * (slots % 24) + rng.uniform(-3, 3, len(widths)), 30 + 31.0 * (slots // 24)
    y += rng.uniform(-3, 3, len(widths))
    peak = 1000 * (1 + rng.pareto(1.5, len(widths)).clip(0, 20))
    fine = np.arange(-12, 13)[:, None] + (np.arange(5) - 2) / 5
    for i, fwhm in enumerate(widths):
        column, row = round(x[i]), round(y[i])
        if fwhm == 0:
            image[row, column] += peak[i]
            continue
        dx, dy = fine.ravel() + column - x[i], fine.ravel() + row - y[i]
        light = (1 + 4 * (2 ** (1 / 3.5) - 1) * (dx[None] ** 2 + dy[:, None] ** 2) / fwhm**2) ** -3.5
        image[row - 12 : row + 13, column - 12 : column + 13] += peak[i] * light.reshape(25, 5, 25, 5).mean(axis=(1, 3))
    frame = make_frame(np.clip(np.rint(image), 0, 65535).astype(np.uint16))
    return frame, make_detections(x, y, peak, noise=10.0)


def test_hot_pixels_taken_for_stars_do_not_count(make_frame, make_detections, no_baseline):
    """As many single hot pixels as stars, all called stars by the finder."""
    frame, detections = hot_field(make_frame, make_detections, [2.6] * 40 + [0] * 40)
    stars, measured = measured_against(frame, detections, no_baseline)
    assert measured.values["fwhm_px"] == pytest.approx(2.6, rel=0.05)
    assert stars.fwhm_px.min() > 1.5


def test_where_nearly_all_are_hot_pixels_there_is_no_width_and_a_reason(make_frame, make_detections, no_baseline):
    frame, detections = hot_field(make_frame, make_detections, [2.6] * 3 + [0] * 80)
    _, measured = measured_against(frame, detections, no_baseline)
    check_complete(measured)
    assert measured.values["fwhm_px"] is None
    assert "hot pixels" in measured.why_missing["fwhm_px"]


@pytest.mark.parametrize("galaxies", [60, 130])
def test_more_galaxies_than_stars_do_not_widen_the_stars(galaxies):
    """The galaxies are alike enough to be the majority, and all wider than the stars."""
    rng = np.random.default_rng(4)
    widths = np.concatenate([rng.normal(2.8, 0.08, 14), rng.normal(6.0, 0.6, galaxies)])
    chosen = clear_stars(widths, np.full(len(widths), 100.0), np.zeros(len(widths), bool))
    assert set(chosen) == set(range(14))


def test_one_crowd_of_widths_is_taken_whole():
    rng = np.random.default_rng(5)
    for spread in (0.02, 0.1, 0.3):
        widths = 3.0 * np.exp(rng.normal(0, spread, 150))
        assert len(clear_stars(widths, np.full(150, 100.0), np.zeros(150, bool))) >= (150 if spread < 0.2 else 30)


def test_a_clear_star_speaks_before_many_that_noise_has_widened():
    snr = np.array([900.0, 60.0, 25.0, *[6.0] * 12])
    everyone = np.arange(len(snr))
    assert clearest(everyone, snr).tolist() == [0, 1, 2]
    assert clearest(everyone[3:], snr).tolist() == everyone[3:].tolist()
