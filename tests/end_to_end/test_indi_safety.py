"""A cloud over the real daemon makes INDI's real Weather Safety Proxy say unsafe, and safe again when it has passed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from astro_monitor.demo import Exposure, Rig, Sky, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of
from astro_monitor.testing.indi import IndiClient, IndiServer
from astro_monitor.testing.running import RunningMonitor, private_settings

pytestmark = [pytest.mark.external, pytest.mark.slow]

RIG = Rig(height_px=720, width_px=960)
PARAMETER = ("WEATHER_PARAMETERS", "WEATHER_SAFETY")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for_status(path: Path, open_ok: int) -> None:
    pause = threading.Event()
    for _ in range(300):
        if path.exists() and json.loads(path.read_text("utf-8"))["roof_status"]["open_ok"] == open_ok:
            return
        pause.wait(0.1)
    raise TimeoutError(f"the status never became {open_ok}: {path.read_text() if path.exists() else 'no file'}")


def test_a_cloud_closes_the_roof_and_opens_it_again(tmp_path, repository, need_program) -> None:
    server = need_program("indiserver", "indi-bin")
    capture, status, script = tmp_path / "capture", tmp_path / "status.json", tmp_path / "weather.sh"
    capture.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(repository / "plugins" / "indi-safety")}
    plugin = [sys.executable, "-m", "astro_monitor_indi_safety.command", "--status", str(status)]
    script.write_text(f"#!/bin/sh\nPYTHONPATH='{environment['PYTHONPATH']}' exec {' '.join(plugin)} print\n")
    script.chmod(0o755)
    sky = Sky.seeded(RIG, stars=600)
    taken = 0

    with RunningMonitor(capture, private_settings(tmp_path / "state")) as daemon:

        def expose(frames: int, extinction_mag: float) -> None:
            nonlocal taken
            for _ in range(frames):
                taken += 1
                exposure = replace(Exposure(index=taken, expected="", what=""), extinction_mag=extinction_mag)
                write_fits(capture / f"{taken:03d}.fits", render_exposure(RIG, sky, exposure), cards_of(RIG, exposure))
                daemon.wait_for_outcomes(taken)

        broadcast, control = daemon.monitor.addresses
        following = [*plugin, "run", "--address", broadcast, "--control", control]
        port = free_port()
        with (
            subprocess.Popen(following, env=environment) as follower,
            IndiServer(server, "indi_weather_safety_proxy", port),
            IndiClient(port, "Weather Safety Proxy") as weather,
        ):
            try:
                weather.set("Switch", "CONNECTION", {"CONNECT": "On", "DISCONNECT": "Off"})
                weather.set("Text", "WEATHER_SAFETY_SCRIPTS", {"WEATHER_SAFETY_SCRIPT": str(script)})
                weather.wait_value("WEATHER_SAFETY_SCRIPTS", "WEATHER_SAFETY_SCRIPT", str(script))

                def indi_says(open_ok: int) -> None:
                    wait_for_status(status, open_ok)
                    weather.set("Switch", "WEATHER_REFRESH", {"REFRESH": "On"})
                    weather.wait_value(*PARAMETER, str(open_ok))

                expose(6, extinction_mag=0.0)
                indi_says(1)
                expose(3, extinction_mag=1.6)
                indi_says(0)
                assert "bad" in weather.values["WEATHER_SAFETY_REASONS", "Reasons"]
                expose(4, extinction_mag=0.0)
                indi_says(1)
            finally:
                follower.terminate()
    assert follower.returncode == 0
    assert not status.exists()
