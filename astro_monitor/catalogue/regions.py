"""A source table as DS9 regions (https://ds9.si.edu/doc/ref/region.html): ellipses in image coordinates.

DS9 counts pixels from 1 and measures angles from +x towards +y, like this program.
"""

from __future__ import annotations

import numpy as np

from ..records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR, SourceTable

COLOURS = {KIND_STAR: "green", KIND_EXTENDED: "cyan", KIND_ARTEFACT: "red"}
WIDEST_PX = 1000.0
"""Largest drawn radius in pixels; no source has a larger one."""
UNMEASURED_RADIUS_PX = 4.0
"""Radius of the circle around a source without a shape, in sensor pixels."""


def region_text(table: SourceTable) -> str:
    """Return the table as the text of a region file.

    Measured sources are ellipses with a mean radius of one FWHM, others are dashed circles. The text of a region is the
    number of the source in the table.

    Parameters:
        table: all sources.
    """
    lines = ["# Region file format: DS9 version 4.1", "global color=green width=1", "image"]
    for i in range(len(table)):
        x, y = table.x_px[i] + 1, table.y_px[i] + 1
        colour = COLOURS[int(table.kind[i])]
        if np.isfinite(table.fwhm_px[i]):
            stretch = np.sqrt(table.elongation[i])
            major, minor = (min(float(r), WIDEST_PX) for r in (table.fwhm_px[i] * stretch, table.fwhm_px[i] / stretch))
            shape, dash = f"ellipse({x:.3f},{y:.3f},{major:.3f},{minor:.3f},{table.angle_deg[i]:.1f})", ""
        else:
            shape, dash = f"circle({x:.3f},{y:.3f},{UNMEASURED_RADIUS_PX:g})", " dash=1"
        lines.append(f"{shape} # color={colour}{dash} text={{{i + 1}}}")
    return "\n".join(lines) + "\n"
