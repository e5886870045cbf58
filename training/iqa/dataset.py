"""Simulated pixels as frames that were read from files, and the shipped star finder for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.records import Frame
from training.iqa.headers import dressed
from training.iqa.rigs import Take


def frames_of(takes: Iterable[Take]) -> Iterator[Frame]:
    """Dress simulated pixels as frames that were read from files, with headers that tell more or less.

    Parameters:
        takes: frames of one rig in the order of time.
    """
    for number, take in enumerate(takes):
        take.pixels.flags.writeable = False
        yield dressed(take.pixels, take.rig, take.truth, number)


_FINDER: list[Detector] = []


def shipped_finder() -> Detector:
    """Return the shipped star finder, opened once in each process."""
    if not _FINDER:
        _FINDER.append(Detector(open_model("star-unet", provider="cpu", threads=1)))
    return _FINDER[0]
