"""Three read-only pages for those who look after computers: ``/healthz``, ``/readyz`` and ``/metrics``.

``/healthz`` answers 200 while every part of the daemon moves and there is a worker, ``/readyz`` while it also watches
the folder and can write its log, both 503 with one sentence otherwise. ``/metrics`` is Prometheus' text format.
Requests whose ``Host`` is not the one that is served are refused, so that no web page in a browser can read them by a
name of its own.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from ..documents import SessionHeartbeat
from ..errors import ConfigError, PublishError
from ..plain import because
from ..version import __version__

log = logging.getLogger(__name__)

REQUEST_LIMIT_S = 5.0
"""Longest wait in seconds for a part of a request."""
MAX_CONNECTIONS = 16
"""Connections that are served at once."""
ACCEPT_PAUSE_S = 0.2
"""Pause in seconds after an error of the listening socket, such as no free descriptor."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the daemon is at one moment.

    Attributes:
        heartbeat: its numbers.
        stuck: parts that do not move, as one sentence; empty when all do.
        not_ready: why frames cannot be taken now; empty when they can.
        worker_process: number of the worker process; 0 when there is none.
        frames_skipped: files that are no light frames.
    """

    heartbeat: SessionHeartbeat
    stuck: str
    not_ready: str
    worker_process: int
    frames_skipped: int = 0


class HealthPages:
    """Serves the pages from :meth:`start` to :meth:`stop`, in threads of its own; also a context manager.

    Parameters:
        address: ``host:port``, the host a number of this computer; empty: nothing is served.
        health: asked for each request.

    Attributes:
        port: as bound.

    Raises:
        ConfigError: the address is not on this computer alone.
    """

    def __init__(self, address: str, health: Callable[[], Health]) -> None:
        self.port = 0
        self._health = health
        self._address = _parsed(address) if address else None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Bind and serve.

        Raises:
            PublishError: the port is taken.
        """
        if self._address is None:
            return
        host, port = self._address
        try:
            self._server = _Server(host, port, self._health)
        except OSError as error:
            raise PublishError(
                f"health pages cannot be served at {host}:{port} ({because(error)}); set health.address to another port"
            ) from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="health")
        self._thread.start()

    def stop(self) -> None:
        """End it; again does nothing."""
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()

    def __enter__(self) -> HealthPages:
        self.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self.stop()


def metrics_text(health: Health) -> bytes:
    """Return the text of the health page ``/metrics``."""
    registry = CollectorRegistry()
    registry.register(_Collector(health))
    return generate_latest(registry)


def _parsed(address: str) -> tuple[str, int]:
    """Return host and port of the setting ``health.address``; raise ``ConfigError`` unless it is a loopback address."""
    host, _, port = address.rpartition(":")
    try:
        number = ipaddress.ip_address(host.strip("[]"))
        if not number.is_loopback:
            raise ConfigError(
                f"health.address {address!r} is open to other computers; use 127.0.0.1, and a proxy with a login"
            )
        return str(number), int(port)
    except ValueError as error:
        raise ConfigError(f"health.address {address!r} is no address; write it as 127.0.0.1:9464") from error


class _Collector:
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Yield the Prometheus metrics of the daemon for the page ``/metrics``."""
        beat = self._health.heartbeat
        yield InfoMetricFamily("astro_monitor", "This program.", {"version": __version__})
        yield CounterMetricFamily("astro_monitor_frames_judged", "Frames with a verdict.", beat.frames_judged)
        yield CounterMetricFamily(
            "astro_monitor_frames_skipped", "Files that are no light frames.", self._health.frames_skipped
        )
        gauges = {
            # No counter: a failure that may pass is taken back when the file is graded after all.
            "frames_failed": ("Files of this session whose last outcome is a failure.", beat.frames_failed),
            "waiting_frames": ("Frames that wait for the worker.", beat.queue_depth),
            "oldest_waiting_seconds": ("How long the oldest of them has waited.", beat.oldest_waiting_s),
            "last_document": ("Number of the newest document.", beat.last_seq),
            "free_disk_bytes": ("Space left for the night log.", beat.free_disk_bytes),
            "healthy": ("1 while every part moves.", not self._health.stuck),
            "ready": ("1 while frames can be taken.", not (self._health.stuck or self._health.not_ready)),
            "worker_running": ("1 while there is a worker process.", self._health.worker_process > 0),
        }
        for name, (meaning, value) in gauges.items():
            yield GaugeMetricFamily(f"astro_monitor_{name}", meaning, float(value))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, host: str, port: int, health: Callable[[], Health]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.health = health
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__((host, port), _Pages)
        name = f"[{host}]" if ":" in host else host
        self.hosts = {f"{one}:{self.server_address[1]}" for one in (name, "localhost")}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Refuse what is more than can be served, so that no client can make threads without end."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            # No thread can be started, so this request gets no answer.
            self._places.release()
            raise

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; when no more files may be opened, wait a little, as the connection stays."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(ACCEPT_PAUSE_S)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request for a health page and release its place for the next one."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or sent nonsense is worth no traceback."""
        log.debug("a request for a health page failed: %s", sys.exception())


class _Pages(BaseHTTPRequestHandler):
    timeout = REQUEST_LIMIT_S
    server_version = "astro-monitor"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        """Answer a request for ``/healthz``, ``/readyz`` or ``/metrics``; refuse unknown host names and paths."""
        if self.headers.get("Host", "") not in self.server.hosts:
            self._answer(421, "text/plain; charset=utf-8", b"this name is not served here\n")
            return
        try:
            health = self.server.health()
        except Exception:
            log.warning("the health of the daemon could not be determined", exc_info=True)
            self._answer(
                500, "text/plain; charset=utf-8", b"the state of the daemon could not be determined; see its log\n"
            )
            return
        match self.path:
            case "/healthz":
                self._say(health.stuck)
            case "/readyz":
                self._say(health.stuck or health.not_ready)
            case "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, metrics_text(health))
            case _:
                self._answer(404, "text/plain; charset=utf-8", b"there are /healthz, /readyz and /metrics\n")

    def _say(self, trouble: str) -> None:
        """Answer a health page with status 503 and the trouble, or with 200 and ``ok``."""
        self._answer(503 if trouble else 200, "text/plain; charset=utf-8", f"{trouble or 'ok'}\n".encode())

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        """Send the response of a health page, with headers that forbid caching."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the log."""
        log.debug(format, *args)
