"""Bodies of documents from plain JSON values, such as those of a recorded document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..documents import BODIES, Body


def body_of(kind: str, plain: Mapping[str, Any]) -> Body:
    """Return a body that a night log takes.

    Parameters:
        kind: of the document.
        plain: fields of the body.

    Raises:
        ValueError: the kind is unknown, or a field does not fit it.
    """
    if kind not in BODIES:
        raise ValueError(f"documents of kind {kind!r} are not logged")
    return BODIES[kind].model_validate(plain)
