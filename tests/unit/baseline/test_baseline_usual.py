"""What becomes usual over a night, and what never does: records without pixels, whose truth is known."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from astro_monitor.baseline import MIN_BASELINE_FRAMES, WINDOW_FRAMES, History
from astro_monitor.records import Baseline, BaselineKey, baseline_key, fitting_baseline
from astro_monitor.testing.rigs import KINDS, Camera, Frame, Rig, good_night, spoil

NO_KEY = BaselineKey(rig="", target="", filter="", exposure_s=0.0, gain=0.0, binning=1, height=0, width=0)
RIG = Rig(
    fwhm_px=3.0, scale_arcsec_px=1.0, own_px2=(0.0, 0.0), sky_adu=500.0, noise_adu=25.0, pedestal_adu=300.0,
    nebula=(0.0,) * 48, glow_adu=(0.0,) * 48, stars=120,
)  # fmt: skip


class Watch:
    """A camera and the memory of its rig."""

    def __init__(self, rig: Rig = RIG, seed: int = 1, history: History | None = None, target: str = "M 31") -> None:
        self.rng = random.Random(seed)
        self.camera = Camera(rig, self.rng, target)
        empty = self.camera.take(Frame(gap_s=0.0), Baseline(key=NO_KEY))
        self.history = history or History(key=baseline_key(empty.meta, empty.sensor_shape))

    def see(self, frame: Frame, **meta: object) -> str:
        """Note a frame, and return the identity it got."""
        examined = self.camera.take(frame, self.history.baseline())
        examined = replace(examined, meta=replace(examined.meta, **meta))
        self.history.arrive(examined)
        self.history.note(examined)
        return examined.frame_id

    @property
    def baseline(self) -> Baseline:
        return self.history.baseline()

    def width(self) -> float:
        """Usual width over the normal one."""
        return self.baseline.spreads["fwhm_minor_px"].median / RIG.fwhm_px


def faulty(kind: str, rng: random.Random, count: int) -> list[Frame]:
    frames = [Frame() for _ in range(count)]
    spoil(rng, frames, kind)
    return frames


@pytest.mark.parametrize("seed", range(6))
def test_all_frames_of_a_good_night_agree_whatever_the_rig(seed):
    rng = random.Random(seed)
    watch = Watch(Rig.draw(rng), seed)
    for frame in good_night(rng, 25):
        watch.see(frame)
    assert (watch.baseline.size, watch.baseline.number) == (25, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_trouble_from_the_eleventh_frame_never_becomes_usual(kind):
    watch = Watch()
    for frame in [*(Frame() for _ in range(10)), *faulty(kind, watch.rng, 30)]:
        watch.see(frame)
    assert (watch.baseline.size, watch.baseline.number) == (10, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_night_that_begins_badly_is_corrected_by_five_good_frames(kind):
    watch = Watch()
    for frame in faulty(kind, watch.rng, 8):
        watch.see(frame)
    before = watch.baseline.number
    for _ in range(MIN_BASELINE_FRAMES):
        watch.see(Frame())
    assert watch.baseline.size == MIN_BASELINE_FRAMES
    assert watch.baseline.number == before + 1
    assert watch.width() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("first", [1.0, 1.5])
def test_two_good_states_of_the_air_do_not_alternate(first):
    watch = Watch()
    for number in range(60):
        watch.see(Frame(width=first if (number // 6) % 2 == 0 else 2.5 - first))
    assert watch.baseline.number <= 2
    assert watch.width() == pytest.approx(1.0, abs=0.05)


def test_a_focus_that_drifts_is_not_followed():
    watch = Watch()
    for number in range(60):
        watch.see(Frame(width=1.02**number))
    assert watch.baseline.number == 1
    assert watch.width() < 1.3
    assert (watch.history.floor_fwhm_px or 0.0) < 1.1 * RIG.fwhm_px


def test_after_an_autofocus_the_usual_width_may_grow():
    watch = Watch()
    for _ in range(10):
        watch.see(Frame(), focuser_position=12_000.0)
    for _ in range(6):
        watch.see(Frame(width=1.45), focuser_position=12_400.0)
    assert watch.width() == pytest.approx(1.45, abs=0.07)


def test_stars_trailed_on_purpose_are_usual_for_a_target_that_moves():
    trailed = (8.0**2, 0.0)
    watch = Watch()
    for _ in range(10):
        watch.see(Frame(trail_px2=trailed))
    assert watch.baseline.size == 0
    watch.history.sidereal = False
    for _ in range(10):
        watch.see(Frame(trail_px2=trailed))
    assert watch.baseline.size == 10


def test_the_dark_sky_stays_the_measure_while_the_moon_is_up():
    watch = Watch()
    for number in range(10 + WINDOW_FRAMES):
        watch.see(Frame(sky=1.0 if number < 10 else min(1.0 + 0.5 * (number - 9), 8.0)))
    assert watch.baseline.size == WINDOW_FRAMES
    assert watch.baseline.spreads["sky_above_pedestal_adu"].median == pytest.approx(RIG.sky_adu, rel=0.05)


def test_the_dark_sky_after_the_moon_is_the_measure_at_once_and_the_bright_frames_are_judged_again():
    watch = Watch()
    for _ in range(12):
        watch.see(Frame(sky=6.0))
    before = watch.baseline.number
    for _ in range(10):
        watch.see(Frame())
    assert watch.baseline.spreads["sky_above_pedestal_adu"].median == pytest.approx(RIG.sky_adu, rel=0.05)
    assert watch.baseline.number > before


def test_patterns_of_sky_and_sensor_are_told_apart_by_a_flip():
    slope = tuple(0.8 * (place % 8 / 7 - 0.5) for place in range(48))
    glow = tuple(300.0 * math.exp(-(place // 8)) for place in range(48))
    watch = Watch(replace(RIG, nebula=slope, glow_adu=glow))
    for number in range(20):
        watch.see(Frame(turned=number >= 10))
    here, there = watch.baseline.sky_pattern, watch.baseline.turned_sky_pattern
    turned = [glow[place] - 500.0 * slope[place] for place in range(48)]
    middle = sorted(turned)[24]
    assert watch.baseline.size == 20
    assert max(abs(one - other + middle) for one, other in zip(here, turned, strict=True)) < 15.0
    assert max(abs(one - other) for one, other in zip(here, there, strict=True)) > 200.0


def test_the_next_night_begins_with_the_last_as_a_prior_and_makes_its_own():
    watch = Watch()
    for _ in range(20):
        watch.see(Frame(width=0.7))
    watch.see(Frame(width=1.2, gap_s=80_000.0))
    assert watch.baseline.prior
    assert watch.width() == pytest.approx(1.0, abs=0.02)  # raised to the normal width of the site
    for _ in range(4):
        watch.see(Frame(width=1.2))
    assert not watch.baseline.prior
    assert watch.width() == pytest.approx(1.2, abs=0.05)


def test_trouble_from_the_first_frame_of_the_next_night_is_no_usual_state():
    watch = Watch()
    for _ in range(20):
        watch.see(Frame())
    frames = faulty("trail", watch.rng, 20)
    frames[0].gap_s = 80_000.0
    for frame in frames:
        watch.see(frame)
    assert watch.baseline.prior
    assert watch.baseline.size == 15


def test_another_target_begins_with_the_shapes_of_the_rig():
    watch = Watch()
    for _ in range(10):
        watch.see(Frame())
    first = fitting_baseline(replace(watch.history.key, target="m 42"), [watch.baseline])
    assert (first.prior, first.size, first.reference_stars) == (True, 10, ())
    assert "fwhm_minor_px" in first.spreads
    assert "sky_above_pedestal_adu" not in first.spreads
    other = fitting_baseline(replace(watch.history.key, target="m 42", filter="ha"), [watch.baseline])
    assert other.size == 0


def test_frames_rejected_by_hand_are_forgotten():
    watch = Watch()
    identities = [watch.see(Frame()) for _ in range(6)]
    assert watch.history.forget(identities[2])
    assert not watch.history.forget("f" * 16)
    assert watch.baseline.size == 5


def test_panels_of_a_mosaic_under_one_name_share_a_baseline():
    watch = Watch()
    for number in range(24):
        watch.see(Frame(field=(number // 4) % 3))
    assert (watch.baseline.size, watch.baseline.number) == (24, 1)


@pytest.mark.parametrize("seed", range(3))
def test_the_memory_goes_on_after_a_restart_as_if_nothing_had_been(seed):
    rng = random.Random(seed)
    frames = good_night(rng, 40)
    for frame in frames[::4]:
        spoil(rng, [frame], rng.choice(KINDS))
    for frame in frames[25:]:
        frame.turned = True
    watch, again = Watch(seed=seed), Watch(seed=seed)
    for frame in frames:
        watch.see(frame)
        again.see(frame)
        stored = json.loads(json.dumps(again.history.state(), allow_nan=False))
        again.history = History.restore(stored)
        assert again.baseline == watch.baseline
    assert len(json.dumps(watch.history.state())) < 300_000
