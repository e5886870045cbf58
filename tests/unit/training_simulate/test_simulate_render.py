"""Frames and their truth: what is listed is where, and as bright, as listed."""

from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.records import CLASSES, KIND_ARTEFACT, KIND_STAR

pytest.importorskip("galsim")

from training.simulate import (
    AMBIGUOUS,
    Condition,
    Motion,
    StarField,
    draw_condition,
    draw_field,
    draw_rig,
    render,
    rig_from_seed,
    rig_split,
    simulate_night,
    write_light,
    write_truth,
)
from training.simulate.conditions import label
from training.simulate.filter_array import on_sensor
from training.simulate.nights import CLASS_OF_CAUSE
from training.simulate.sky import Galaxy
from training.simulate.write import DIALECTS, MASK_SATURATED, MASK_STAR, MASK_STREAK

pytestmark = pytest.mark.training
SHAPE = (192, 256)
FLAWS = (
    "vignetting_fraction normal_gradient_fraction amp_glow_fraction hot_pixel_fraction dead_pixel_fraction "
    "elongation_px column_noise_e row_noise_e coma_px astigmatism_px curvature_px tilt_px"
).split()
PLAIN = replace(rig_from_seed(20), dust_motes=0, **dict.fromkeys(FLAWS, 0.0))
"""A rig without flaws, whose frames can be compared with formulas."""


def one_star(flux_e, x=100.3, y=80.7):
    return StarField(x_px=np.array([x]), y_px=np.array([y]), flux_e=np.array([flux_e]), galaxies=(), nebula=None)


def take(field, condition=None, rig=PLAIN, seed=1, shape=SHAPE):
    return render(rig, field, condition or Condition(), np.random.default_rng(seed), shape)


def test_rigs_follow_from_their_seed_and_are_split_by_it():
    first, second = draw_rig(np.random.default_rng(5)), draw_rig(np.random.default_rng(5))
    assert first == second == rig_from_seed(first.seed)
    parts = [rig_split(seed) for seed in range(2000)]
    assert parts.count("train") / 2000 == pytest.approx(0.70, abs=0.04)
    assert parts.count("test") / 2000 == pytest.approx(0.15, abs=0.04)


def test_rigs_cover_the_priors():
    rigs = [rig_from_seed(seed) for seed in range(150)]
    assert {rig.optics for rig in rigs} == {"refractor", "newtonian", "sct", "rc", "lens", "wide", "observatory"}
    assert {rig.bit_depth for rig in rigs} == {12, 14, 16}
    assert {rig.binning for rig in rigs} == {1, 2, 3, 4}
    assert all(1.2 <= rig.f0_px <= 15 for rig in rigs)
    assert min(rig.f0_px for rig in rigs) < 1.6 < 9 < max(rig.f0_px for rig in rigs)
    assert min(rig.scale_arcsec_px for rig in rigs) < 0.3 < 20 < max(rig.scale_arcsec_px for rig in rigs)
    assert min(rig.exposure_s for rig in rigs) < 1 < 300 < max(rig.exposure_s for rig in rigs)
    assert 0.1 < sum(rig.calibrated for rig in rigs) / len(rigs) < 0.25
    assert 0.1 < sum(rig.elongation_px > 0.7 for rig in rigs) / len(rigs) < 0.6
    assert all(rig.offset_adu < rig.saturation_adu <= 65535 for rig in rigs)


def test_the_same_generator_gives_the_same_frame():
    field = draw_field(np.random.default_rng(2), PLAIN, SHAPE)
    condition = draw_condition(np.random.default_rng(3), PLAIN)
    first, second = take(field, condition), take(field, condition)
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.stars, second.stars)
    assert not np.array_equal(first.pixels, take(field, condition, seed=2).pixels)


