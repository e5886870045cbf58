"""A small night of listed frames, for tests of list writers: five frames of one stack, nothing on the disk."""

from __future__ import annotations

from typing import Any

from ..lists import ListedFrame

DECISIONS = ("keep", "reject", "keep", "review", "keep")


def listed_frame(number: int, decision: str = "keep", **changes: Any) -> ListedFrame:
    """Return one frame as lists see it.

    Parameters:
        number: its place in the night.
        decision: ``keep``, ``review`` or ``reject``.
        changes: other values of fields of ``ListedFrame``.
    """
    fields: dict[str, Any] = {
        "frame_id": f"{number:016x}",
        "file": f"/capture/light_{number:03d}.fits",
        "decision": decision,
        "weight": 1.0 - number / 100,
        "label": "good",
        "cause": "none",
        "target": "M 31",
        "filter": "L",
        "exposure_s": 60.0,
        "width_px": 3000,
        "height_px": 2000,
        "binning": 1,
        "bayer": "",
        "date_obs_utc": f"2026-03-20T21:{number:02d}:00+00:00",
        "flags": (),
        "reasons": ("The sky is clear.",),
        "numbers": {"fwhm_px": 2.5},
        "seq": number,
    }
    return ListedFrame(**{**fields, **changes})


def listed_night() -> list[ListedFrame]:
    """Return five frames of one stack: three kept, one to review, one rejected."""
    return [listed_frame(number, decision) for number, decision in enumerate(DECISIONS, 1)]
