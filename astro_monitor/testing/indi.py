"""A small INDI client for exposures of the CCD simulator, on plain sockets.

Protocol: INDI 1.7 (https://www.clearskyinstitute.com/INDI/INDI.pdf), as far as tests need it. Answers are awaited by
name and element, so that nothing has to sleep.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.etree import ElementTree


class IndiServer:
    """``indiserver`` with the CCD simulator on its own port; it ends with the ``with`` block."""

    def __init__(self, program: str, driver: str, port: int) -> None:
        # A second server on one computer needs its own local socket.
        self._scratch = tempfile.TemporaryDirectory()
        scratch = Path(self._scratch.name)
        self._log = (scratch / "server.log").open("wb")
        self._process = subprocess.Popen(  # noqa: S603  a program named by the test
            [program, "-p", str(port), "-u", str(scratch / "socket"), driver],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={"HOME": str(scratch), "PATH": "/usr/bin:/bin"},
        )

    def __enter__(self) -> IndiServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        self._log.close()
        self._scratch.cleanup()


class IndiClient:
    """Sends properties and waits for their values.

    Parameters:
        port: port of ``indiserver`` on this computer.
        device: name of the device, such as ``CCD Simulator``.
        timeout_s: longest wait for an answer.
    """

    def __init__(self, port: int, device: str, timeout_s: float = 20.0) -> None:
        self._device = device
        self._timeout_s = timeout_s
        self._socket = self._connect(port)
        self._parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(events=("start", "end"))
        self._parser.feed("<stream>")
        self._root: ElementTree.Element | None = None
        self.values: dict[tuple[str, str], str] = {}
        self.states: dict[str, str] = {}
        self._send('<getProperties version="1.7"/>')

    def __enter__(self) -> IndiClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def set(self, kind: str, name: str, values: Mapping[str, str]) -> None:
        """Send a new vector: ``kind`` is ``Switch``, ``Text`` or ``Number``. The property must have been defined."""
        self.wait_defined(name)
        inner = "".join(f'<one{kind} name="{element}">{value}</one{kind}>' for element, value in values.items())
        self._send(f'<new{kind}Vector device="{self._device}" name="{name}">{inner}</new{kind}Vector>')

    def wait_defined(self, name: str) -> None:
        """Wait until the device has a property."""
        self._until(lambda: name in self.states, f"property {name}")

    def wait_value(self, name: str, element: str, value: str) -> None:
        """Wait until an element has a value."""
        self._until(lambda: self.values.get((name, element)) == value, f"{name}.{element} = {value}")

    def expose(self, seconds: float) -> Path:
        """Take one exposure and wait for the file, whose name the driver sends after closing it."""
        before = self.values.get(("CCD_FILE_PATH", "FILE_PATH"))
        self.set("Number", "CCD_EXPOSURE", {"CCD_EXPOSURE_VALUE": str(seconds)})
        self._until(lambda: self.values.get(("CCD_FILE_PATH", "FILE_PATH")) not in (None, "", before), "a file")
        return Path(self.values["CCD_FILE_PATH", "FILE_PATH"])

    def _connect(self, port: int) -> socket.socket:
        """Return a connection to the INDI server for tests; try again until it has started."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=1.0)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)  # the server is starting, and does not announce when it is ready

    def _send(self, text: str) -> None:
        """Send a message to the INDI server."""
        self._socket.sendall(text.encode())

    def _until(self, happened: Callable[[], bool], description: str) -> None:
        """Receive messages of the INDI server until a condition holds; raise ``TimeoutError`` after the limit."""
        deadline = time.monotonic() + self._timeout_s
        while not happened():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"the INDI device did not report {description}")
            self._socket.settimeout(left)
            self._parser.feed(self._socket.recv(65536).decode("utf-8", "replace"))
            self._take()

    def _take(self) -> None:
        """Note all complete property vectors among the received XML of the INDI server."""
        for happened in self._parser.read_events():
            event, element = happened[0], happened[-1]
            if not isinstance(element, ElementTree.Element):
                continue
            if event == "start" and self._root is None:
                self._root = element
            if event == "end" and element.tag.endswith("Vector"):
                self._note(element)
                if self._root is not None:
                    self._root.clear()

    def _note(self, vector: ElementTree.Element) -> None:
        """Note the state and values of one property vector of the INDI device."""
        name = vector.get("name", "")
        if vector.get("device") != self._device:
            return
        self.states[name] = vector.get("state", "")
        for element in vector:
            self.values[name, element.get("name", "")] = (element.text or "").strip()
