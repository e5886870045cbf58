"""Cut a frame of any size into equal tiles that the network can take.

All tiles of a frame have one shape, because a new shape costs the runtime a new memory plan, and each is a little
larger than its *core*: the cores meet without overlap, the margin gives the network its surroundings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MULTIPLE_PX = 32
"""The network works at 1/4 to 1/32 of the resolution: tiles must be multiples of this."""

MARGIN_PX = 32
"""Surroundings on each side; about as far as the network looks."""

CORE_PX = (1024, 2048)
"""Largest core (rows, columns). Larger tiles waste less margin and take more memory: 2 MP cost about 40 MB."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile, in network pixels.

    Attributes:
        top, left: first pixel of the tile in the frame; negative at the upper and left border.
        core_top, core_left, core_bottom, core_right: part of the frame this tile answers for.
    """

    top: int
    left: int
    core_top: int
    core_left: int
    core_bottom: int
    core_right: int


@dataclass(frozen=True, slots=True)
class TilePlan:
    """All tiles of a frame of ``shape`` (H, W); each is ``tile_shape`` (h, w). Network pixels."""

    shape: tuple[int, int]
    tile_shape: tuple[int, int]
    core_shape: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int]) -> TilePlan:
        """Plan the tiles of a frame.

        Parameters:
            shape: (H, W) in network pixels.
        """
        core_height, core_width = (
            _round_up(-(-size // -(-size // largest))) for size, largest in zip(shape, CORE_PX, strict=True)
        )
        return cls(shape, (core_height + 2 * MARGIN_PX, core_width + 2 * MARGIN_PX), (core_height, core_width))

    def __iter__(self) -> Iterator[Tile]:
        height, width = self.shape
        for top in range(0, height, self.core_shape[0]):
            for left in range(0, width, self.core_shape[1]):
                yield Tile(
                    top=top - MARGIN_PX,
                    left=left - MARGIN_PX,
                    core_top=top,
                    core_left=left,
                    core_bottom=min(top + self.core_shape[0], height),
                    core_right=min(left + self.core_shape[1], width),
                )


def _round_up(size: int) -> int:
    return -(-size // MULTIPLE_PX) * MULTIPLE_PX
