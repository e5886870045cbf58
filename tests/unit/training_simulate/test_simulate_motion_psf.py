"""Paths and point-spread functions against closed formulas."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("galsim")

from training.simulate import psf
from training.simulate.motion import Motion
from training.simulate.priors import rig_from_seed

pytestmark = pytest.mark.training
RIG = rig_from_seed(20)


def test_drift_length_and_centre():
    motion = Motion(drift_px=12.0, drift_angle_deg=30.0)
    path = motion.path()
    assert motion.length_px() == pytest.approx(12.0, rel=1e-3)
    assert path.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.ptp(path[:, 1]) / np.ptp(path[:, 0]) == pytest.approx(np.tan(np.radians(30)))


def test_equal_halves_of_a_jump():
    assert Motion(jump_px=4.0, jump_share=0.5).length_px() == pytest.approx(np.sqrt(12) * 2, rel=1e-3)


def test_a_brief_ghost_is_drawn_but_not_counted():
    ghost = Motion(jump_px=30.0, jump_share=0.03)
    assert ghost.length_px() == 0.0
    assert np.ptp(ghost.path()[:, 0]) == pytest.approx(30.0)


def test_rotation_turns_around_the_pivot_and_grows_outwards():
    motion = Motion(rotation_px=10.0)
    assert np.ptp(motion.path(0, 0), axis=0).max() == 0
    corner = np.ptp(motion.path(1, 1), axis=0)
    assert np.hypot(*corner) == pytest.approx(10.0, rel=1e-2)
    half = np.ptp(motion.path(0.5, 0.5), axis=0)
    assert np.hypot(*half) == pytest.approx(5.0, rel=1e-2)
    right = motion.path(1, 0)
    assert np.ptp(right[:, 0]) < 1e-9 < np.ptp(right[:, 1])


def test_gusts_have_the_rms_that_was_asked_for_and_scale():
    motion = Motion(wind_px=2.0, wind_seed=5)
    assert motion.length_px() == pytest.approx(np.sqrt(12) * 2.0, rel=1e-6)
    assert motion.scaled(3.0).length_px() == pytest.approx(3 * motion.length_px(), rel=1e-6)
    assert motion.shares()["wind"] == max(motion.shares().values())


def test_no_motion():
    assert Motion().still
    assert Motion().length_px() == 0.0


def build(**changes):
    return psf.build(RIG, step=5, **({"radius_px": 30} | changes))


def test_light_is_kept():
    for phase in (-2, 0, 1):
        assert build().stamp(phase, 0, 29).sum() == pytest.approx(1.0, abs=0.03)


def test_a_stamp_is_centred_where_its_phase_says():
    star = build()
    offset = np.arange(-12, 13)
    for phase in (-2, 0, 2):
        stamp = star.stamp(phase, 0, 12)
        assert (stamp.sum(axis=0) * offset).sum() / stamp.sum() == pytest.approx(phase / 5, abs=0.02)
        assert (stamp.sum(axis=1) * offset).sum() / stamp.sum() == pytest.approx(0, abs=0.02)


def test_a_trail_widens_along_its_direction_only():
    still, moved = build(), build(path=Motion(drift_px=15.0).path())
    offset = np.arange(-25, 26)

    def variance(star, axis):
        profile = star.stamp(0, 0, 25).sum(axis=axis)
        return (profile * offset**2).sum() / profile.sum()

    assert variance(moved, 0) - variance(still, 0) == pytest.approx(15**2 / 12, rel=0.08)
    assert variance(moved, 1) == pytest.approx(variance(still, 1), rel=0.08)


def test_defocus_makes_a_ring_when_the_pupil_is_obstructed():
    seed = next(seed for seed in range(50) if rig_from_seed(seed).optics == "sct")
    rig = rig_from_seed(seed)
    disc = 6 * rig.f0_px
    ring = psf.build(rig, rays=psf.spot(rig, disc), step=4, radius_px=int(disc) + 10)
    centre = ring.grid.shape[0] // 2
    assert ring.grid[centre, centre] < 0.75 * ring.grid.max()
    assert psf.still_fwhm_px(rig, 1.0, 0.0, disc) == pytest.approx(disc, rel=0.15)


def test_worse_seeing_is_wider_and_normal_seeing_is_f0():
    assert psf.still_fwhm_px(RIG, 1.0, 0.0, 0.0) == pytest.approx(RIG.f0_px)
    assert psf.still_fwhm_px(RIG, 2.0, 0.0, 0.0) > 1.3 * RIG.f0_px


def test_coma_is_lopsided_and_astigmatism_is_not_round():
    from dataclasses import replace

    comatic = replace(RIG, coma_px=8.0, astigmatism_px=0.0, curvature_px=0.0, tilt_px=0.0)
    rays = psf.spot(comatic, 0.0, 1.0, 0.0)
    assert abs((rays[:, 0] ** 3).mean()) > 1e-3
    assert psf.spot(comatic, 0.0, 0.0, 0.0) is None
    stretched = replace(comatic, coma_px=0.0, astigmatism_px=6.0)
    rays = psf.spot(stretched, 3.0, 1.0, 0.0)
    assert not np.isclose(rays[:, 0].std(), rays[:, 1].std(), rtol=0.2)


def test_a_rigs_own_elongation_is_in_every_frame_and_no_fault():
    from training.simulate.conditions import Condition, label

    rig = replace(RIG, elongation_px=0.9 * RIG.f0_px, elongation_angle_deg=0.0)
    rig = replace(rig, f0_px=psf.normal_fwhm_px(rig))
    star = psf.build(rig, step=5, radius_px=30).stamp(0, 0, 29)
    assert (star.sum(axis=0) ** 2).sum() < 0.9 * (star.sum(axis=1) ** 2).sum()
    assert label(rig, Condition()).label == "good"


def test_a_frequency_without_a_number_costs_no_rig():
    """GalSim's transform of this rig's obstructed aperture is no number at one frequency."""
    rig = replace(
        RIG, optics="sct", scale_arcsec_px=0.6378707836919283, aperture_mm=351.11556843345573, struts=0,
        obstruction=0.35235915248839267, round_blur_px=0.10675832273700867, elongation_px=0.0,
        seeing_px=5.6047394934600545, moffat_beta=0.0, coma_px=0.0, astigmatism_px=0.0, curvature_px=0.0, tilt_px=0.0,
    )  # fmt: skip
    assert psf.normal_fwhm_px(rig) == pytest.approx(5.825, rel=0.001)


def test_a_path_leaves_an_excess_over_the_elongation_of_the_optics():
    along = Motion(drift_px=3.0, drift_angle_deg=20.0)
    assert along.excess_px() == pytest.approx(along.length_px())
    twice = np.radians(40.0)
    usual = (4.0 * np.cos(twice), 4.0 * np.sin(twice))
    # The same optics in this frame as ever: what is left is the path. Without them, less is left.
    assert along.excess_px(usual, usual) == pytest.approx(3.0, rel=1e-3)
    assert along.excess_px(usual) == pytest.approx(np.sqrt(9.0 - 4.0), rel=1e-3)
    assert Motion().excess_px(usual) == pytest.approx(2.0)


def test_a_rotation_is_counted_at_the_median_of_the_field():
    turning = Motion(rotation_px=6.0, drift_px=1.0)
    places = np.linspace(-5 / 6, 5 / 6, 6)
    lengths = []
    for x in places:
        for y in places:
            path = turning.path(x, y, 0.7)
            lengths.append(np.sqrt(12 * np.linalg.eigvalsh(np.cov(path.T, bias=True))[-1]))
    assert turning.length_px(0.7) == pytest.approx(np.median(lengths), rel=0.01)


def test_a_ghost_counts_with_a_tenth_of_the_light():
    for share, kindly, severely in (
        (0.03, False, False),
        (0.07, False, True),
        (0.12, True, True),
        (0.96, False, False),
    ):
        jump = Motion(jump_px=30.0, jump_share=share)
        assert (jump.excess_px() > 0, jump.excess_px(least_ghost=0.05) > 0) == (kindly, severely)
