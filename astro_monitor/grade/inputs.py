"""Everything that the head of the quality model sees of one frame. The only copy, for training and serving."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..records import Baseline, Measurements, SourceFeatures
from .known import Context, Known
from .pictures import profiles
from .skymaps import cells_sky_adu, sky_maps
from .statistics import statistics


@dataclass(frozen=True, slots=True, eq=False)
class HeadInputs:
    """Arrays of one frame, float32, by the names of the model's inputs.

    Attributes:
        statistics: (``STATISTICS_LENGTH``,).
        clusters: (20,) share of the sources in each cluster of the map.
        quantisation_error: (1,) mean distance of the sources from the units of the map.
        profiles: (25, 25, 3), see :class:`~.pictures.Profiles`.
        field: (9, 13, 13), see there.
        sky: (6, 8, 3), see :class:`~.skymaps.SkyMaps`.
    """

    statistics: NDArray[np.float32]
    clusters: NDArray[np.float32]
    quantisation_error: NDArray[np.float32]
    profiles: NDArray[np.float32]
    field: NDArray[np.float32]
    sky: NDArray[np.float32]

    def batch(self) -> dict[str, NDArray[np.float32]]:
        """Return the arrays by name, with an axis for the one frame."""
        return {name: getattr(self, name)[None] for name in INPUTS}


INPUTS = tuple(field.name for field in fields(HeadInputs))
"""Names of the inputs of the head."""


def head_inputs(
    features: SourceFeatures, measurements: Measurements, baseline: Baseline, normal_fwhm_arcsec: float
) -> HeadInputs:
    """Return what the head of the quality model sees of a frame.

    Parameters:
        features: of its sources.
        measurements: of the same frame, those relative to the baseline included.
        baseline: of this rig; size 0 when nothing is known yet.
        normal_fwhm_arcsec: FWHM of a good frame at this site.
    """
    context = Context(
        spreads=baseline.spreads,
        size=baseline.size,
        sky_pattern=baseline.sky_pattern,
        turned_sky_pattern=baseline.turned_sky_pattern,
        sky_pattern_level_adu=baseline.sky_pattern_level_adu,
        sky_stray=baseline.sky_stray,
        prior=baseline.prior,
        normal_fwhm_arcsec=normal_fwhm_arcsec,
    )
    known = Known.of(measurements.values, features.stamp_bin, features.profile, context)
    maps = sky_maps(cells_sky_adu(measurements.field_grid), known)
    pictures = profiles(features, baseline)
    return HeadInputs(
        statistics=statistics(known, maps),
        clusters=features.clusters,
        quantisation_error=np.array([features.quantisation_error], np.float32),
        profiles=pictures.whole,
        field=pictures.field,
        sky=maps.maps.astype(np.float32),
    )
