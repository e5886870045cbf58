"""Light-sensitive area and overscan of a stored image: overscan is cropped, and its level is that without light.

``BIASSEC``, ``TRIMSEC`` and ``DATASEC`` follow IRAF: ``[x1:x2,y1:y2]``, counted from 1, both ends included, x first.
Cameras with several amplifiers write one of each per amplifier, with a number or a letter after the name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astro_monitor.formats.contents import Pixels

from .facts import Facts
from .values import as_text

Rows = tuple[int, int]
"""Half-open range of indices: the first, and the one after the last."""

_SECTION = re.compile(r"\[?\s*(\d{1,6})\s*:\s*(\d{1,6})\s*,\s*(\d{1,6})\s*:\s*(\d{1,6})\s*\]?", re.ASCII)
_NAME = re.compile(r"(TRIMSEC|DATASEC|BIASSEC|TSEC|DSEC|BSEC)([0-9A-H]{0,2})")
_FULL_NAME = {"TSEC": "TRIMSEC", "DSEC": "DATASEC", "BSEC": "BIASSEC"}
_TRIMMED = ("TRIM", "TRIM_IMAGE", "TRIMIM", "TRIMMED")
"""Keywords of an image that was trimmed already, so that its sections are out of date."""
_LEAST_SHARE = 0.25
"""Smallest fraction of the image that remains after cropping; a smaller section is a region of interest, or out of
date."""
_SLIP_PX = 2
"""Pixels by which a section may exceed the image, as where odd sizes were binned; it is cut to the image."""
_LEVEL_SAMPLES = 100_000
"""Pixels of an overscan section from which its median is calculated, for speed."""


@dataclass(frozen=True, slots=True)
class Section:
    """A rectangle of the stored image: half-open ranges of columns and rows, counted from 0."""

    x: Rows
    y: Rows

    @property
    def area(self) -> int:
        """Number of pixels."""
        return (self.x[1] - self.x[0]) * (self.y[1] - self.y[0])


@dataclass(frozen=True, slots=True)
class Window:
    """The light-sensitive area of a stored image.

    Attributes:
        columns, rows: (W,), (H,) indices of its columns and rows, ascending.
        overscan: sections without light.
        amplifiers: pairs of the area and the overscan of each amplifier, when there are several.
    """

    columns: NDArray[np.intp]
    rows: NDArray[np.intp]
    overscan: tuple[Section, ...]
    amplifiers: tuple[tuple[Section, Section], ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the light-sensitive area."""
        return len(self.rows), len(self.columns)

    @property
    def origin_px(self) -> tuple[int, int]:
        """Column and row of the stored image where the light-sensitive area begins."""
        return int(self.columns[0]), int(self.rows[0])


def find_window(facts: Facts, shape: tuple[int, int]) -> Window | None:
    """Return the light-sensitive area of a stored image; ``None`` when it is the complete image.

    Parameters:
        facts: values of the header, with the binning. Ignored values are noted.
        shape: (height, width) of the stored image.
    """
    if any(facts.lookup(keyword) is not None for keyword in _TRIMMED):
        return None
    sections = _sections(facts, shape)
    pictures = sections.get("TRIMSEC") or sections.get("DATASEC", {})
    biases = sections.get("BIASSEC", {})
    if not pictures and not biases:
        return None
    columns, rows = np.ones(shape[1], np.bool_), np.ones(shape[0], np.bool_)
    if pictures:
        columns[:], rows[:] = False, False
        for section in pictures.values():
            columns[slice(*section.x)] = True
            rows[slice(*section.y)] = True
    for section in biases.values():
        _leave_out(section, shape, columns, rows)
    area_px = int(columns.sum()) * int(rows.sum())
    if area_px == shape[0] * shape[1]:
        return None
    if area_px < _LEAST_SHARE * shape[0] * shape[1]:
        facts.note(
            "The sections of the header (TRIMSEC, DATASEC, BIASSEC) leave hardly any picture; they are not used."
        )
        return None
    pairs = tuple((section, biases[name]) for name, section in pictures.items() if name in biases)
    return Window(
        columns=np.flatnonzero(columns),
        rows=np.flatnonzero(rows),
        overscan=tuple(biases.values()),
        amplifiers=pairs if len(pairs) > 1 and len(pairs) == len(pictures) else (),
    )


