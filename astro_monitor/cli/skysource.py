"""What ``grade`` says about how well the sky of each camera is known."""

from __future__ import annotations

from collections.abc import Iterable

from ..documents import FrameJudgedView

UNSURE = 0.4
"""Error of S, in natural logarithms, from which a bias frame is worth the minute: a factor of 1.5."""


def sky_remarks(judged: Iterable[FrameJudgedView], *, verbose: bool) -> list[str]:
    """Return sentences on what the sky of each rig rests on, and one hint where bias frames would help.

    Parameters:
        judged: frames in the order in which they were judged; the last one of each rig counts.
        verbose: return a sentence for each rig, and not only the hint.
    """
    last = {frame.rig: frame for frame in judged if frame.measurements.get("effective_sky_error_fraction") is not None}
    errors = {rig: frame.measurements["effective_sky_error_fraction"] or 0.0 for rig, frame in last.items()}
    remarks: list[str] = []
    for rig, frame in last.items() if verbose else ():
        source = frame.meta.sources.get("effective_sky_adu", "an estimate")
        remarks.append(f"{rig or 'unnamed rig'}: pedestal and sky by {source}, known to {100 * errors[rig]:.0f} %.")
    unsure = [rig or "the camera" for rig, error in errors.items() if error > UNSURE]
    if unsure:
        remarks.append(
            f"The level without light of {', '.join(unsure)} is only estimated; one bias frame with the same gain and "
            "binning in the folder makes gradients and bright skies easier to judge."
        )
    return remarks
