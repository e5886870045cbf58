"""The detection stage: from a frame to its sources and trails."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DetectFailed, ModelError
from ..inference import Model
from ..records import KIND_ARTEFACT, KIND_STAR, Detections, Frame, HotPixels, SkyMap
from .hot import hot_pixels
from .lone import with_lone_source
from .peaks import Points
from .prepare import Stretch
from .scale import choose_bin
from .sky import Pixels, sky_map
from .streaks import find_streaks
from .tiles import CELL_PX
from .unet import StarNet

MOST_SOURCES = 20_000
"""Most reported detections: stars and extended sources before artefacts, the brightest of each."""

_APERTURE = 5
"""Side of the square for peak and signal to noise, in network pixels."""


class Detector:
    """Star finder: every frame is processed completely.

    Parameters:
        model: the star U-Net.

    Raises:
        ModelError: the model does not fit this version of the program.
    """

    def __init__(self, model: Model) -> None:
        self._net = StarNet(model)
        self._model = model

    def detect(self, frame: Frame) -> Detections:
        """Return the stars, extended sources, artefacts and trails of a frame.

        Parameters:
            frame: at least 8 × 8 pixels; it is not changed.

        Raises:
            DetectFailed: the model failed.
        """
        sky = sky_map(frame.pixels)
        hot = hot_pixels(frame.pixels, sky)
        pixels = hot.cleaned(frame.pixels)
        bin_factor = choose_bin(pixels, sky, frame.saturation_adu)
        try:
            scan = self._net.scan(pixels, Stretch(sky, pixels.shape, bin_factor))
        except ModelError as error:
            raise DetectFailed(f"the star finder failed on this frame: {error}") from error
        points = scan.points
        x, y = _in_frame(points, bin_factor)
        peak, snr = _brightness(pixels, sky, x, y, bin_factor)
        lone = with_lone_source(points, snr, pixels, sky, bin_factor)
        if lone is not points:
            points = lone
            x, y = _in_frame(points, bin_factor)
            peak, snr = _brightness(pixels, sky, x, y, bin_factor)
        stars = np.flatnonzero(points.kind == KIND_STAR)
        stars = stars[np.argsort(-snr[stars], kind="stable")]
        streaks = find_streaks(
            scan.streak,
            self._model.card.thresholds["streak"],
            pixels,
            sky,
            bin_factor,
            saturation_adu=frame.saturation_adu,
            stars=np.stack([x[stars], y[stars]], axis=1),
        )
        table: dict[str, NDArray[Any]] = {
            "x_px": x,
            "y_px": y,
            "score": points.score,
            "kind": points.kind,
            "peak_adu": peak,
            "snr": snr,
        }
        if len(hot.y):
            artefacts = _as_artefacts(hot, frame.pixels, sky)
            table = {name: np.concatenate([values, artefacts[name]]) for name, values in table.items()}
        order = np.lexsort((-table["snr"], table["kind"] == KIND_ARTEFACT))[:MOST_SOURCES]
        order = order[np.argsort(-table["snr"][order], kind="stable")]
        return Detections(
            frame_id=frame.frame_id,
            **{name: _frozen(values[order]) for name, values in table.items()},
            bin_factor=bin_factor,
            streaks=streaks,
            sky=sky,
            model=self._model.identity,
            hot=hot,
            binned_adu=_frozen(scan.binned_adu),
            binned_px=CELL_PX * bin_factor,
        )


def _in_frame(points: Points, bin_factor: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the positions of the sources in frame pixels."""
    middle = np.float32((bin_factor - 1) / 2)
    return points.x_px * bin_factor + middle, points.y_px * bin_factor + middle


def _as_artefacts(hot: HotPixels, pixels: Pixels, sky: SkyMap) -> dict[str, NDArray[Any]]:
    """Return the columns of ``Detections`` for hot pixels, which were removed before the network ran."""
    y, x = hot.y[hot.peak], hot.x[hot.peak]
    peak = pixels[y, x].astype(np.float32) - hot.usual_adu[hot.peak]
    return {
        "x_px": x.astype(np.float32),
        "y_px": y.astype(np.float32),
        "score": np.ones(len(peak), np.float32),
        "kind": np.full(len(peak), KIND_ARTEFACT, np.uint8),
        "peak_adu": peak,
        "snr": (peak / (sky.noise_adu * _APERTURE)).astype(np.float32),
    }


def _brightness(
    pixels: Pixels, sky: SkyMap, x: NDArray[np.float32], y: NDArray[np.float32], bin_factor: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return peak above the sky, and signal to noise, in a square of 5 × 5 network pixels around each source.

    At most 5 × 5 samples are read of each at any binning: this serves for sorting and as an estimate; fluxes are
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


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array of the detections, made read-only."""
    values.flags.writeable = False
    return values
