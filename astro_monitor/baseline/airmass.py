"""How much air the telescope looks through."""

from __future__ import annotations

import math

AIRMASS_RANGE = (1.0, 6.0)
"""Airmass that a header may state: less than 1 is impossible, more than 6 is below 9 degrees of altitude."""
ALTITUDE_RANGE_DEG = (10.0, 90.0)
"""Altitudes at which 1 / sin is within 2 % of the airmass of a curved atmosphere."""

AIRMASS_MAG = 0.2
"""Extinction of clear air per unit of airmass in a broad visual band; typical of good sites at low altitude."""


def airmass(stated: float | None, altitude_deg: float | None) -> float | None:
    """Return the airmass of a frame from its header, else from its altitude; ``None`` when neither is usable.

    A plane-parallel atmosphere is assumed: 1 / sin(altitude).

    Parameters:
        stated: header value.
        altitude_deg: altitude of the target in degrees.
    """
    if stated is not None and AIRMASS_RANGE[0] <= stated <= AIRMASS_RANGE[1]:
        return stated
    if altitude_deg is not None and ALTITUDE_RANGE_DEG[0] <= altitude_deg <= ALTITUDE_RANGE_DEG[1]:
        return 1.0 / math.sin(math.radians(altitude_deg))
    return None


def airmass_loss_mag(here: float | None, there: float | None) -> float:
    """Return the loss of starlight in magnitudes that clear air explains: negative where it is less than there.

    Parameters:
        here: airmass of a frame.
        there: of the reference frame. 0 is returned where either is unknown.
    """
    return AIRMASS_MAG * (here - there) if here is not None and there is not None else 0.0
