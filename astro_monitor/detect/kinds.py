"""What each candidate of the star finder is: a star, an extended source, an artefact, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR
from .peaks import Points, certain

NOTHING = 3
"""Class of a candidate that is no source, after the kinds."""

EXTENDED, STAR, ARTEFACT = "extended", "star", "artefact"
"""Names of the limits in the card: smallest part of an extended source's probability in that of all light; smallest
scores of light and of artefacts."""

FEW_STAR, FEW_ARTEFACT = "few_star", "few_artefact"
"""Names of the limits in a frame with too few stars to compare with: those of the scores by the maps."""
LEAST_STARS = 4
"""Fewest clear stars with which candidates are compared: in a frame with fewer, one star in a focus run is wider than
the hot pixels around it, and unlike all that are taken for stars."""


def settled(points: Points, logits: NDArray[np.float32], limits: Mapping[str, float]) -> Points:
    """Return the candidates that are sources, with their kinds and scores.

    Parameters:
        points: (N,) candidates.
        logits: (N, 4), star, extended source, artefact and nothing.
        limits: thresholds of the model's card.

    Returns:
        The sources. The score is the probability of light for a star or an extended source, and that of an artefact for
        an artefact.
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    lit, artefact = 1 - shares[:, KIND_ARTEFACT] - shares[:, NOTHING], shares[:, KIND_ARTEFACT]
    extended = shares[:, KIND_EXTENDED] > np.float32(limits[EXTENDED]) * lit
    kind = np.where(artefact > lit, KIND_ARTEFACT, np.where(extended, KIND_EXTENDED, KIND_STAR))
    score = np.where(kind == KIND_ARTEFACT, artefact, lit)
    decided = replace(points, kind=kind.astype(np.uint8), score=score.astype(np.float32))
    return certain(decided, limits[STAR], limits[ARTEFACT])
