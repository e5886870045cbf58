"""All that one frame shows by itself: open → read → detect → measure → features of the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import FrameError
from ..looks import compact, cutouts, picture
from ..measure import measure_sources, sky_noise, source_table
from ..read import SKIPPED_KINDS, sky_positions
from ..records import (
    NOT_MEASURED,
    Arrival,
    Detections,
    Failed,
    Frame,
    FrameMeta,
    Look,
    Skipped,
    SkyNoise,
    SourceFeatures,
    SourceTable,
    StarStacks,
)
from ..stages import FrameMeasurer, FrameReader, OpenedFrame, SourceDescriber, StarFinder
from .guard import Stopwatch, guarded

SCALE_OF_SETTINGS = "setting site.scale_arcsec_px"
"""Source of a pixel scale that no header has."""
CUBE_KEYWORD = "NAXIS3"
"""A cube is a product by its shape alone; it is refused rather than skipped, because no header called it one."""

CALIBRATION_KINDS = ("bias", "dark")
"""Types of skipped frames whose level and noise tell the pedestal and gain of their camera."""

OnPicture = Callable[[Frame, Detections], None]
"""Called with the frame and its detections, while they are in memory."""


class Looker:
    """The stages that need no other frame, in their order.

    Parameters:
        reader, star_finder, measurer, describer: the stages.
        default_scale_arcsec_px: of sensor pixels, where the header has no pixel scale.
    """

    def __init__(
        self,
        reader: FrameReader,
        star_finder: StarFinder,
        measurer: FrameMeasurer,
        describer: SourceDescriber,
        *,
        default_scale_arcsec_px: float | None = None,
    ) -> None:
        self._reader = reader
        self._star_finder = star_finder
        self._measurer = measurer
        self._describer = describer
        self._default_scale_arcsec_px = default_scale_arcsec_px

    def look(self, arrival: Arrival, *, on_picture: OnPicture | None = None) -> Look | Skipped | Failed:
        """Look at one file.

        Parameters:
            arrival: a whole file.
            on_picture: called once the sources are found.

        Returns:
            the look; or why there is none. Never raises for anything the file did.
        """
        watch = Stopwatch()
        return guarded(arrival, watch, lambda: self._look(arrival, watch, on_picture))

    def search(self, arrival: Arrival, *, on_picture: OnPicture | None = None) -> Look:
        """Look at a file of any kind and measure every source, with sky positions where there is a plate solution.

        Parameters:
            arrival: a whole file.
            on_picture: called once the sources are found.

        Raises:
            FrameError: the file cannot be read or searched.
        """
        opened = self._reader.open(arrival)
        return self._look_at(arrival, opened, Stopwatch(), on_picture, every_source=True)

    def _look(self, arrival: Arrival, watch: Stopwatch, on_picture: OnPicture | None) -> Look | Skipped:
        """Open a file and run the look stages on it; a frame that is no light is skipped."""
        opened = watch.run("open", lambda: self._reader.open(arrival))
        meta = opened.meta
        if meta.kind in SKIPPED_KINDS and meta.sources.get("kind") != CUBE_KEYWORD:
            return Skipped(
                arrival=arrival,
                frame_id=opened.frame_id,
                sha256=opened.sha256,
                meta=meta,
                sensor_shape=opened.sensor_shape,
                sentence=_skip_sentence(meta),
                timings_s=watch.timings_s,
                sky_noise=watch.run("read", lambda: _calibration_noise(opened)),
            )
        return self._look_at(arrival, opened, watch, on_picture, every_source=False)

    def _look_at(
        self,
        arrival: Arrival,
        opened: OpenedFrame,
        watch: Stopwatch,
        on_picture: OnPicture | None,
        *,
        every_source: bool,
    ) -> Look:
        """Run the stages read, detect, measure and grade features on an opened frame, and return its look."""
        frame = watch.run("read", opened.frame)
        watch.frame_id = frame.frame_id
        if frame.meta.scale_arcsec_px is None and self._default_scale_arcsec_px is not None:
            frame = replace(frame, meta=_with_scale(frame.meta, self._default_scale_arcsec_px))
        detections = watch.run("detect", lambda: self._star_finder.detect(frame))
        if on_picture is not None:
            on_picture(frame, detections)
        measured = watch.run("measure", lambda: self._measurer.measure(frame, detections))
        features = watch.run("grade", lambda: self._describer.features(frame, detections, measured.stars))
        features = _with_stacks(features, measured.stacks)
        if every_source:
            table = watch.run("measure", lambda: measure_sources(frame, detections))
            table = _located(table, frame, opened.headers)
        else:
            table = watch.run("measure", lambda: compact(_located(source_table(frame, detections, measured), frame)))
        parts, whole = watch.run("keep", lambda: (cutouts(frame), picture(frame, detections)))
        return Look(
            arrival=arrival,
            frame_id=frame.frame_id,
            sha256=frame.sha256,
            meta=frame.meta,
            sensor_shape=frame.sensor_shape,
            sensor_px_per_px=frame.sensor_px_per_px,
            saturation_adu=frame.saturation_adu,
            measurements=measured.measurements,
            sources=table,
            source_features=features,
            sky=detections.sky,
            cutouts=parts,
            picture=whole,
            models=(detections.model, features.model),
            timings_s=watch.timings_s,
        )


def _with_stacks(features: SourceFeatures, stacks: StarStacks) -> SourceFeatures:
    """Return the features of the sources of a frame with the mean images of its stars."""
    return replace(
        features,
        stack=stacks.stack,
        stack_bin_px=stacks.bin_px,
        stack_count=stacks.count,
        field_stacks=stacks.field_stacks,
        field_stack_counts=stacks.field_counts,
    )


def _located(table: SourceTable, frame: Frame, headers: Sequence[Any] = ()) -> SourceTable:
    """Return the table in pixels of the file: its header counts from its corner, overscan included."""
    x_px, y_px = table.x_px + frame.origin_px[0], table.y_px + frame.origin_px[1]
    if not headers:
        return replace(table, x_px=x_px, y_px=y_px)
    ra_deg, dec_deg = sky_positions(headers, x_px, y_px, frame.frame_id)
    return replace(table, x_px=x_px, y_px=y_px, ra_deg=ra_deg, dec_deg=dec_deg)


def _calibration_noise(opened: OpenedFrame) -> SkyNoise:
    """Return level and noise of a bias or dark frame; not measured where its pixels cannot be read: no great loss."""
    if opened.meta.kind not in CALIBRATION_KINDS:
        return NOT_MEASURED
    try:
        return sky_noise(opened.frame())
    except FrameError:
        return NOT_MEASURED


KIND_NAMES = {
    "product": "a processed product", "guide": "a frame of the guide camera", "focus": "a focus frame",
    "snapshot": "a snapshot", "defect_map": "a defect map",
}  # fmt: skip


def _skip_sentence(meta: FrameMeta) -> str:
    """Return the sentence that says why a frame is not graded, such as that its header names a dark."""
    source = meta.sources.get("kind", "The header")
    subject = f"The {source}" if source.endswith(" name") else source
    what = KIND_NAMES.get(meta.kind, f"a {meta.kind} frame")
    if meta.kind == "product" and meta.program and meta.sources.get("program") == source:
        what = f"a product of {meta.program}"
    hint = "; judge.grade_calibrated = true has such frames graded" if source == "CALSTAT" else ""
    return f"{subject} says this is {what}, so it is not graded{hint}."


def _with_scale(meta: FrameMeta, scale_arcsec_px: float) -> FrameMeta:
    """Return the metadata of a frame with the image scale of the settings."""
    sources = {**meta.sources, "scale_arcsec_px": SCALE_OF_SETTINGS}
    return replace(meta, scale_arcsec_px=scale_arcsec_px, sources=sources)
