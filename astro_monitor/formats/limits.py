"""Limits of the resources that one file may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits that are compared with the header before anything is allocated.

    Attributes:
        max_file_bytes: length of a file on disk.
        max_pixels: height × width of an image; 200 megapixels is above every amateur sensor.
        max_side_px: longest side of an image.
        min_side_px: shortest side of an image that can be graded.
        max_inflation: largest ratio of the length of an image to its compressed form. Noise does not compress: real
            frames stay below 10; only blank frames and decompression bombs are above.
        free_inflation_bytes: images up to this length are decompressed at any ratio.
        rare_codecs: whether FITS tiles packed by HCOMPRESS and PLIO are read.
        grade_calibrated: whether single frames that a program divided by a flat count as lights.
    """

    max_file_bytes: int = 1 << 30
    max_pixels: int = 200_000_000
    max_side_px: int = 65_535
    min_side_px: int = 64
    max_inflation: int = 100
    free_inflation_bytes: int = 16 << 20
    rare_codecs: bool = True
    grade_calibrated: bool = False
