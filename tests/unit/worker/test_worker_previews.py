"""A worker shows the frame that it has looked at last, once, and whatever goes wrong costs that preview alone."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from astro_monitor.records import Arrival, Detections, Frame, FrameMeta, Look, Skipped, SkyMap
from astro_monitor.testing.inventing import invented_look
from astro_monitor.worker import wire
from astro_monitor.worker.child import Bench
from astro_monitor.worker.wire import LookAt, Looked, Show

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def arrival(name: str) -> Arrival:
    return Arrival(
        path=Path("/night") / name, root=Path("/night"), size_bytes=1, mtime_ns=2, first_seen_utc=MOMENT,
        settled_utc=MOMENT, how="scan",
    )  # fmt: skip


class Looking:
    """Stages that hand on a frame of noise; an ``odd`` one cannot be shown, a ``dark`` is skipped after it was read."""

    def look(self, arrived: Arrival, *, on_picture: Any = None) -> Look | Skipped:
        look = invented_look(arrived, arrived.path.name.encode())
        pixels = np.random.default_rng(1).normal(1000, 10, (60, 90)).astype(np.uint16)
        frame = Frame(
            frame_id=look.frame_id, sha256=look.sha256, arrival=arrived, meta=FrameMeta(), sensor_px_per_px=1,
            pixels=pixels if arrived.path.name != "odd" else pixels[:0], sensor_shape=(60, 90), saturation_adu=65535.0,
        )  # fmt: skip
        none = np.empty(0, np.float32)
        detections = Detections(
            frame_id=look.frame_id, x_px=none, y_px=none, score=none, kind=none.astype(np.uint8), peak_adu=none,
            snr=none, bin_factor=1, streaks=(), model="m",
            sky=SkyMap(level_adu=np.zeros((1, 1), np.float32), noise_adu=1.0, cell_px=64),
        )  # fmt: skip
        if on_picture is not None:
            on_picture(frame, detections)
        if arrived.path.name == "dark":
            return Skipped(
                arrival=arrived, frame_id=look.frame_id, sha256=look.sha256, meta=FrameMeta(), sensor_shape=(1, 1),
                sentence="", timings_s={},
            )  # fmt: skip
        return look


def looked(bench: Bench, name: str, *, to_show: bool = True) -> str:
    answer = bench.look(LookAt(arrival=arrival(name), to_show=to_show))
    assert isinstance(answer, Looked | Skipped)
    assert answer.frame_id is not None
    return answer.frame_id


def test_the_last_frame_is_shown_once() -> None:
    bench = Bench(Looking())
    frame_id = looked(bench, "light")
    shown = bench.show(Show(frame_id=frame_id))
    assert shown.frame_id == frame_id
    assert Image.open(io.BytesIO(shown.jpeg)).size == (90, 60)
    assert bench.show(Show(frame_id=frame_id)).jpeg == b""


def test_the_pixels_of_one_frame_are_held_at_most() -> None:
    bench = Bench(Looking())
    first, second = looked(bench, "first"), looked(bench, "second")
    assert bench.show(Show(frame_id=first)).jpeg == b""
    assert bench.show(Show(frame_id=second)).jpeg == b"", "who asks for another frame is out of step"
    for name, to_show in (("dark", True), ("light", False)):
        assert bench.show(Show(frame_id=looked(bench, name, to_show=to_show))).jpeg == b""


def test_a_preview_that_cannot_be_made_costs_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Looking())
    frame_id = looked(bench, "odd")
    assert bench.show(Show(frame_id=frame_id)).jpeg == b""
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert frame_id in caplog.text


@pytest.mark.parametrize("jpeg", [b"", b"\xff\xd8\0\0\xff\xd9"])
def test_previews_travel_as_bytes(jpeg: bytes) -> None:
    shown = wire.Shown(frame_id="77ab0c1d9e8f6a54", jpeg=jpeg)
    assert wire.unpack(wire.pack(shown, 3)) == (shown, 3)