def overscan_level(pixels: Pixels, window: Window) -> float | None:
    """Return the level without light in ADU, measured in the overscan; ``None`` when there is no overscan.

    Parameters:
        pixels: (H, W), the stored image.
        window: its sections.
    """
    levels = [_median_level(pixels, section) for section in window.overscan if section.area]
    return float(np.mean(levels)) if levels else None


def cut_out(pixels: Pixels, window: Window) -> Pixels:
    """Return the light-sensitive area, C-contiguous; amplifiers with different overscan are brought to one level.

    Parameters:
        pixels: (H, W), the stored image; changed where amplifiers differ.
        window: its sections.
    """
    levels = [_median_level(pixels, overscan) for _, overscan in window.amplifiers]
    common = float(np.mean(levels)) if levels else 0.0
    for (part, _), level in zip(window.amplifiers, levels, strict=True):
        if abs(level - common) >= 1.0:
            area = pixels[slice(*part.y), slice(*part.x)]
            moved = area.astype(np.float32) + np.float32(round(common - level))
            area[...] = np.clip(moved, 0, 65535).astype(np.uint16) if pixels.dtype == np.uint16 else moved
    picture: Pixels = pixels[window.rows][:, window.columns]
    return picture if picture.flags.c_contiguous else picture.copy()


def _median_level(pixels: Pixels, section: Section) -> float:
    """Return the median of the pixels in a section of the image, such as its overscan, from a sample of them."""
    values = pixels[slice(*section.y), slice(*section.x)].reshape(-1)
    return float(np.median(values[:: max(1, len(values) // _LEVEL_SAMPLES)]))


def _sections(facts: Facts, shape: tuple[int, int]) -> dict[str, dict[str, Section]]:
    """Return the sections by name and amplifier; those outside the image are noted."""
    sections: dict[str, dict[str, Section]] = {}
    for keyword in facts.keywords():
        match = _NAME.fullmatch(keyword)
        if match is None:
            continue
        text = as_text(facts.lookup(keyword))
        numbers = _SECTION.fullmatch(text) if text is not None else None
        if numbers is None:
            continue
        section = _fitted_section(numbers, shape, int(facts.values.get("binning", 1)))
        if section is None:
            facts.refuse(keyword, text or "", "it does not lie inside the image")
            continue
        sections.setdefault(_FULL_NAME.get(match[1], match[1]), {})[match[2]] = section
    for amplifiers in sections.values():
        # A section without amplifier repeats those of the amplifiers.
        if len(amplifiers) > 1:
            amplifiers.pop("", None)
    return sections


def _fitted_section(numbers: re.Match[str], shape: tuple[int, int], binning: int) -> Section | None:
    """Return the section in stored pixels; some cameras write it in unbinned pixels, or count from 0."""
    x1, x2, y1, y2 = (int(number) for number in numbers.groups())
    (x1, x2), (y1, y2) = sorted((x1, x2)), sorted((y1, y2))
    x1, y1 = max(x1 - 1, 0), max(y1 - 1, 0)
    height, width = shape
    if x2 > width + _SLIP_PX or y2 > height + _SLIP_PX:
        if binning < 2:
            return None
        x1, x2, y1, y2 = x1 // binning, x2 // binning, y1 // binning, y2 // binning
    if x2 > width + _SLIP_PX or y2 > height + _SLIP_PX:
        return None
    x2, y2 = min(x2, width), min(y2, height)
    return Section((x1, x2), (y1, y2)) if x1 < x2 and y1 < y2 else None


def _leave_out(section: Section, shape: tuple[int, int], columns: NDArray[np.bool_], rows: NDArray[np.bool_]) -> None:
    """Remove the columns or the rows of an overscan strip, by its shape."""
    wide, high = section.x[1] - section.x[0], section.y[1] - section.y[0]
    if high / shape[0] >= wide / shape[1]:
        if wide < shape[1] / 2:
            columns[slice(*section.x)] = False
    elif high < shape[0] / 2:
        rows[slice(*section.y)] = False
