"""The real thing end to end: an INDI camera writes frames, the daemon grades them, a subscriber hears of each."""

from __future__ import annotations

import socket
import threading

import pytest

from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of
from astro_monitor.documents import Document
from astro_monitor.publish import Subscription
from astro_monitor.testing.indi import IndiClient, IndiServer
from astro_monitor.testing.running import RunningMonitor, private_settings

pytestmark = [pytest.mark.external, pytest.mark.slow]

FRAMES = 10
RIG = Rig(height_px=720, width_px=960)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Listener(threading.Thread):
    """A subscriber that keeps every frame's document until it has so many."""

    def __init__(self, addresses: tuple[str, ...], wanted: int) -> None:
        super().__init__(name="subscriber")
        self._documents = Subscription(*addresses, kinds=("frame.judged", "frame.failed"), after_seq=0)
        self._wanted = wanted
        self.heard: list[Document] = []

    def run(self) -> None:
        for document in self._documents:
            self.heard.append(document)
            if len(self.heard) == self._wanted:
                return


def test_indi_camera_to_subscriber(tmp_path, need_program) -> None:
    server = need_program("indiserver", "indi-bin")
    replay, capture = tmp_path / "replay", tmp_path / "capture"
    replay.mkdir()
    capture.mkdir()
    sky = Sky.seeded(RIG, stars=600)
    night = list(demo_night(FRAMES))
    for exposure in night:
        # The simulator's directory mode wants PIXSIZE1 in the frames that it replays.
        cards = {**cards_of(RIG, exposure), "PIXSIZE1": 3.76, "PIXSIZE2": 3.76}
        write_fits(replay / f"{exposure.index:03d}.fits", render_exposure(RIG, sky, exposure), cards)

    port = free_port()
    # On a busy machine frames come faster than they are judged; then the newest would be first.
    settings = private_settings(tmp_path / "state").model_copy(update={"backlog": "in_order"})
    with (
        RunningMonitor(capture, settings) as running,
        IndiServer(server, "indi_simulator_ccd", port),
        IndiClient(port, "CCD Simulator") as camera,
    ):
        subscriber = Listener(running.monitor.addresses, FRAMES)
        subscriber.start()
        camera.set("Switch", "CONNECTION", {"CONNECT": "On", "DISCONNECT": "Off"})
        camera.wait_value("CONNECTION", "CONNECT", "On")
        camera.set("Text", "CCD_DIRECTORY_LOCATION", {"LOCATION": str(replay)})
        camera.set("Switch", "CCD_DIRECTORY_TOGGLE", {"INDI_ENABLED": "On", "INDI_DISABLED": "Off"})
        camera.wait_value("CCD_DIRECTORY_TOGGLE", "INDI_ENABLED", "On")
        camera.set("Switch", "UPLOAD_MODE", {"UPLOAD_LOCAL": "On"})
        camera.wait_value("UPLOAD_MODE", "UPLOAD_LOCAL", "On")
        camera.set("Text", "UPLOAD_SETTINGS", {"UPLOAD_DIR": str(capture), "UPLOAD_PREFIX": "LIGHT_XXX"})
        camera.wait_value("UPLOAD_SETTINGS", "UPLOAD_DIR", str(capture))
        written = [camera.expose(0.05) for _ in night]
        outcomes = running.wait_for_outcomes(FRAMES)
        subscriber.join(timeout=30)

    heard = subscriber.heard
    assert [document.body["file"] for document in outcomes] == [str(path) for path in written]
    assert [document.body["file"] for document in heard] == [str(path) for path in written]
    assert all(document.kind == "frame.judged" for document in heard)
    assert all(document.body["meta"]["camera"] == "CCD Simulator" for document in heard)
    right = sum(document.body["class"] == exposure.expected for document, exposure in zip(heard, night, strict=True))
    assert right >= FRAMES - 2, [(e.what, d.body["class"]) for e, d in zip(night, heard, strict=True)]
