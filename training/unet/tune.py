"""Find the thresholds on rigs that the training did not see: purity of stars, false trails."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astro_monitor.detect.peaks import Points
from astro_monitor.detect.prepare import Stretch
from astro_monitor.detect.scale import choose_bin
from astro_monitor.detect.sky import sky_map
from astro_monitor.detect.streaks import find_streaks
from astro_monitor.detect.unet import StarNet
from astro_monitor.inference import Model
from astro_monitor.records import KIND_ARTEFACT, KIND_STAR, SkyMap, Streak
from training.simulate import SimFrame
from training.unet.data import draw
from training.unet.matching import match, same_trail

log = logging.getLogger(__name__)

STAR_PURITY = 0.95
ARTEFACT_PURITY = 0.80
UNTRAILED = ("good", "bad_seeing", "background_issue")
"""Classes whose frames decide about purity: in a trailed one each piece of a broken trail would count as false."""

FALSE_TRAILS_PER_FRAME = 0.02
STREAK_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """A simulated frame and everything the network said of it."""

    frame: SimFrame
    sky: SkyMap
    bin_factor: int
    points: Points
    log_odds: NDArray[np.float32]

    @property
    def x_px(self) -> NDArray[np.float32]:
        """Frame pixels."""
        return self.points.x_px * self.bin_factor + np.float32((self.bin_factor - 1) / 2)

    @property
    def y_px(self) -> NDArray[np.float32]:
        """Frame pixels."""
        return self.points.y_px * self.bin_factor + np.float32((self.bin_factor - 1) / 2)

    def streaks(self, threshold: float) -> tuple[Streak, ...]:
        """Trails at a threshold."""
        best = np.argsort(-self.points.score, kind="stable")
        best = best[self.points.kind[best] == KIND_STAR]
        return find_streaks(
            self.log_odds, threshold, self.frame.pixels, self.sky, self.bin_factor,
            saturation_adu=self.frame.rig.saturation_adu, stars=np.stack([self.x_px[best], self.y_px[best]], axis=1),
        )  # fmt: skip


def scan_all(model: Model, split: str, seeds: Iterable[int]) -> Iterator[Scanned]:
    """Draw frames of a split and let the network see them, at the thresholds of the model."""
    net = StarNet(model)
    for seed in seeds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GalSim's hints on sampling
            frame = draw(split, seed)
        sky = sky_map(frame.pixels)
        factor = choose_bin(frame.pixels, sky, frame.rig.saturation_adu)
        scan = net.scan(frame.pixels, Stretch(sky, frame.pixels.shape, factor))
        yield Scanned(frame, sky, factor, scan.points, scan.streak)


def thresholds(scanned: list[Scanned]) -> dict[str, float]:
    """Thresholds that keep the promises on these frames.

    Parameters:
        scanned: by a model with thresholds far below the wanted ones.
    """
    scores: dict[bool, list[NDArray[np.float32]]] = {True: [], False: []}
    right: dict[bool, list[NDArray[np.bool_]]] = {True: [], False: []}
    weights: dict[bool, list[NDArray[np.float64]]] = {True: [], False: []}
    for one in scanned:
        if one.frame.labels.label not in UNTRAILED:
            continue
        matched = match(one.frame, one.x_px, one.y_px, one.bin_factor)
        artefact = one.points.kind == KIND_ARTEFACT
        for which, true in ((False, matched.true), (True, matched.truth_kind == KIND_ARTEFACT)):
            mine = artefact == which
            scores[which].append(one.points.score[mine])
            right[which].append(true[mine])
            # A rich frame speaks for at most 200 detections, else a few globular clusters decide for everyone.
            weights[which].append(np.full(int(mine.sum()), min(1.0, 200 / max(1, mine.sum()))))
    limits = {}
    for name, which, purity in (("star", False, STAR_PURITY), ("artefact", True, ARTEFACT_PURITY)):
        limits[name] = lowest_pure(
            np.concatenate(scores[which]), np.concatenate(right[which]), np.concatenate(weights[which]), purity
        )
    return {**limits, "streak": _streak_threshold(scanned)}


def lowest_pure(
    score: NDArray[np.float32], right: NDArray[np.bool_], weight: NDArray[np.float64], purity: float
) -> float:
    """Lowest score from which on at least ``purity`` of the detections are right.

    When no such score leaves half of the right ones, the score with the best F1 is given, and said so in the log; when
    there is nothing to go by, one half.
    """
    if not len(score):
        log.info("nothing was found that a threshold could be set on")
        return 0.5
    order = np.argsort(-score, kind="stable")
    true, all_ = np.cumsum((weight * right)[order]), np.cumsum(weight[order])
    pure = np.flatnonzero(true >= purity * all_)
    if len(pure) and true[pure[-1]] >= 0.5 * true[-1]:
        return float(score[order][pure[-1]])
    best = int(np.argmax(2 * true / (all_ + true[-1])))
    log.info("purity %.3f is out of reach; best F1 at purity %.3f", purity, true[best] / all_[best])
    return float(score[order][best])


def trail_counts(one: Scanned, streaks: tuple[Streak, ...]) -> tuple[int, int, int]:
    """True trails long enough to ask for, how many of them were found, and found ones that are none."""
    cell_px = 4 * one.bin_factor
    asked = [t for t in one.frame.streaks if np.hypot(t.x1_px - t.x0_px, t.y1_px - t.y0_px) >= 20 * cell_px]
    found = sum(any(same_trail(truth, streak, cell_px) for streak in streaks) for truth in asked)
    false = sum(not any(same_trail(truth, streak, cell_px) for truth in one.frame.streaks) for streak in streaks)
    return len(asked), found, false


def _streak_threshold(scanned: list[Scanned]) -> float:
    """The threshold that finds most trails with few enough false ones."""
    best, most = STREAK_THRESHOLDS[-1], -1
    for threshold in STREAK_THRESHOLDS:
        counts = [trail_counts(one, one.streaks(threshold)) for one in scanned]
        false = sum(row[2] for row in counts) / len(counts)
        found = sum(row[1] for row in counts)
        log.info("streak threshold %.1f: found %d of %d, %.3f false a frame", threshold, found,
                 sum(row[0] for row in counts), false)  # fmt: skip
        if false <= FALSE_TRAILS_PER_FRAME and found > most:
            best, most = threshold, found
    return best
