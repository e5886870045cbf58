"""The stage: a frame in, its sources and trails out."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import DetectFailed, ModelError
from ..inference import Model
from ..records import Detections, Frame, SkyMap
from .prepare import Stretch
from .scale import choose_bin
from .sky import Pixels, sky_map
from .streaks import find_streaks
from .unet import StarNet

MOST_SOURCES = 20_000
"""At most so many detections are reported, the brightest."""

_APERTURE = 5

_Array = TypeVar("_Array", NDArray[np.float32], NDArray[np.uint8])


class Detector:
    """Star finder: the whole frame is mapped, every time.

    Parameters:
        model: the star U-Net.

    Raises:
        ModelError: the model does not belong to this program.
    """

    def __init__(self, model: Model) -> None:
        self._net = StarNet(model)
        self._model = model

    def detect(self, frame: Frame) -> Detections:
        """Find stars, extended sources, artefacts and trails.

        Parameters:
            frame: at least 8 × 8 pixels; not changed.

        Raises:
            DetectFailed: the model gave up.
        """
        pixels = frame.pixels
        sky = sky_map(pixels)
        bin_factor = choose_bin(pixels, sky, frame.saturation_adu)
        try:
            points, log_odds = self._net.scan(pixels, Stretch(sky, pixels.shape, bin_factor))
        except ModelError as error:
            raise DetectFailed(f"the star finder failed on this frame: {error}") from error
        streaks = find_streaks(log_odds, self._model.card.thresholds["streak"], pixels, sky, bin_factor)
        x = points.x_px * bin_factor + np.float32((bin_factor - 1) / 2)
        y = points.y_px * bin_factor + np.float32((bin_factor - 1) / 2)
        peak, snr = _brightness(pixels, sky, x, y, bin_factor)
        order = np.argsort(-snr, kind="stable")[:MOST_SOURCES]
        return Detections(
            frame_id=frame.frame_id,
            x_px=_frozen(x[order]),
            y_px=_frozen(y[order]),
            score=_frozen(points.score[order]),
            kind=_frozen(points.kind[order]),
            peak_adu=_frozen(peak[order]),
            snr=_frozen(snr[order]),
            bin_factor=bin_factor,
            streaks=streaks,
            sky=sky,
            model=self._model.identity,
        )


def _brightness(
    pixels: Pixels, sky: SkyMap, x: NDArray[np.float32], y: NDArray[np.float32], bin_factor: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Height above the sky, and flux over noise, in a square of 5 × 5 network pixels around each source.

    At most 5 × 5 samples are read of each, whatever the binning: this is for order and a first look; fluxes are
    measured by the next stage.
    """
    height, width = pixels.shape
    steps = (np.arange(_APERTURE) - _APERTURE // 2) * bin_factor
    columns = np.clip(np.rint(x)[:, None].astype(np.intp) + steps, 0, width - 1)
    rows = np.clip(np.rint(y)[:, None].astype(np.intp) + steps, 0, height - 1)
    grid_height, grid_width = sky.level_adu.shape
    cell_y = np.minimum(rows[:, 2] // sky.cell_px, grid_height - 1)
    cell_x = np.minimum(columns[:, 2] // sky.cell_px, grid_width - 1)
    above = pixels[rows[:, :, None], columns[:, None, :]] - sky.level_adu[cell_y, cell_x][:, None, None]
    peak = above[:, 1:4, 1:4].max(axis=(1, 2), initial=-np.inf)
    noise = sky.noise_adu * _APERTURE / bin_factor
    return peak.astype(np.float32), (above.sum(axis=(1, 2)) / noise).astype(np.float32)


def _frozen(values: _Array) -> _Array:
    values.flags.writeable = False
    return values
