"""The publisher: one thread that owns every socket. Everybody else hands it documents through a bounded queue."""

from __future__ import annotations

import errno
import logging
import math
import queue
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import zmq

from ..clock import Clock, utc_text
from ..documents import Document, SessionHeartbeat, body_json, encode, topic
from ..errors import PublishError
from ..settings import PublishSettings
from .addresses import bind_address, is_ipv4, keys_for
from .chunks import Busy, Chunk, Chunks, FileKind, FrameFiles, OnTheWay
from .control import Fetch, History, Observe, Revise, answer
from .gatekeeper import Gatekeeper
from .roles import LOCAL
from .wire import WELCOME, open_socket

log = logging.getLogger(__name__)

_HANDOVER = 10_000
"""Documents that may wait for the thread. Beyond that, announcements are dropped; clients fetch them by replay."""

_CONFIRM_S = 0.02
"""Time from a subscription to the heartbeat that confirms it; many subscriptions at once share one."""

_STOP_S = 5.0
"""Longest wait in seconds for the thread of the publisher to end."""


def _no_figures() -> SessionHeartbeat:
    """Return a heartbeat body with all numbers zero, for when the daemon cannot gather them."""
    return SessionHeartbeat(
        last_seq=0, queue_depth=0, oldest_waiting_s=0.0, frames_judged=0, frames_failed=0, free_disk_bytes=0, watcher=""
    )


