"""Weights of the frames of one list, relative to its best frames: computed when the list is written.

A stacker first scales every frame to the same starlight; then noise that grows from frame to frame, and stars that
spread over more pixels, are what makes a frame worth less. The weight of a frame is the square of its signal to noise
on a faint star of given brightness, the inverse variance of that star's flux in one frame::

    merit = (F / (σ × FWHM))²

F is the light of a standard star of the field in the whole exposure (ADU), σ the noise of the sky in one pixel (ADU).
Gain, unit and pedestal cancel: cloud lowers F, moonlight raises σ, seeing widens FWHM, and a longer exposure raises F
more than σ. Sources: optimal weights of photometry (Naylor 1998, MNRAS 296, 339) and the effective exposure of the
Dark Energy Survey (Neilsen et al. 2016, FERMILAB-TM-2610-AE-CD), t_eff ∝ (T / FWHM)² / sky, where the sky stands for
the variance. PixInsight's PSF Signal Weight is of the same kind.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from statistics import median

from ..settings import Merge
from .frames import ListedFrame
from .grouping import Stack

LEAST_WEIGHT = 0.01
"""A kept frame never weighs nothing: a stacker would take that for a rejection."""
BEST_SHARE, FEWEST_BEST = 0.1, 3
"""The best frames are the best tenth of the list, and at least three: their median has weight 1, and one frame that
was measured too well makes no others worse."""


def weighed(stack: Stack, min_weight: float = 0.0, merge: Collection[Merge] = ()) -> Stack:
    """Return a stack with the weight of each kept frame; kept frames that weigh too little are put up for review.

    A number that is missing on a frame is taken to be that of the median frame of the list. A list in which a number
    is missing everywhere is weighed without it, and a frame without any of them has the weight of its verdict.

    Parameters:
        stack: frames with the weights of their verdicts.
        min_weight: least weight, for the same exposure, of a frame that is offered; decisions by hand stay.
        merge: properties in which the frames of the stack may differ: only frames of one filter and rig are compared,
            and the light of stars only where all frames show the same field.
    """
    groups: dict[tuple[str, str, str], list[ListedFrame]] = {}
    for frame in stack.decided("keep"):
        groups.setdefault((frame.filter, frame.telescope, frame.camera), []).append(frame)
    found: dict[str, ListedFrame] = {}
    for frames in groups.values():
        found |= _weighed_alike(frames, min_weight, same_field="pointing" not in merge)
    return replace(stack, frames=tuple(found.get(frame.frame_id, frame) for frame in stack.frames))


def _weighed_alike(frames: Sequence[ListedFrame], min_weight: float, *, same_field: bool) -> dict[str, ListedFrame]:
    """Return comparable kept frames, by their identity, with their weights."""
    seconds = [frame.exposure_s or 1.0 for frame in frames]
    merits = _merits(frames, seconds, same_field=same_field)
    if not merits:
        return {}
    best = _best(merits.values())
    best_per_second = _best(merit / seconds[index] for index, merit in merits.items())
    found = {}
    for index, merit in merits.items():
        frame = frames[index]
        weight = round(min(max(merit / best, LEAST_WEIGHT), 1.0), 4)
        # A short exposure among long ones weighs less without being worse.
        for_same_exposure = min(merit / seconds[index] / best_per_second, 1.0)
        if for_same_exposure < min_weight and not frame.by_hand:
            found[frame.frame_id] = _to_review(frame, for_same_exposure, min_weight)
        else:
            found[frame.frame_id] = replace(frame, weight=weight)
    return found


def _to_review(frame: ListedFrame, weight: float, min_weight: float) -> ListedFrame:
    """Return a kept frame as one that a person should look at, because it weighs too little."""
    why = (
        f"It would count {weight:.2g} of the best frames of its list, less than lists.min_weight ({min_weight:g}): "
        "more noise, less starlight or wider stars than they have."
    )
    return replace(frame, decision="review", weight=0.0, reasons=(why, *frame.reasons))


def _merits(frames: Sequence[ListedFrame], seconds: Sequence[float], *, same_field: bool) -> dict[int, float]:
    """Return the merit of each frame by its place; frames of which nothing is known are left out."""
    light = [frame.star_light_adu_s if same_field else None for frame in frames]
    if all(value is None for value in light):
        # Lists of version 0.1, and mosaics: relative to the best frame of the field so far.
        light = [_transparency(frame) for frame in frames]
    columns = (
        _filled([None if value is None else value * time for value, time in zip(light, seconds, strict=True)]),
        _filled([frame.noise_adu for frame in frames]),
        _filled([frame.numbers.get("fwhm_px") for frame in frames]),
    )
    unknown = {
        index
        for index, frame in enumerate(frames)
        if light[index] is None and frame.noise_adu is None and frame.numbers.get("fwhm_px") is None
    }
    return {
        index: frames[index].weight_factor * (flux / (noise * width)) ** 2
        for index, (flux, noise, width) in enumerate(zip(*columns, strict=True))
        if index not in unknown
    }


def _transparency(frame: ListedFrame) -> float | None:
    """Return the starlight of a frame relative to earlier frames; ``None`` when that was not measured."""
    extinction_mag = frame.numbers.get("extinction_mag")
    return None if extinction_mag is None else math.pow(10.0, -0.4 * extinction_mag)


def _filled(values: Sequence[float | None]) -> list[float]:
    """Return numbers with the median in place of those that are missing or not positive; all 1 without any."""
    known = [value for value in values if value is not None and 0.0 < value < math.inf]
    middle = median(known) if known else 1.0
    return [value if value is not None and 0.0 < value < math.inf else middle for value in values]


def _best(merits: Iterable[float]) -> float:
    """Return the median merit of the best tenth."""
    ordered = sorted(merits, reverse=True)
    return median(ordered[: max(math.ceil(BEST_SHARE * len(ordered)), FEWEST_BEST)])