def test_a_star_has_its_flux_place_and_peak():
    frame = take(one_star(40_000 * PLAIN.noise_e / 20))
    (star,) = frame.stars
    signal = frame.pixels.astype(float) - frame.pedestal_adu - frame.sky_adu
    around = signal[60:102, 80:122]
    assert around.sum() == pytest.approx(star["flux_adu"], rel=0.05)
    weight = np.where(around > 3 * frame.noise_adu, around, 0)
    y, x = np.indices(around.shape)
    assert (weight * x).sum() / weight.sum() + 80 == pytest.approx(star["x_px"], abs=0.1)
    assert (weight * y).sum() / weight.sum() + 60 == pytest.approx(star["y_px"], abs=0.1)
    assert abs(star["x_px"] - 100.3) <= 0.2
    assert around.max() == pytest.approx(star["peak_adu"], rel=0.15)
    assert frame.star_mask[81, 100] == 1
    assert frame.star_mask[20, 20] == 0


def test_snr_is_what_a_matched_filter_measures():
    flux_e = 14 * PLAIN.noise_e * PLAIN.f0_px
    quiet = take(StarField(x_px=np.zeros(0), y_px=np.zeros(0), flux_e=np.zeros(0), galaxies=(), nebula=None))
    truth = float(take(one_star(flux_e, 100.0, 80.0)).stars["snr"][0])
    bright = take(one_star(4000 * flux_e, 100.0, 80.0), rig=replace(PLAIN, full_well_e=1e12, gain_e_adu=500.0))
    template = bright.pixels[70:91, 90:111].astype(float)
    template -= np.median(bright.pixels)
    template /= template.sum()
    noise = quiet.pixels.std()
    estimates = []
    for seed in range(40):
        stamp = take(one_star(flux_e, 100.0, 80.0), seed=seed).pixels[70:91, 90:111] - quiet.pixels.mean()
        estimates.append((stamp * template).sum() / (noise * np.sqrt((template**2).sum())))
    assert np.mean(estimates) == pytest.approx(truth, rel=0.15)


def test_sky_noise_and_pedestal_are_true():
    frame = take(one_star(1.0))
    assert frame.pixels.mean() == pytest.approx(frame.sky_adu + frame.pedestal_adu, rel=1e-3)
    assert frame.pixels.std() == pytest.approx(np.hypot(frame.noise_adu, PLAIN.adu_step / np.sqrt(12)), rel=0.05)
    assert len(frame.stars) == 0
    assert "few_stars" in frame.labels.flags


def test_cloud_takes_light_and_brings_noise():
    field = one_star(1e4 * PLAIN.noise_e)
    clear, cloudy = take(field), take(field, Condition(extinction_mag=1.0, cloud_glow=1.0))
    assert cloudy.stars["flux_adu"][0] / clear.stars["flux_adu"][0] == pytest.approx(10**-0.4, rel=1e-3)
    assert cloudy.sky_adu > clear.sky_adu
    assert cloudy.labels.label == "background_issue"


def test_sky_faults_have_their_strength():
    field = one_star(1.0)
    seen_adu = PLAIN.effective_sky_e / PLAIN.gain_e_adu
    clear = take(field).sky_adu
    assert take(field, Condition(sky_factor=6.0)).sky_adu - clear == pytest.approx(5 * seen_adu, rel=1e-3)
    tilted = take(field, Condition(gradient_fraction=2.0)).pixels.astype(float)
    assert (tilted[:, -8:].mean() - tilted[:, :8].mean()) / seen_adu == pytest.approx(2.0, rel=0.1)


def test_a_calibrated_frame_has_no_pedestal_and_negative_pixels():
    rig = replace(PLAIN, calibrated=True, float_pixels=True, offset_adu=0.0, sky_e_s=1 / PLAIN.exposure_s)
    frame = take(one_star(1.0), rig=rig)
    assert frame.pixels.dtype == np.float32
    assert frame.pedestal_adu == 0
    assert frame.pixels.min() < 0
    assert frame.pixels.mean() == pytest.approx(frame.sky_adu, abs=4 * frame.noise_adu / np.sqrt(frame.pixels.size))
    assert frame.whole_pixels.dtype == np.uint16


def test_a_ramp_of_the_sensor_is_the_same_in_every_frame_and_no_gradient():
    rig = replace(PLAIN, ramp_adu=400.0, ramp_angle_deg=0.0, ramp_bend=0.0)
    dark, lit = (take(one_star(1.0), Condition(sky_factor=sky), rig=rig) for sky in (1.0, 3.0))
    for frame in (dark, lit):
        values = frame.pixels.astype(float)
        assert values[:, -8:].mean() - values[:, :8].mean() == pytest.approx(400, rel=0.1)
        assert frame.labels.label == "good"


