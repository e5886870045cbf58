"""The mean image of stars as a text, so that it travels and is kept in JSON."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .looks import SourceFeatures
from .stacks import MOST_STACK_BIN_PX, STACK_PX, no_stack

ITEM = np.dtype("<f2")
"""Type of a packed pixel: the noise of a stack is far above its steps."""
PACKED_CHARS = 4 * -(-STACK_PX * STACK_PX * ITEM.itemsize // 3)
"""Length of a packed stack: 6,404 letters for 4,802 bytes."""
LARGEST = 1e3
"""No pixel of a stack of unit flux comes near this."""
MOST_SENSOR_PX = 4
"""Most sensor pixels along one side of a frame pixel: 3 where an X-Trans array was read as super-pixels."""
MOST_COUNT = 100_000
"""No stack is of so many stars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StarProfile:
    """Mean image of the stars of one frame, or of several frames alike.

    Attributes:
        packed: the pixels of the stack as little-endian 16-bit floats, row by row, in base64; empty: there is none.
        bin_px: frame pixels along one side of a pixel of the stack.
        sensor_px_per_px: sensor pixels along one side of a frame pixel.
        count: stars in it.
    """

    packed: str = ""
    bin_px: int = 1
    sensor_px_per_px: int = 1
    count: int = 0

    @classmethod
    def of(cls, features: SourceFeatures, sensor_px_per_px: int) -> StarProfile:
        """Return the profile of a frame from its look; an empty one where no star could be used.

        Parameters:
            features: of the sources, with their stack.
            sensor_px_per_px: of the frame.
        """
        if not features.stack_count:
            return NO_PROFILE
        return cls.packed_from(features.stack, features.stack_bin_px, sensor_px_per_px, features.stack_count)

    @classmethod
    def packed_from(cls, stack: NDArray[np.float32], bin_px: int, sensor_px_per_px: int, count: int) -> StarProfile:
        """Return the profile with these pixels.

        Parameters:
            stack: (49, 49), finite; rounded to 16 bits.
            bin_px, sensor_px_per_px, count: as in the profile.
        """
        packed = base64.b64encode(stack.astype(ITEM).tobytes()).decode("ascii")
        return cls(packed=packed, bin_px=bin_px, sensor_px_per_px=sensor_px_per_px, count=count)

    @property
    def px(self) -> float:
        """Side of a pixel of the stack in sensor pixels."""
        return float(self.bin_px * self.sensor_px_per_px)

    def stack(self) -> NDArray[np.float32]:
        """Return the pixels, (49, 49) float32, read-only; zero where there are none."""
        if not self.packed:
            return no_stack()
        pixels: NDArray[np.float32] = np.frombuffer(base64.b64decode(self.packed), ITEM).astype(np.float32)
        pixels.flags.writeable = False
        return pixels.reshape(STACK_PX, STACK_PX)

    def state(self) -> list[Any]:
        """Return everything as plain JSON values, below 7 kB."""
        return [self.packed, self.bin_px, self.sensor_px_per_px, self.count]

    @classmethod
    def restore(cls, stored: list[Any]) -> StarProfile:
        """Undo :meth:`state`.

        Raises:
            TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        packed, bin_px, sensor_px_per_px, count = stored
        profile = cls(packed=str(packed), bin_px=int(bin_px), sensor_px_per_px=int(sensor_px_per_px), count=int(count))
        sound = (
            1 <= profile.bin_px <= MOST_STACK_BIN_PX
            and 1 <= profile.sensor_px_per_px <= MOST_SENSOR_PX
            and 0 <= profile.count <= MOST_COUNT
        )
        if not sound or not _is_packed(profile.packed):
            raise ValueError("this is no stack of stars")
        return profile


def _is_packed(text: str) -> bool:
    """Return whether a text holds the pixels of a stack, all finite, or none."""
    if not text:
        return True
    if len(text) != PACKED_CHARS:
        return False
    try:
        pixels = np.frombuffer(base64.b64decode(text, validate=True), ITEM)
    except (binascii.Error, ValueError):
        return False
    return pixels.size == STACK_PX * STACK_PX and bool((np.abs(pixels.astype(np.float32)) <= LARGEST).all())


NO_PROFILE = StarProfile()
"""Of a frame without usable stars, or a rig of which none is known yet."""
