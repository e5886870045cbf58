"""The baseline that a group of frames makes."""

from __future__ import annotations

from dataclasses import replace

from ..records import Baseline, BaselineKey
from .dark import DarkSky
from .groups import Group
from .reference import Reference
from .relative import usual_sky_unit_adu


def usual_baseline(
    key: BaselineKey, group: Group | None, reference: Reference, dark: DarkSky, *, turned: bool
) -> Baseline:
    """Return what the frames of a group say is usual.

    Parameters:
        key: of the baseline.
        group: of frames that agree; ``None``: nothing is usual yet.
        reference: frame of the target.
        dark: the darkest usual frames.
        turned: the next frame is turned by 180 degrees to the reference frame, though its stars cannot tell it.
    """
    if group is None or not group.frames:
        return Baseline(key=key, reference_stars=reference.stars, reference_light_adu_s=reference.light_adu_s)
    centre, sighting = group.centre, reference.sighting
    seen = replace(sighting, angle_deg=(sighting.angle_deg + 180.0) % 360.0) if turned else sighting
    here, there = centre.sky(seen), centre.sky(seen, turned=True)
    known = here if here.cells_adu else there
    usual = dark.usual(centre.usual)
    return Baseline(
        key=key,
        size=len(group.frames),
        spreads=usual,
        reference_stars=reference.stars,
        reference_light_adu_s=reference.light_adu_s,
        profile=reference.usual.profile,
        sky_pattern=here.cells_adu,
        turned_sky_pattern=there.cells_adu,
        sky_pattern_level_adu=known.level_adu,
        sky_stray=known.stray_adu / (known.level_adu or usual_sky_unit_adu(usual) or 1.0),
    )
