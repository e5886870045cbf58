"""What is behind a fault: the model's opinion on the frames of the trouble so far, and what their course tells.

The model sees one frame, in which a drift and half a turn of a worm are the same trail. Its opinions are summed as
logarithms over the episode, later ones counting more, each together with what the path of that frame's stars shows
(:mod:`.paths`); the course of the frames and reports of other programs add or take away:

* the field moves along the trails as fast as they are long: a drift; it swings: the worm; it turns: the alignment;
* trails in all directions: wind; in one direction: no wind;
* the guide star moved as far as the stars: a fault that the guider sees; it stood still: a drift that it does not see;
* matched stars lose light and are softer than the baseline: dew; as sharp: cloud, which is far more common;
* the sun is far below the horizon: no twilight; near it: twilight;
* the moon is below the horizon: no moonlight; the sky is bright while stars keep their light and the sun is down: moon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..documents.vocabulary import CAUSES_OF_FAULT
from ..records import Reason
from . import limits
from .course import Course, Drift, Step, Swing, direction_scatter, drift, swing, turning
from .evidence import Case, Finding
from .surroundings import NOTHING_REPORTED, Reported

LEAST_PROBABILITY = 0.02
"""Probabilities of the model below this one count as this one: no cause is excluded by the model alone."""
MEMORY = 0.7
"""What an opinion counts one frame later."""
MOST_OPINIONS = 1.5
"""The model errs in the same way on frames that look alike."""
SURE, LIKELY, HINT = 6.0, 3.0, 0.7
"""Weights of what the course shows, as natural logarithms of odds."""
SCATTERED, ALIGNED = 0.4, 0.15
"""Scatter of the directions of trails (0 to 1) from which they are those of wind, and below which they are not."""
DEW_IS_RARE = -1.5
"""Natural logarithm of the odds of dew against cloud before anything is measured: about one in five."""
DEW_SOFTENS, DEW_RANGE = 1.03, 0.04
"""FWHM over that of the baseline that is evidence neither for dew nor against it, and the distance from it at which the
answer is clear."""
GUIDED, UNGUIDED = 0.3, 0.7
"""Path of the guide star over the trail, below which the guider saw nothing of it, and above which it did."""
ONE_AXIS = 2.0
"""Scatter in right ascension over that in declination from which the worm moves the mount: wind shakes both axes."""
STRONG_WIND_M_S = 8.0
"""Wind or gusts that shake a telescope (Beaufort 5)."""
DUSK_DEG = -10.0
"""Altitude of the sun above which the sky is bright."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The likely cause, what was seen of it in figures (for people), and the same as reasons."""

    name: str
    detail: str = ""
    reasons: tuple[Reason, ...] = ()


NO_CAUSE = Cause("none")


def cause_of(case: Case, findings: Sequence[Finding], course: Course, reported: Reported = NOTHING_REPORTED) -> Cause:
    """Return the likely cause of the trouble that the last frame of a night's course has.

    Parameters:
        case: that frame.
        findings: what the rules said about it.
        course: the frames up to it.
        reported: what other programs said about guiding and wind during its exposure.

    Returns:
        the cause; ``none`` when the last frame has no trouble.
    """
    episode = course.episode()
    if not episode:
        return NO_CAUSE
    fault = episode[-1].trouble
    score = _by_model(episode, fault)
    for finding in findings:
        if finding.fault == fault and finding.cause in score:
            score[finding.cause] += LIKELY if finding.strength == "bright" else HINT
            if finding.cause == "cloud":
                score["dew"] += HINT
    noted: list[tuple[str, str, Reason]] = []
    if fault == "tracking":
        noted = _by_motion(case, score, course, episode)
        _by_reports(case, score, episode[-1], reported)
    elif fault == "background":
        _by_light(case, score)
    best = max(score, key=lambda name: score[name])
    details = [(detail, reason) for name, detail, reason in noted if name == best]
    return Cause(best, details[0][0] if details else "", tuple(reason for _, reason in details))


def _by_model(episode: Sequence[Step], fault: str) -> dict[str, float]:
    """Weigh the model's opinions on the frames of a episode: together they count no more than two."""
    weights = [MEMORY**age for age in range(len(episode))][::-1]
    share = min(sum(weights), MOST_OPINIONS) / sum(weights)
    return {
        name: share * sum(
            weight * (math.log(max(step.causes.get(name, 0.0), LEAST_PROBABILITY)) + step.hints.get(name, 0.0))
            for step, weight in zip(episode, weights, strict=True)
        )
        for name in CAUSES_OF_FAULT[fault]
    }  # fmt: skip


def _by_motion(
    case: Case, score: dict[str, float], course: Course, episode: Sequence[Step]
) -> list[tuple[str, str, Reason]]:
    """Add what drift, turning, swinging and trail directions show to the scores of causes; return the causes proved."""
    noted = []
    spread = direction_scatter(episode)
    if spread is not None and spread > SCATTERED:
        score["wind"] += LIKELY * min(len(episode) / 3, 2.0)
    elif spread is not None and spread < ALIGNED:
        score["wind"] -= LIKELY
    moved, turned, swung = drift(episode), turning(episode), swing(course.steps)
    if moved is not None:
        score["drift"] += SURE
        noted.append(("drift", *_drifting(case, moved)))
    if swung is not None:
        score["periodic"] += SURE
        noted.append(("periodic", *_swinging(swung)))
    if turned is not None and _turns_trails(case, turned, episode[-1]):
        score["rotation"] += SURE
        noted.append(("rotation", *_turning(turned)))
    return noted


