"""The cameras that the judge knows: frames that tell pedestal and gain, whatever target and filter they are of."""

from __future__ import annotations

from typing import Any

from ..baseline import CameraPool, Exposed
from ..records import BaselineKey, Skipped, baseline_key

MOST_CAMERAS = 8
"""Cameras, gains and binnings that are remembered; the one not used for longest is forgotten first. Each has 10 kB of
state."""


class Cameras:
    """The pools of frames, by camera, gain, binning and size of the picture."""

    def __init__(self) -> None:
        self._pools: dict[str, CameraPool] = {}

    def pool(self, key: BaselineKey) -> CameraPool:
        """Return the pool of the camera that frames with a key come from, and mark it as the one used last.

        Parameters:
            key: of light or calibration frames; the telescope in it does not matter, as darks often lack its name.
        """
        name = _name(key)
        pool = self._pools.pop(name, None) or CameraPool()
        self._pools[name] = pool
        while len(self._pools) > MOST_CAMERAS:
            del self._pools[next(iter(self._pools))]
        return pool

    def note_calibration(self, outcome: Skipped) -> None:
        """Learn from a bias or dark frame.

        Parameters:
            outcome: a file that is no light frame; it is ignored when its noise was not measured.
        """
        if outcome.meta.kind in ("bias", "dark") and outcome.sky_noise.cells:
            key = baseline_key(outcome.meta, outcome.sensor_shape)
            self.pool(key).note(Exposed.of(outcome.frame_id, outcome.meta, outcome.sky_noise))

    def forget(self, frame_id: str) -> None:
        """Remove a frame whose file was not complete.

        Parameters:
            frame_id: of the frame; unknown ones are ignored.
        """
        for pool in self._pools.values():
            pool.forget(frame_id)

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        return [[name, pool.state()] for name, pool in self._pools.items()]

    @classmethod
    def restore(cls, stored: list[Any]) -> Cameras:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        cameras = cls()
        cameras._pools = {str(name): CameraPool.restore(pool) for name, pool in stored[-MOST_CAMERAS:]}
        return cameras


def _name(key: BaselineKey) -> str:
    """Return what frames of one camera, read in the same way, have in common, as one text."""
    camera = key.rig.rpartition("/")[2]
    return f"{camera}|{key.gain:g}|{key.binning}|{key.height}x{key.width}"
