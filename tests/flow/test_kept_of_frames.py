"""A daemon keeps the look and the preview of each frame, and sends them to clients that ask."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of
from astro_monitor.looks import decode
from astro_monitor.publish import FrameClient
from astro_monitor.testing.running import RunningMonitor, private_settings

RIG = Rig(height_px=400, width_px=600)


def test_looks_and_previews_of_a_night_are_fetched_from_the_daemon(tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    sky = Sky.seeded(RIG, stars=300)
    with RunningMonitor(captures, private_settings(tmp_path / "state")) as running:
        for exposure in list(demo_night(20))[:3]:
            pixels = render_exposure(RIG, sky, exposure)
            write_fits(captures / f"frame_{exposure.index}.fits", pixels, cards_of(RIG, exposure))
        judged = [document for document in running.wait_for_outcomes(3) if document.kind == "frame.judged"]
        frame_ids = [document.body["frame_id"] for document in judged]
        assert [document.body["preview"] for document in judged] == [f"previews/{name}.jpg" for name in frame_ids]
        folder = running.monitor.folder
        running.wait_until(lambda: len(list((folder / "previews").glob("*.jpg"))) == 3, "three previews")
        with FrameClient(running.monitor.addresses[1]) as client:
            for document, frame_id in zip(judged, frame_ids, strict=True):
                assert Image.open(io.BytesIO(client.preview(frame_id))).size == (600, 400)
                look = decode(client.look(frame_id))
                assert look.frame_id == frame_id
                assert look.measurements.values["star_count"] == document.body["measurements"]["star_count"]
