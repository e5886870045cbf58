"""The mean image of a frame's stars."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

STACK_PX = 49
"""Side of a stack in its own pixels: a path of 40 pixels and the wings of its ends fit."""
FIELD_STACK_PX = 25
"""Side of the stack of a part of the field, in pixels of the same size."""
FIELD_PARTS = 3
"""Rows and columns of the parts of the field that have a stack of their own."""

MOST_STACK_BIN_PX = 16
"""Largest side of a pixel of a stack in frame pixels: more would not fit into a frame."""


def _dark(*shape: int) -> NDArray[np.float32]:
    """Return a read-only array of zeros: a stack without light."""
    zeros = np.zeros(shape, np.float32)
    zeros.flags.writeable = False
    return zeros


def no_stack() -> NDArray[np.float32]:
    """Return the stack of a frame without usable stars: (49, 49) zeros."""
    return _dark(STACK_PX, STACK_PX)


def no_field_stacks() -> NDArray[np.float32]:
    """Return the stacks of a field without usable stars: (3, 3, 25, 25) zeros."""
    return _dark(FIELD_PARTS, FIELD_PARTS, FIELD_STACK_PX, FIELD_STACK_PX)


def no_field_counts() -> NDArray[np.uint16]:
    """Return the numbers of stars of a field without usable stars: (3, 3) zeros."""
    zeros = np.zeros((FIELD_PARTS, FIELD_PARTS), np.uint16)
    zeros.flags.writeable = False
    return zeros


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StarStacks:
    """Mean image of the unsaturated stars of a frame, each with unit flux, centred, above its own local sky.

    The values are whole steps of 16-bit floats, so that they are kept in half the bytes without any loss. All arrays
    are read-only.

    Attributes:
        stack: (49, 49) float32, share of the light in each pixel; the sum over the pixels that rise above the noise is
            1. Zero without stars.
        bin_px: frame pixels along one side of a pixel of the stacks: 1, 2, 4, 8 or 16.
        count: stars in the stack; 0: there is none.
        field_stacks: (3, 3, 25, 25) float32, the same for each ninth of the field (row, column): the middle of a stack,
            on the scale of ``stack``. Zero in a part without stars.
        field_counts: (3, 3) uint16, stars in each of them.
    """

    stack: NDArray[np.float32] = field(default_factory=no_stack)
    bin_px: int = 1
    count: int = 0
    field_stacks: NDArray[np.float32] = field(default_factory=no_field_stacks)
    field_counts: NDArray[np.uint16] = field(default_factory=no_field_counts)


NO_STACKS = StarStacks()
"""Of a frame without usable stars."""
