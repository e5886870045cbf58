"""Division of a frame of any size into equal tiles for the network.

All tiles of a frame have one shape, because a new shape requires a new memory plan of the runtime. Each is a little
larger than its *core*: cores are adjacent without overlap, and the margin contains the surroundings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CELL_PX = 4
"""Side of a cell of the maps in network pixels."""

MULTIPLE_PX = 32
"""Sides of tiles are multiples of this, in network pixels: the network works at 1/4 to 1/32 of the resolution."""

MARGIN_PX = 12
"""Smallest margin on each side in network pixels. The receptive field is larger, with hardly any effect."""

CORE_PX = (1024, 3072)
"""Largest core (rows, columns) in network pixels. Larger tiles waste less margin and need more memory: 3 MP need about
50 MB per thread."""

_WORTH_TWO_PX = 256
"""Height in network pixels from which a frame is divided in two, so that two processor cores can share it."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile, in network pixels.

    Attributes:
        top, left: first pixel of the tile in the frame; negative at the upper and left border.
        core_top, core_left, core_bottom, core_right: part of the frame whose sources this tile reports.
    """

    top: int
    left: int
    core_top: int
    core_left: int
    core_bottom: int
    core_right: int


@dataclass(frozen=True, slots=True)
class TilePlan:
    """The tiles of a frame of ``shape`` (H, W); each is ``tile_shape`` (h, w), in network pixels."""

    shape: tuple[int, int]
    tile_shape: tuple[int, int]
    core_shape: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int]) -> TilePlan:
        """Return the tiles of a frame.

        Parameters:
            shape: (H, W) in network pixels.
        """
        rows, columns = (-(-size // largest) for size, largest in zip(shape, CORE_PX, strict=True))
        if rows * columns % 2 and shape[0] >= _WORTH_TWO_PX:
            rows += 1
        # Cores consist of whole cells; the margin below and right is enlarged to make the tile a multiple.
        core = (_round_up(-(-shape[0] // rows), CELL_PX), _round_up(-(-shape[1] // columns), CELL_PX))
        height, width = (_round_up(size + 2 * MARGIN_PX, MULTIPLE_PX) for size in core)
        return cls(shape, (height, width), core)

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


def _round_up(size: int, multiple: int) -> int:
    """Return a size of a tile in pixels, rounded up to a multiple."""
    return -(-size // multiple) * multiple
