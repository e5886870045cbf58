"""The health pages tell how the daemon is, to this computer alone."""

from __future__ import annotations

import http.client
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from astro_monitor.documents import SessionHeartbeat
from astro_monitor.errors import ConfigError, PublishError
from astro_monitor.monitor.health import Health, HealthPages, metrics_text


def health(stuck: str = "", not_ready: str = "") -> Health:
    beat = SessionHeartbeat(
        last_seq=42, queue_depth=3, oldest_waiting_s=1.5, frames_judged=40, frames_failed=2, free_disk_bytes=10**9,
        watcher="watching by events", trouble=stuck,
    )  # fmt: skip
    return Health(heartbeat=beat, stuck=stuck, not_ready=not_ready, worker_process=7, frames_skipped=12)


def ask(pages: HealthPages, path: str, host: str = "", method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", pages.port, timeout=10)
    try:
        connection.request(method, path, headers={"Host": host or f"127.0.0.1:{pages.port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("now", "path", "status", "word"),
    [
        (health(), "/healthz", 200, "ok"),
        (health(), "/readyz", 200, "ok"),
        (health(not_ready="The folder is missing."), "/healthz", 200, "ok"),
        (health(not_ready="The folder is missing."), "/readyz", 503, "The folder is missing."),
        (health(stuck="Nothing moves."), "/healthz", 503, "Nothing moves."),
        (health(stuck="Nothing moves."), "/readyz", 503, "Nothing moves."),
        (health(), "/", 404, "/healthz"),
        (health(), "/../../etc/passwd", 404, "/healthz"),
    ],
)
def test_pages(now, path, status, word) -> None:
    with HealthPages("127.0.0.1:0", lambda: now) as pages:
        answered, text = ask(pages, path)
        assert (answered, word in text) == (status, True)


def test_metrics_are_prometheus_text() -> None:
    families = {family.name: family for family in text_string_to_metric_families(metrics_text(health()).decode())}
    values = {name: family.samples[0].value for name, family in families.items()}
    assert values["astro_monitor_frames_judged"] == 40.0
    assert values["astro_monitor_frames_skipped"] == 12.0
    assert values["astro_monitor_waiting_frames"] == 3.0
    assert values["astro_monitor_ready"] == 1.0
    assert families["astro_monitor_frames_judged"].type == "counter"
    stuck = metrics_text(health(stuck="Nothing moves.")).decode()
    assert "astro_monitor_healthy 0.0" in stuck
    assert "astro_monitor_ready 0.0" in stuck


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1:1", "localhost"])
def test_a_page_in_a_browser_cannot_read_it_by_a_name_of_its_own(host) -> None:
    """DNS rebinding: the browser connects to 127.0.0.1, but says the name that it was given."""
    with HealthPages("127.0.0.1:0", health) as pages:
        status, text = ask(pages, "/metrics", host)
        assert (status, "astro_monitor" in text) == (421, False)
        assert ask(pages, "/metrics", f"localhost:{pages.port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(method) -> None:
    with HealthPages("127.0.0.1:0", health) as pages:
        assert ask(pages, "/healthz", method=method)[0] == 501


def test_connections_that_say_nothing_do_not_take_all_places(monkeypatch) -> None:
    monkeypatch.setattr("astro_monitor.monitor.health._Pages.timeout", 0.2)
    with HealthPages("127.0.0.1:0", health) as pages:
        silent = [socket.create_connection(("127.0.0.1", pages.port)) for _ in range(40)]
        for one in silent:
            one.settimeout(10)
            assert one.recv(10) == b"", "it is closed, at once or after a while"
            one.close()
        assert ask(pages, "/healthz")[0] == 200


def test_a_daemon_of_unknown_state_is_not_healthy() -> None:
    def broken() -> Health:
        raise OSError("no disk")

    with HealthPages("127.0.0.1:0", broken) as pages:
        assert ask(pages, "/healthz")[0] == 500


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9464", "192.168.1.5:9464", "[::]:9464", "somewhere:80", "9464", "127.0.0.1:x"]
)
def test_only_this_computer_is_served(address) -> None:
    with pytest.raises(ConfigError, match=r"health\.address"):
        HealthPages(address, health)


def test_without_an_address_nothing_is_served() -> None:
    with HealthPages("", health) as pages:
        assert pages.port == 0


def test_a_taken_port_is_reported() -> None:
    with HealthPages("127.0.0.1:0", health) as pages, pytest.raises(PublishError, match="another port"):
        HealthPages(f"127.0.0.1:{pages.port}", health).start()
