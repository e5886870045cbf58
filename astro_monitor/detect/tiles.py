"""Cut a frame of any size into equal tiles that the network can take.

All tiles of a frame have one shape, because a new shape costs the runtime a new memory plan, and each is a little
larger than its *core*: the cores meet without overlap, the margin gives the network its surroundings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CELL_PX = 4
"""The maps have one cell for 4 × 4 network pixels."""

MULTIPLE_PX = 32
"""The network works at 1/4 to 1/32 of the resolution: tiles must be multiples of this."""

MARGIN_PX = 12
"""Least surroundings on each side. The network looks farther, but hardly needs to."""

CORE_PX = (1024, 3072)
"""Largest core (rows, columns). Larger tiles waste less margin and take more memory: 3 MP cost about 50 MB a thread."""

_WORTH_TWO_PX = 256
"""From this height on a frame is cut in two, so that two cores can share it."""


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
        rows, columns = (-(-size // largest) for size, largest in zip(shape, CORE_PX, strict=True))
        if rows * columns % 2 and shape[0] >= _WORTH_TWO_PX:
            rows += 1
        # Cores are whole cells; what it takes to make the tile a multiple is added to the margin below and right.
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
    return -(-size // multiple) * multiple