def test_a_flip_turns_the_field_and_leaves_the_sensor():
    field = one_star(1e4 * PLAIN.noise_e)
    there, back = take(field), take(field, Condition(turn_deg=180.0))
    first, second = there.stars[0], back.stars[0]
    assert first["x_px"] + second["x_px"] == pytest.approx(SHAPE[1] - 1, abs=0.3)
    assert first["y_px"] + second["y_px"] == pytest.approx(SHAPE[0] - 1, abs=0.3)


def test_dense_fields_galaxies_and_artefacts_are_listed():
    rng = np.random.default_rng(8)
    kinds = np.zeros(3, int)
    galaxy = Galaxy(x_px=60.0, y_px=50.0, flux_e=3e5, half_light_px=6.0, sersic=1.0, axis_ratio=0.5, angle_deg=30.0)
    for seed in range(6):
        rig = rig_from_seed(seed)
        field = replace(draw_field(rng, rig, SHAPE), galaxies=(galaxy,))
        frame = render(rig, field, replace(Condition(), cosmic_rays_mpx=200.0), rng, SHAPE)
        kinds += np.bincount(frame.stars["kind"], minlength=3)[:3]
        assert (frame.stars["snr"] >= 2).all()
        inside = (frame.stars["x_px"] > -1) & (frame.stars["x_px"] < SHAPE[1])
        assert inside.all()
    assert (kinds > 0).all()


def test_a_saturated_star_is_marked():
    frame = take(one_star(500 * PLAIN.full_well_e * PLAIN.f0_px**2))
    star = frame.stars[frame.stars["kind"] == KIND_STAR][0]
    assert star["saturated"]
    assert frame.saturated_mask.any()
    assert frame.pixels.max() <= PLAIN.converter_max_adu


def test_trails_are_marked_and_listed():
    found = 0
    for seed in range(8):
        frame = take(one_star(1.0), Condition(trails=1), seed=seed)
        found += len(frame.streaks)
        assert bool(frame.streaks) == frame.streak_mask.any() == ("streak" in frame.labels.flags)
        for trail in frame.streaks:
            assert -1 <= trail.x0_px <= SHAPE[1]
            assert -1 <= trail.y1_px <= SHAPE[0]
            middle = round((trail.y0_px + trail.y1_px) / 2), round((trail.x0_px + trail.x1_px) / 2)
            assert frame.streak_mask[middle[0] - 12 : middle[0] + 13, middle[1] - 12 : middle[1] + 13].any()
    assert found >= 6


def test_long_trails_and_wide_rings_can_be_drawn():
    field = one_star(1e5 * PLAIN.noise_e, 120.0, 90.0)
    long = take(field, Condition(motion=Motion(drift_px=60.0)))
    assert long.labels.label == "very_bad_tracking"
    assert np.ptp(np.nonzero(long.star_mask.any(axis=0))[0]) > 55
    wide = take(field, Condition(defocus_px=50.0))
    assert wide.labels.cause == "defocus"
    assert 45 < np.ptp(np.nonzero(wide.star_mask.any(axis=0))[0]) < 90


@pytest.mark.parametrize("wanted", [*CLASSES, AMBIGUOUS])
def test_wanted_classes_are_given(wanted):
    rng = np.random.default_rng(11)
    for seed in range(8):
        rig = rig_from_seed(seed)
        assert label(rig, draw_condition(rng, rig, wanted)).label == wanted


@pytest.mark.parametrize("cause", CLASS_OF_CAUSE)
def test_wanted_causes_are_given(cause):
    rng = np.random.default_rng(12)
    for seed in range(5):
        rig = rig_from_seed(seed)
        assert label(rig, draw_condition(rng, rig, CLASS_OF_CAUSE[cause], cause)).cause == cause


def test_impossible_wishes_are_refused():
    with pytest.raises(ValueError, match="no such class"):
        draw_condition(np.random.default_rng(0), PLAIN, "splendid")
    with pytest.raises(ValueError, match="no cause"):
        draw_condition(np.random.default_rng(0), PLAIN, "bad_seeing", "cloud")


