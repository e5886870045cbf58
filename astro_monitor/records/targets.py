"""Targets that move among the stars, so that a mount may follow them and draw the stars out on purpose."""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatchcase

_COMET = re.compile(
    r"^(comet\b.*|asteroid\b.*|minor planet\b.*|[cpdxai]\s?/\s?\d{4}\b.*|\d{1,4}[pdi](\s?/.*|\b.*)|\(\d+\)\s?\S.*)$"
)
"""Names by which programs and people call comets and asteroids: C/2023 P1, P/2019 LD2, 12P/Pons-Brooks, 12P, (433) Eros
(Minor Planet Center, https://www.minorplanetcenter.net/iau/lists/CometResolution.html)."""


def is_moving_target(target: str | None, patterns: Collection[str] = ()) -> bool:
    """Return whether a target is a comet or an asteroid by its name, or by the names that the user has set.

    Parameters:
        target: name in the header; ``None`` when it has none.
        patterns: names of such targets, capitals ignored, with ``*`` for any text.
    """
    name = " ".join((target or "").lower().split())
    return bool(name) and (bool(_COMET.match(name)) or any(fnmatchcase(name, pattern.lower()) for pattern in patterns))
