"""How the bytes of a look lie.

A look is ``MAGIC``, its version (two bytes), a CRC-32 of all that follows (four bytes), then for each section the
compressed and the inflated length (four bytes each, all big-endian), then the sections, each a zstd frame. Sections:
*facts* (JSON), *numbers*, *sources*, *pictures* (arrays). An array is its type (one byte), its number of axes (one
byte), its lengths (four bytes each), then its little-endian items, their bytes sorted by significance, which compresses
better.
"""

from __future__ import annotations

import struct

MAGIC = b"ALOK"
HEAD = struct.Struct(">4sHI")
"""Magic, version, checksum of the rest."""
LENGTHS = struct.Struct(">II")
"""Compressed and inflated length of a section."""
SHAPE = struct.Struct(">BB")
"""Type and number of axes of an array."""
AXIS = struct.Struct(">I")

SECTIONS = ("facts", "numbers", "sources", "pictures")
LIMITS = {"facts": 1 << 20, "numbers": 1 << 20, "sources": 4 << 20, "pictures": 2 << 20}
"""Most bytes of a section, inflated. A look at 24 MP has about 15 kB, 15 kB, 200 kB and 600 kB; 20,000 sources with
every shape have 2 MB."""
MAX_LOOK_BYTES = HEAD.size + len(SECTIONS) * LENGTHS.size + sum(LIMITS.values()) + (64 << 10)
"""No look is longer: what does not compress grows by less than a hundredth."""

TYPES = ("<f4", "<f8", "<u2", "|u1", "<f2")
"""Types of arrays, by their number in the bytes."""
MOST_AXES = 4
"""No array of a look has more axes."""

SOURCE_COLUMNS = (
    "x_px", "y_px", "ra_deg", "dec_deg", "flux_adu", "peak_adu", "snr", "fwhm_px", "hfr_px", "elongation", "angle_deg",
)  # fmt: skip
"""Columns of the source table that hold numbers, in the order of the bytes."""
STREAK_FIELDS = ("x0_px", "y0_px", "x1_px", "y1_px", "angle_deg", "length_px", "width_px")
STAR_FIELDS = ("x_px", "y_px", "flux_adu_s", "fwhm_px", "plus_px2", "cross_px2")
CELL_INTEGERS = ("column", "row", "star_count")
CELL_OPTIONAL = ("fwhm_px", "elongation", "angle_deg")
RASTER_FIELDS = ("left_px", "top_px", "bin_px", "zero_adu", "step_adu")