def _by_reports(case: Case, score: dict[str, float], step: Step, reported: Reported) -> None:
    """Add what the guider and the wind gauge reported to the scores of the causes of trails."""
    if reported.wind_m_s is not None and reported.wind_m_s >= STRONG_WIND_M_S:
        score["wind"] += 2 * HINT
    ra, dec, scale = reported.rms_ra_arcsec, reported.rms_dec_arcsec, case.examined.meta.scale_arcsec_px
    if ra is None or dec is None or scale is None or step.trail_px <= 0:
        return
    # As a path of even light has a length of √12 times its scatter.
    seen = math.sqrt(12.0 * (ra * ra + dec * dec)) / (scale * step.trail_px)
    if seen < GUIDED:
        for name in ("periodic", "wind"):
            score[name] -= LIKELY
        score["drift"] += HINT  # the tube bends between guider and camera, or the field turns
        score["rotation"] += HINT
    elif seen > UNGUIDED:
        score["drift"] -= HINT
        if ra > ONE_AXIS * dec:
            score["periodic"] += 2 * HINT
        elif dec < ONE_AXIS * ra:
            score["wind"] += 2 * HINT


def _by_light(case: Case, score: dict[str, float]) -> None:
    """Add what star width and the altitude of the sun show to the scores of the causes dew and twilight."""
    score["dew"] += DEW_IS_RARE
    wider = case.ratio("fwhm_px")
    if wider is not None:
        score["dew"] += 1.5 * min(max((wider - DEW_SOFTENS) / DEW_RANGE, -1.0), 1.0)
    sun, moon = case.value("sun_altitude_deg"), case.value("moon_altitude_deg")
    if sun is not None and sun < limits.NIGHT_DEG:
        score["twilight"] -= LIKELY
    elif sun is not None and sun > DUSK_DEG:
        score["twilight"] += LIKELY
    if moon is not None:
        score["moon"] += LIKELY if moon > 0.0 else -LIKELY


def _turns_trails(case: Case, rate_deg_s: float, step: Step) -> bool:
    """Return whether stars half a diagonal from the middle are elongated by at least half a width."""
    width = case.value("fwhm_minor_px") or case.value("fwhm_px")
    radius_px = 0.5 * math.hypot(*case.examined.sensor_shape)
    return width is not None and math.radians(abs(rate_deg_s)) * step.exposure_s * radius_px >= 0.5 * width


def _drifting(case: Case, drift: Drift) -> tuple[str, Reason]:
    """Return the detail and the reason of the cause drift: how fast and where to the mount drifts."""
    scale, east = case.examined.meta.scale_arcsec_px, case.examined.meta.east_angle_deg
    per_minute = 60.0 * drift.rate_px_s
    speed = f"{per_minute:.1f} px" if scale is None else f"{per_minute * scale:.1f} arcsec"
    where = "" if east is None else f" {_against_right_ascension(drift.angle_deg - east)}"
    sentence = f"From frame to frame the field moves along the trails, {speed} a minute{where}: the mount drifts."
    return f"{speed} a minute{where}", _note("field_drifts", "offset_px", per_minute, "px/min", sentence)


def _against_right_ascension(angle_deg: float) -> str:
    """Return a phrase for the axis of a motion, from its angle to the direction of increasing right ascension."""
    off = abs((angle_deg + 90.0) % 180.0 - 90.0)
    return "in right ascension" if off < 30.0 else "in declination" if off > 60.0 else "in both axes"


def _swinging(swing: Swing) -> tuple[str, Reason]:
    """Return the detail and the reason of the cause periodic error: period and amplitude of the swing."""
    detail = f"period {swing.period_s:.0f} s"
    sentence = (
        f"The field swings along the trails by {2 * swing.amplitude_px:.1f} px with a {detail}: the worm of the mount."
    )
    return detail, _note("field_swings", "offset_px", swing.period_s, "s", sentence)


def _turning(rate_deg_s: float) -> tuple[str, Reason]:
    """Return the detail and the reason of the cause field rotation: degrees per minute."""
    detail = f"{60 * abs(rate_deg_s):.2f} degrees a minute"
    sentence = f"The field turns by {detail}: the polar alignment is off, or the mount has no polar axis."
    return detail, _note("field_turns", "field_turn_deg", 60 * rate_deg_s, "deg/min", sentence)


def _note(rule: str, metric: str, value: float, unit: str, sentence: str) -> Reason:
    """Return a reason that names a cause without changing the decision."""
    return Reason(
        rule=rule, decision="keep", metric=metric, value=float(f"{value:.4g}"), limit=None, unit=unit, sentence=sentence
    )