class Publisher:
    """Broadcasts documents and answers questions from :meth:`start` to :meth:`stop`; also a context manager.

    Parameters:
        settings: addresses, heartbeat and keys. With ``enabled`` off nothing is opened and announcements are ignored.
        history: the night log, for replay, snapshot and the last number.
        clock: the source of time.

    Attributes:
        revise: carries out what clients decide by hand, called in the publisher's thread; ``None`` refuses it.
        observe: takes in what clients observe, called in the publisher's thread; ``None`` refuses it.
        figures: gives the numbers of each heartbeat, called in the publisher's thread; its ``last_seq`` is replaced.
        addresses: broadcast and control address, as bound, port numbers included; empty before :meth:`start`.
        dropped: announcements that found the queue full.
    """

    def __init__(self, settings: PublishSettings, history: History, clock: Clock) -> None:
        self._settings = settings
        self._history = history
        self._clock = clock
        self._waiting: queue.Queue[Document] = queue.Queue(_HANDOVER)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._beats = 0
        self.figures: Callable[[], SessionHeartbeat] = _no_figures
        self.revise: Revise | None = None
        self._chunks: Chunks | None = None
        self._on_the_way = OnTheWay()
        self.observe: Observe | None = None
        self.addresses: tuple[str, ...] = ()
        self.dropped = 0

    def offer(self, files: FrameFiles) -> None:
        """Let clients fetch looks and previews, which are read in the publisher's thread.

        Parameters:
            files: where they are kept.
        """
        self._chunks = Chunks(files)

    def start(self) -> None:
        """Bind the sockets and start the thread.

        Raises:
            PublishError: an address is taken or wrong, or it needs keys that are not there.
        """
        if not self._settings.enabled or self._thread is not None:
            return
        wanted = (bind_address(self._settings.address), bind_address(self._settings.control_address))
        keys = keys_for(wanted, self._settings.keys_folder)
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            gatekeeper = Gatekeeper(context, keys) if keys is not None else None
            broadcast = open_socket(context, zmq.XPUB)
            broadcast.setsockopt(zmq.XPUB_VERBOSE, 1)
            broadcast.setsockopt(zmq.XPUB_WELCOME_MSG, WELCOME)
            control = open_socket(context, zmq.ROUTER)
            for made, address, setting in zip(
                (broadcast, control), wanted, ("address", "control_address"), strict=True
            ):
                if gatekeeper is not None:
                    gatekeeper.guard(made)
                _bind(made, address, setting)
            self.addresses = (broadcast.get_string(zmq.LAST_ENDPOINT), control.get_string(zmq.LAST_ENDPOINT))
        except BaseException:
            context.destroy(linger=0)
            raise
        # Anybody may write to one end to wake the thread; a ZeroMQ socket could not be shared like that.
        self._bell, bell = socket.socketpair()
        self._bell.setblocking(False)
        bell.setblocking(False)
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._run, args=(context, broadcast, control, gatekeeper, bell), name="publisher"
        )
        self._thread.start()

    def announce(self, document: Document) -> None:
        """Hand over a document that is safe in the log; returns at once, from any thread."""
        if self._thread is None:
            return
        try:
            self._waiting.put_nowait(document)
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1:
                log.warning("documents come faster than they can be broadcast; clients fetch the rest by replay")
        self._ring()

    def stop(self) -> None:
        """Send what waits, close everything, end the thread; again does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        self._ring()
        thread.join(_STOP_S)
        if thread.is_alive():
            log.error("the publisher did not end within %g s", _STOP_S)
        self._bell.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ring(self) -> None:
        """Wake the thread of the publisher from its wait."""
        try:
            self._bell.send(b"\0")
        except OSError:
            log.debug("the bell is ringing already")

    def _run(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        broadcast: zmq.Socket[bytes],
        control: zmq.Socket[bytes],
        gatekeeper: Gatekeeper | None,
        bell: socket.socket,
    ) -> None:
        """Send documents and heartbeats and answer clients until stopped: the loop of the publisher's thread."""
        poller = zmq.Poller()
        for watched in (broadcast, control, bell, *([gatekeeper.socket] if gatekeeper else [])):
            poller.register(watched, zmq.POLLIN)
        due = self._clock.monotonic()
        try:
            while not self._stopping.is_set():
                ready = dict(poller.poll(max(0, math.ceil((due - self._clock.monotonic()) * 1000.0))))
                if bell.fileno() in ready:
                    _drain(bell)
                self._send_waiting(broadcast)
                if gatekeeper is not None and gatekeeper.socket in ready:
                    gatekeeper.answer()
                if broadcast in ready:
                    # A subscription (or rubbish). A heartbeat soon after tells that subscriber that it has arrived.
                    broadcast.recv_multipart()
                    due = min(due, self._clock.monotonic() + _CONFIRM_S)
                if control in ready:
                    self._answer_one(control, gatekeeper)
                if self._clock.monotonic() >= due:
                    due = self._clock.monotonic() + self._settings.heartbeat_s
                    self._send(broadcast, self._heartbeat())
            self._send_waiting(broadcast)
        except Exception:
            log.critical("the publisher failed; documents are still logged, restart to broadcast again", exc_info=True)
        finally:
            bell.close()
            context.destroy()

    def _send_waiting(self, broadcast: zmq.Socket[bytes]) -> None:
        """Broadcast all documents that wait in the queue."""
        while True:
            try:
                document = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._send(broadcast, document)

    def _send(self, broadcast: zmq.Socket[bytes], document: Document) -> None:
        """Broadcast one document under its topic."""
        broadcast.send_multipart([topic(document.kind, document.body).encode(), encode(document)])

    def _answer_one(self, control: zmq.Socket[bytes], gatekeeper: Gatekeeper | None) -> None:
        """Answer one question. ``REQ`` clients put an empty frame before it, which goes back to them."""
        client, *frames = control.recv_multipart(copy=False)
        empty = [b""] if frames and not frames[0].bytes else []
        question = frames[len(empty) :]
        if len(question) != 1:
            return
        sender = LOCAL if gatekeeper is None else gatekeeper.sender(question[0])
        fetch = self._fetch_for(client.bytes)
        reply, *data = answer(self._history, question[0].bytes, self.revise, self.observe, sender, fetch)
        head = [client.bytes, *empty, reply]
        if not data:
            control.send_multipart(head)
            return
        control.send_multipart(head, zmq.SNDMORE)
        tracker = control.send(data[0], copy=False, track=True)
        if tracker is not None:
            self._on_the_way.sent(client.bytes, tracker)

    def _fetch_for(self, client: bytes) -> Fetch | None:
        """Return how looks and previews are found for a client; ``None`` when none are sent."""
        chunks = self._chunks
        if chunks is None:
            return None

        def fetch(kind: FileKind, frame_id: str, offset: int) -> Chunk:
            if not self._on_the_way.has_room(client):
                raise Busy("many looks and previews are on the way already; ask again later")
            return chunks.chunk(kind, frame_id, offset)

        return fetch

    def _heartbeat(self) -> Document:
        """Return the next heartbeat document, with the numbers of the daemon."""
        self._beats += 1
        last_seq = self._history.last_seq()
        try:
            figures = self.figures()
        except Exception:
            log.warning("the heartbeat's numbers could not be gathered", exc_info=True)
            figures = _no_figures().model_copy(update={"trouble": "The daemon cannot tell how it is; see its log."})
        return Document(
            kind="session.heartbeat",
            doc_id=f"{self._history.session_id}-beat-{self._beats}",
            session_id=self._history.session_id,
            seq=last_seq,
            time=utc_text(self._clock.utc()),
            body=body_json(figures.model_copy(update={"last_seq": last_seq})),
        )


def _bind(made: zmq.Socket[bytes], address: str, setting: str) -> None:
    """Bind a socket of the publisher; raise PublishError that names the setting if the address cannot be used."""
    # With IPV6 on, an IPv4 address would be bound, and told to others, as tcp://[::ffff:127.0.0.1].
    made.setsockopt(zmq.IPV6, int(not is_ipv4(address)))
    try:
        made.bind(address)
    except zmq.ZMQError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = (
                f"{address} is in use by another program, perhaps another astro-monitor; stop it, or set "
                f"publish.{setting} to another port (0: the system chooses)"
            )
        else:
            sentence = (
                f"{address} cannot be used ({error.strerror}); set publish.{setting} to an address of this computer"
            )
        raise PublishError(sentence) from error


def _drain(bell: socket.socket) -> None:
    """Discard the bytes that woke the thread of the publisher."""
    try:
        while bell.recv(4096):
            pass
    except BlockingIOError:
        return
