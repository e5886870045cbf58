"""The daemon as a service manager and a monitoring system see it: the real command, in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from astro_monitor.testing.folders import small_fits

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="systemd is Linux's")]
PATIENCE_S = 90.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Manager:
    """Listens as systemd does."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.way = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.way.bind(str(place))
        self.way.settimeout(PATIENCE_S)

    def wait_for(self, word: str) -> str:
        while True:
            said = self.way.recv(4000).decode()
            if word in said:
                return said


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path / "notify")
    yield made
    made.way.close()


@pytest.fixture
def service(tmp_path, manager):
    """A running daemon under a service manager, and the addresses it was given."""
    captures = tmp_path / "captures"
    captures.mkdir()
    ports = [free_port() for _ in range(3)]
    environment = {
        **os.environ, "NOTIFY_SOCKET": str(manager.place), "WATCHDOG_USEC": "1500000",
        "ASTRO_MONITOR_HEALTH__ADDRESS": f"127.0.0.1:{ports[2]}",
    }  # fmt: skip
    addresses = ["--address", f"tcp://127.0.0.1:{ports[0]}", "--control", f"tcp://127.0.0.1:{ports[1]}"]
    command = [sys.executable, "-m", "astro_monitor", "watch", str(captures), "--state", str(tmp_path / "state")]
    process = subprocess.Popen([*command, *addresses], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        manager.wait_for("READY=1")
        yield process, captures, addresses, ports
    finally:
        process.kill()
        process.communicate()


def page(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def doctor(addresses: list[str]) -> tuple[int, dict[str, str]]:
    command = [sys.executable, "-m", "astro_monitor", "doctor", "--running", "--json", *addresses]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    return done.returncode, {finding["check"]: finding["level"] for finding in json.loads(done.stdout)}


def test_a_service_says_that_it_is_ready_alive_and_stopping(service, manager):
    process, captures, addresses, ports = service
    manager.wait_for("WATCHDOG=1")
    manager.wait_for("WATCHDOG=1")
    assert page(ports[2], "/healthz") == (200, "ok\n")
    assert page(ports[2], "/readyz") == (200, "ok\n")
    assert "astro_monitor_ready 1.0" in page(ports[2], "/metrics")[1]
    code, levels = doctor(addresses)
    assert (code, levels["daemon"], levels["watcher"]) == (0, "ok", "ok")
    process.send_signal(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    code, levels = doctor(addresses)
    assert (code, levels) == (1, {"daemon": "fault"})
    (log_file,) = captures.parent.glob("state/*/astro-monitor.log")
    assert "is watched" in log_file.read_text("utf-8")


def test_a_folder_that_is_gone_is_reported_on_every_way(service, manager):
    process, captures, addresses, ports = service
    captures.rmdir()
    while page(ports[2], "/readyz")[0] == 200:
        manager.wait_for("WATCHDOG=1")
    status, sentence = page(ports[2], "/readyz")
    assert (status, "is missing" in sentence) == (503, True)
    assert page(ports[2], "/healthz")[0] == 200, "nothing that a restart would mend"
    code, levels = doctor(addresses)
    assert (code, levels["watcher"], levels["daemon"]) == (1, "fault", "fault")
    captures.mkdir()
    (captures / "a.fits").write_bytes(small_fits())
    while page(ports[2], "/readyz")[0] != 200:
        manager.wait_for("WATCHDOG=1")
    assert process.poll() is None


def test_it_listens_on_this_computer_alone(service):
    process, _, _, ports = service
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    listening = {one.laddr for member in family for one in member.net_connections("inet") if one.status == "LISTEN"}
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == set(ports)
