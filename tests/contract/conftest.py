"""A real publisher on ports of the system's choice, and a listener that fails instead of waiting for ever."""

from __future__ import annotations

import copy
import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from astro_monitor.clock import SystemClock
from astro_monitor.documents import Document
from astro_monitor.nightlog import NightLog
from astro_monitor.publish import Publisher, Received, Subscription
from astro_monitor.settings import PublishSettings
from astro_monitor.testing.bodies import body_of

GOLDENS = Path(__file__).parent / "goldens" / "v1.3"
PATIENCE_S = 20.0


class Bus:
    """A night log in memory and its publisher."""

    def __init__(self, log: NightLog, publisher: Publisher) -> None:
        self.log = log
        self.publisher = publisher

    def log_only(self, kind: str, /, **fields: Any) -> Document:
        """Log a golden document without telling anybody, as if its broadcast were lost."""
        return self.log.append(kind, body_of(kind, golden_body(kind) | fields))

    def say(self, kind: str, /, **fields: Any) -> Document:
        document = self.log_only(kind, **fields)
        self.publisher.announce(document)
        return document

    def ask(self, question: object, kind: int = zmq.DEALER) -> dict[str, Any]:
        """Ask on the control socket, as any client would."""
        data = question if isinstance(question, bytes) else json.dumps(question).encode()
        with zmq.Context() as context, context.socket(kind) as control:
            control.linger = 0
            control.connect(self.publisher.addresses[1])
            control.send(data)
            assert control.poll(PATIENCE_S * 1000), "no answer"
            return json.loads(control.recv())


class Listener:
    """Runs a subscription in a thread and hands over what it gives."""

    def __init__(self, subscription: Subscription, stop: threading.Event) -> None:
        self.subscription = subscription
        self._stop = stop
        self._got: queue.Queue[Received | BaseException] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="listener")
        self._thread.start()

    def _run(self) -> None:
        try:
            for received in self.subscription.received():
                self._got.put(received)
        except BaseException as error:
            self._got.put(error)

    def next(self) -> Received:
        got = self._got.get(timeout=PATIENCE_S)
        if isinstance(got, BaseException):
            raise got
        return got

    def seqs(self, count: int) -> list[int]:
        return [self.next().document.seq for _ in range(count)]

    def until_synchronised(self, bus: Bus) -> None:
        """Wait until live documents come through."""
        document = bus.say("list.written")
        while self.next().document.seq != document.seq:
            pass

    def close(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def golden_body(kind: str) -> dict[str, Any]:
    return copy.deepcopy(json.loads((GOLDENS / f"{kind}.json").read_text("utf-8"))["body"])


def local(**fields: Any) -> PublishSettings:
    """Settings with ports of the system's choice and a quick heartbeat."""
    chosen = {"address": "tcp://127.0.0.1:0", "control_address": "tcp://127.0.0.1:0", "heartbeat_s": 0.05} | fields
    return PublishSettings.model_validate(chosen)


@pytest.fixture
def settings() -> Callable[..., PublishSettings]:
    return local


@pytest.fixture
def log() -> Iterator[NightLog]:
    with NightLog.open(":memory:", "session-1", SystemClock()) as opened:
        yield opened


@pytest.fixture
def bus(log: NightLog) -> Iterator[Bus]:
    with Publisher(local(), log, SystemClock()) as publisher:
        yield Bus(log, publisher)


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Give a function that starts a listener on a publisher; all are closed in the end."""
    listeners = []

    def start(publisher: Publisher, **options: Any) -> Listener:
        stop = threading.Event()
        listener = Listener(Subscription(*publisher.addresses, stop=stop, **options), stop)
        listeners.append(listener)
        return listener

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture
def subscriber() -> Iterator[Callable[..., zmq.Socket[bytes]]]:
    """Give a function that connects a plain SUB socket."""
    with zmq.Context() as context:
        sockets = []

        def connect(address: str, prefix: bytes = b"am1/", **keys: bytes) -> zmq.Socket[bytes]:
            made = context.socket(zmq.SUB)
            sockets.append(made)
            made.linger = 0
            for name, key in keys.items():
                setattr(made, name, key)
            made.setsockopt(zmq.SUBSCRIBE, prefix)
            made.connect(address)
            return made

        yield connect
        for made in sockets:
            made.close()