def test_hot_pixels_stay_and_are_artefacts():
    rig = replace(PLAIN, hot_pixel_fraction=1e-3, hot_pixel_e_s=200.0)
    first, second = take(one_star(1.0), rig=rig), take(one_star(1.0), rig=rig, seed=2)
    assert len(first.stars) > 5
    assert (first.stars["kind"] == KIND_ARTEFACT).all()
    assert np.array_equal(first.stars["x_px"], second.stars["x_px"])


def test_a_night_has_its_episodes_in_order():
    frames = list(simulate_night(3, 18, (128, 128), faults=("drift", "satellite", "cloud")))
    causes = [frame.labels.cause for frame in frames]
    assert len({frame.rig.seed for frame in frames}) == 1
    times = [frame.date_obs_utc for frame in frames]
    assert times == sorted(times)
    assert all(frame.labels.label == "good" for frame in frames[:3])
    assert causes.index("drift") < causes.index("cloud")
    with pytest.raises(ValueError, match="no such fault"):
        next(simulate_night(3, 5, (64, 64), faults=("gremlins",)))


def test_an_untroubled_night_is_good():
    assert {frame.labels.label for frame in simulate_night(3, 12, (96, 96), faults=())} == {"good"}


def test_a_mosaic_binned_is_the_super_pixel_frame():
    rig = rig_from_seed(next(seed for seed in range(100) if rig_from_seed(seed).colour))
    rng = np.random.default_rng(4)
    field, condition = draw_field(rng, rig, SHAPE), Condition()
    binned = render(rig, field, condition, rng, SHAPE)
    sensor, fine, same = on_sensor(rig, field, condition)
    mosaic = render(sensor, fine, same, rng, (2 * SHAPE[0], 2 * SHAPE[1]), mosaic=True)
    assert mosaic.bayer == "RGGB"
    cells = mosaic.pixels.reshape(SHAPE[0], 2, SHAPE[1], 2).mean(axis=(1, 3))
    assert np.median(cells) == pytest.approx(np.median(binned.pixels), rel=0.02)
    with pytest.raises(ValueError, match="no colour"):
        on_sensor(replace(rig, colour=False), field, condition)


@pytest.mark.parametrize("program", DIALECTS)
def test_light_frames_say_nothing_of_the_truth(program, tmp_path):
    from astropy.io import fits

    frame = take(one_star(1e5))
    write_light(frame, tmp_path / "light.fits", program)
    with fits.open(tmp_path / "light.fits") as hdus:
        assert len(hdus) == 1
        assert np.array_equal(hdus[0].data, frame.pixels)
        assert hdus[0].header["BZERO"] == 32768
        assert "LABEL" not in hdus[0].header


def test_an_unknown_program_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no header dialect"):
        write_light(take(one_star(1.0)), tmp_path / "x.fits", "Stellarium")


def test_truth_has_three_parts(tmp_path):
    from astropy.io import fits

    frame = take(one_star(1e7), Condition(trails=1, motion=Motion(drift_px=10)))
    write_truth(frame, tmp_path / "truth.fits")
    with fits.open(tmp_path / "truth.fits") as hdus:
        assert len(hdus) == 3
        assert np.array_equal(hdus[0].data, frame.pixels)
        assert hdus[0].header["LABEL"] == frame.labels.label
        assert hdus[0].header["RIG SEED"] == PLAIN.seed
        assert hdus[1].data["x_px"] == pytest.approx(frame.stars["x_px"])
        mask = hdus[2].data
    assert np.array_equal((mask & MASK_STAR) > 0, frame.star_mask > 0)
    assert np.array_equal((mask & MASK_STREAK) > 0, frame.streak_mask)
    assert np.array_equal((mask & MASK_SATURATED) > 0, frame.saturated_mask)


def test_enlarged_meshes_are_bilinear_and_contiguous():
    from training.simulate.background import enlarge

    mesh = np.arange(12.0).reshape(3, 4)
    large = enlarge(mesh, (5, 7))
    assert large.flags.c_contiguous
    assert large[::2, ::2] == pytest.approx(mesh)
    assert large[1, 1] == pytest.approx(mesh[:2, :2].mean())
