"""Scores of the star finder on rigs that neither training nor tuning saw, and of ``sep`` on the same frames."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import sep
from numpy.typing import NDArray

from astro_monitor.inference import Model
from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR
from training.iqa.intervals import interval_95
from training.simulate import SimFrame
from training.unet.matching import SNR_EDGES, Match, match
from training.unet.tune import Scanned, scan_all, trail_counts

log = logging.getLogger(__name__)

SEP_SIGMAS = (1.35, 5.0)
"""As deep as the speed comparison, and as usual. It has no idea of artefacts, trails and nebulae: part of the point."""

KIND_SNR = 10.0
"""Of which kind something is shows from here on."""

POSITION_SNR = 10.0
_RESAMPLES = 500
KIND_NAMES = {KIND_STAR: "star", KIND_EXTENDED: "extended", KIND_ARTEFACT: "artefact"}


@dataclass(slots=True)
class Tally:
    """Counts of one finder over frames."""

    truth: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(SNR_EDGES) - 1, np.int64))
    found: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(SNR_EDGES) - 1, np.int64))
    detections: int = 0
    true: int = 0
    squared_error: list[float] = field(default_factory=list)

    def add(self, matched: Match, counted: NDArray[np.bool_]) -> None:
        """Add one frame; ``counted`` marks the detections that claim to be stars or extended sources."""
        place = np.digitize(matched.truth_snr, SNR_EDGES[1:-1])
        self.truth += np.bincount(place, minlength=len(self.truth))
        self.found += np.bincount(place[matched.truth_found], minlength=len(self.truth))
        self.detections += int(np.count_nonzero(counted))
        self.true += int(np.count_nonzero(matched.true & counted))
        bright = matched.truth_found & (matched.truth_snr >= POSITION_SNR)
        self.squared_error.extend((matched.error_px[bright] ** 2).tolist())

    @property
    def purity(self) -> float:
        """Share of the detections that are true."""
        return self.true / max(1, self.detections)

    def summary(self) -> dict[str, Any]:
        """Completeness by signal to noise, purity, and how far sources of SNR ≥ 10 are from the truth."""
        names = [f"snr_{low:g}_{high:g}".replace("_inf", "_up") for low, high in pairwise(SNR_EDGES)]
        return {
            "completeness": {
                name: round(float(found / truth), 4)
                for name, found, truth in zip(names, self.found, self.truth, strict=True)
                if truth
            },
            "purity": round(self.purity, 4),
            "detections": self.detections,
            "position_rms_px": round(float(np.sqrt(np.mean(self.squared_error))), 3) if self.squared_error else None,
            "position_median_px": round(math.sqrt(np.median(self.squared_error)), 3) if self.squared_error else None,
        }


def evaluate(model: Model, split: str, first_seed: int, frames: int) -> dict[str, Any]:
    """Score the model as shipped.

    Parameters:
        model: with its thresholds.
        split: ``validation`` or ``test``.
        first_seed, frames: which frames.

    Returns:
        Scores over all frames and for groups of them, those of ``sep`` beside them, kinds and trails.
    """
    ours: dict[str, Tally] = defaultdict(Tally)
    theirs: dict[float, dict[str, Tally]] = {sigma: defaultdict(Tally) for sigma in SEP_SIGMAS}
    confusions, trails, false_trail = [], [], []
    for one in scan_all(model, split, range(first_seed, first_seed + frames)):
        matched = match(one.frame, one.x_px, one.y_px, one.bin_factor)
        star = one.points.kind != KIND_ARTEFACT
        rivals = {sigma: _sep(one, sigma) for sigma in SEP_SIGMAS}
        for group in ("all", *_groups(one.frame)):
            ours[group].add(_only(one, star), np.ones(int(star.sum()), bool))
            for sigma, rival in rivals.items():
                theirs[sigma][group].add(rival, np.ones(len(rival.true), bool))
        known = (matched.truth_kind >= 0) & (matched.claimed_snr >= KIND_SNR)
        confusion = np.zeros((3, 3), np.int64)
        np.add.at(confusion, (matched.truth_kind[known], one.points.kind[known]), 1)
        confusions.append(confusion)
        counts = trail_counts(one, one.streaks(model.card.thresholds["streak"]))
        trails.append(counts)
        if not one.frame.streaks:
            false_trail.append(int(counts[2] > 0))
    return {
        "split": split,
        "first_seed": first_seed,
        "frames": frames,
        "star_finder": {name: tally.summary() for name, tally in sorted(ours.items())},
        **{
            f"sep_{sigma:g}_sigma": {name: tally.summary() for name, tally in sorted(theirs[sigma].items())}
            for sigma in SEP_SIGMAS
        },
        **_kinds(np.stack(confusions)),
        **_trails(np.array(trails), np.array(false_trail)),
    }


def _kinds(confusions: NDArray[np.int64]) -> dict[str, Any]:
    """Figures of (frames, truth, said) counts; intervals draw whole frames anew."""
    whole = confusions.sum(axis=0)
    scores = {name: round(_f1(whole, kind), 4) for kind, name in KIND_NAMES.items()}
    drawn = np.random.default_rng(1).integers(0, len(confusions), (_RESAMPLES, len(confusions)))
    macro = [
        np.mean([_f1(some, kind) for kind in KIND_NAMES]) for some in (confusions[pick].sum(axis=0) for pick in drawn)
    ]
    artefacts = confusions[:, KIND_ARTEFACT].sum(axis=1)
    taken = confusions[:, KIND_ARTEFACT, KIND_STAR]
    return {
        "kind_f1": scores,
        "kind_macro_f1": round(float(np.mean(list(scores.values()))), 4),
        "kind_macro_f1_95": [round(float(edge), 4) for edge in np.quantile(macro, (0.025, 0.975))],
        "kind_confusion": whole.tolist(),
        "artefacts_called_stars": round(float(taken.sum() / max(1, artefacts.sum())), 4),
        "artefacts_called_stars_95": interval_95(taken[artefacts > 0], artefacts[artefacts > 0]),
    }


def _trails(counts: NDArray[np.int64], false_frames: NDArray[np.int64]) -> dict[str, Any]:
    """Figures of (frames, [asked, found, false]) counts, and of the frames without a trail."""
    asked = counts[counts[:, 0] > 0]
    return {
        "trails": dict(zip(("asked", "found", "false"), counts.sum(axis=0).tolist(), strict=True)),
        "trail_recall": round(float(asked[:, 1].sum() / max(1, asked[:, 0].sum())), 4),
        "trail_recall_95": interval_95(asked[:, 1], asked[:, 0]),
        "false_trails_per_frame": round(float(counts[:, 2].mean()), 4),
        "false_trail_frames": round(float(false_frames.mean()) if len(false_frames) else 0.0, 4),
    }


def _only(one: Scanned, star: NDArray[np.bool_]) -> Match:
    """Matching without the detections that call themselves artefacts."""
    return match(one.frame, one.x_px[star], one.y_px[star], one.bin_factor)


def _groups(frame: SimFrame) -> list[str]:
    groups = [frame.labels.label]
    if frame.labels.cause == "defocus":
        groups.append("defocus")
    bright = np.count_nonzero((frame.stars["kind"] == KIND_STAR) & (frame.stars["snr"] >= 5))
    # More than one star in 30 × 30 star widths is crowded.
    if bright * (frame.fwhm_px * 15) ** 2 > frame.pixels.size:
        groups.append("crowded")
    elif frame.labels.label == "good":
        groups.append("good_uncrowded")
    return groups


def _sep(one: Scanned, sigma: float) -> Match:
    """What the classical extractor of the speed comparison finds: mesh of 128, default filter."""
    pixels = one.frame.pixels.astype(np.float32)
    background = sep.Background(pixels, bw=128, bh=128)
    background.subfrom(pixels)
    sep.set_extract_pixstack(1_000_000)
    try:
        found = sep.extract(pixels, sigma, err=background.globalrms)
        x, y = found["x"].astype(np.float32), found["y"].astype(np.float32)
    except Exception as error:  # sep raises plain exceptions when its buffers overflow
        log.info("sep gave up: %s", error)
        x = y = np.empty(0, np.float32)
    return match(one.frame, x, y, one.bin_factor)


def _f1(confusion: NDArray[np.int64], kind: int) -> float:
    both = confusion[kind, kind]
    return float(2 * both / max(1, confusion[kind].sum() + confusion[:, kind].sum()))
