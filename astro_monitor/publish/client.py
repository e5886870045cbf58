"""The reference client: every document once, in order, over a connection that may lose some.

The order of its steps is the point, and any language can do the same: subscribe; wait for the first heartbeat, which
proves that the subscription has arrived (the welcome does not); only then ask for what was before; from then on, fill
every hole in the numbers by replay, also the one that a heartbeat shows at the end.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import zmq

from ..documents import TOPIC_ROOT, BadDocument, Document, decode, topic
from ..errors import PublishError
from ..settings import PublishSettings
from .asking import connected, followed, reply_to
from .control import ControlReply
from .fetching import FrameClient
from .handshake import Handshake
from .keys import ClientKeys, client_keys
from .wire import MAX_REPLAY

log = logging.getLogger(__name__)

_TICK_MS = 100
"""How long a wait may last before ``stop`` is looked at."""

_STALE_S = 3.0
"""Seconds without a heartbeat, which comes each second, after which the state is asked for."""
_BACK_OFF_S = (0.1, 2.0)
"""Shortest and longest pause in seconds before a question is repeated; random, so that clients do not ask at once."""

_Replayed = Literal["history", "live"]


@dataclass(frozen=True, slots=True)
class Received:
    """A document and how it came.

    Attributes:
        document: the document.
        how: ``state``: part of the snapshot, it tells what holds now; ``history``: made before this client was
            connected, so no reason for an alarm; ``live``: it has just happened.
    """

    document: Document
    how: Literal["state", "history", "live"]


class Subscription:
    """A connection to one daemon, used by one thread: iterate over it.

    Parameters:
        address: broadcast address of the daemon.
        control_address: its control address.
        topics: beginnings of topics that are wanted, such as ``am1/alert/tracking/``; empty for all.
        kinds: kinds that are wanted; empty for all.
        after_seq: begin with the documents after this number; ``None``: with the snapshot, then what is new.
        keys: for a daemon that asks for them.
        stop: ends the iteration when it is set.
        patience_s: give up when nothing is heard so long at the beginning; ``None``: wait for ever.

    Attributes:
        last_seq: number of the last document that was seen; hand it to the next subscription as ``after_seq``.
        log_id: which night log the numbers belong to.
        stale: nothing was heard for three seconds, heartbeats included, or a question got no answer.
    """

    def __init__(
        self,
        address: str,
        control_address: str,
        *,
        topics: Sequence[str] = (),
        kinds: Sequence[str] = (),
        after_seq: int | None = None,
        keys: ClientKeys | None = None,
        stop: threading.Event | None = None,
        patience_s: float | None = 10.0,
    ) -> None:
        self._address = address
        self._control_address = control_address
        self._topics = tuple(topics) or (TOPIC_ROOT,)
        self._kinds = frozenset(kinds)
        self._wants_state = after_seq is None
        self._keys = keys
        self._stop = stop or threading.Event()
        self._patience_s = patience_s
        self._session_id = ""
        self._handshake: Handshake | None = None
        self.last_seq = after_seq or 0
        self.log_id = ""
        self.stale = False

    def look(self, frame_id: str) -> bytes:
        """Fetch the encoded look of a frame, over a connection of its own; from any thread.

        Parameters:
            frame_id: as in its ``frame.judged`` document.

        Raises:
            NotKept: the daemon has none.
            PublishError: no answer, or the daemon refuses.
        """
        with FrameClient(self._control_address, self._keys) as client:
            return client.look(frame_id)

    def preview(self, frame_id: str) -> bytes:
        """Fetch the preview of a frame, a JPEG file, over a connection of its own; from any thread.

        Parameters:
            frame_id: as in its ``frame.judged`` document.

        Raises:
            NotKept: the daemon has none.
            PublishError: no answer, or the daemon refuses.
        """
        with FrameClient(self._control_address, self._keys) as client:
            return client.preview(frame_id)

    def __iter__(self) -> Iterator[Document]:
        """Yield every wanted document once, in order."""
        for received in self.received():
            yield received.document

    def received(self) -> Iterator[Received]:
        """Yield every wanted document once, in order, and how it came.

        Raises:
            PublishError: no daemon is heard, or the daemon refuses the questions.
        """
        for received in self._receive_all():
            document = received.document
            if (not self._kinds or document.kind in self._kinds) and topic(document.kind, document.body).startswith(
                self._topics
            ):
                yield received

    def _receive_all(self) -> Iterator[Received]:
        """Yield each document of the daemon, missed ones fetched again, until stopped; topics and kinds unfiltered."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            broadcast, self._handshake = followed(context, zmq.SUB, self._address, self._keys)
            # Everything, whatever is wanted: a narrower filter would make holes in the numbers by itself.
            broadcast.setsockopt(zmq.SUBSCRIBE, TOPIC_ROOT.encode())
            control = connected(context, zmq.DEALER, self._control_address, self._keys)
            if not self._is_subscribed(broadcast):
                return
            yield from self._catch_up(control, "history")
            while self._hear(broadcast, None):
                frames = broadcast.recv_multipart()
                document = _document(frames)
                if document is None:
                    # A welcome: the connection is new, so anything may have happened in between.
                    yield from self._catch_up(control, "history")
                elif document.kind != "session.heartbeat":
                    yield from self._take_live(control, document)
                elif document.session_id != self._session_id or document.seq != self.last_seq:
                    yield from self._catch_up(control, "live")
        finally:
            handshake, self._handshake = self._handshake, None
            if handshake is not None:
                handshake.close()
            context.destroy(linger=0)

    def _is_subscribed(self, broadcast: zmq.Socket[bytes]) -> bool:
        """Wait for the first document, most likely a heartbeat; the answer to the first question covers it as well."""
        while self._hear(broadcast, self._patience_s):
            if len(broadcast.recv_multipart()) > 1:
                return True
        return False

    def _hear(self, broadcast: zmq.Socket[bytes], patience_s: float | None) -> bool:
        """Wait for a message; tell whether there is one (else ``stop`` was set)."""
        began = time.monotonic()
        while not self._stop.is_set():
            if broadcast.poll(_TICK_MS):
                self.stale = False
                return True
            silent_s = time.monotonic() - began
            if silent_s > _STALE_S:
                self._go_stale()
            refusal = self._handshake.refusal() if self._handshake is not None else ""
            if patience_s is not None and refusal:
                raise PublishError(refusal)
            if patience_s is not None and silent_s > patience_s:
                raise PublishError(f"no daemon is heard at {self._address}; is 'astro-monitor watch' running?")
        return False

    def _go_stale(self) -> None:
        """Mark the connection as stale, and log a warning once with the reason if the daemon refused it."""
        if not self.stale:
            self.stale = True
            refusal = self._handshake.refusal() if self._handshake is not None else ""
            log.warning("nothing is heard from %s; still listening%s", self._address, f": {refusal}" * bool(refusal))

    def _take_live(self, control: zmq.Socket[bytes], document: Document) -> Iterator[Received]:
        """Yield a document from the broadcast, after those missed before it; nothing if it was seen already."""
        if document.seq > self.last_seq + 1:
            yield from self._replay(control, document.seq - 1, "live")
        if document.seq == self.last_seq + 1:
            self.last_seq = document.seq
            yield Received(document, "live")

    def _catch_up(self, control: zmq.Socket[bytes], how: _Replayed) -> Iterator[Received]:
        """Make sure of the log's identity, and fetch what this client does not have."""
        reply = self._ask(control, {"request": "snapshot" if self._wants_state and not self.log_id else "hello"})
        if reply is None:
            return
        if self.log_id and reply.log_id != self.log_id:
            log.warning("the daemon has begun a new night log; its documents are numbered from 1 again")
            self.last_seq = 0
            how = "history"
        self.log_id, self._session_id = reply.log_id, reply.session_id
        if reply.reply == "snapshot":
            self.last_seq = reply.last_seq
            yield from (Received(document, "state") for document in reply.documents)
        elif reply.last_seq > self.last_seq:
            yield from self._replay(control, reply.last_seq, how)

    def _replay(self, control: zmq.Socket[bytes], up_to: int, how: _Replayed) -> Iterator[Received]:
        """Yield the documents up to a number, fetched again from the daemon in portions."""
        while self.last_seq < up_to:
            reply = self._ask(control, {"request": "replay", "after_seq": self.last_seq, "limit": MAX_REPLAY})
            if reply is None or reply.log_id != self.log_id or not reply.documents:
                return  # stopped, or another log by now: the next welcome or heartbeat sorts it out
            for document in reply.documents:
                self.last_seq = document.seq
                yield Received(document, how)

    def _ask(self, control: zmq.Socket[bytes], question: dict[str, str | int]) -> ControlReply | None:
        """Ask until an answer comes; ``None`` when ``stop`` was set first."""
        while not self._stop.is_set():
            name = uuid.uuid4().hex
            control.send(json.dumps({**question, "id": name}).encode())
            reply = reply_to(control, name, self._stop)
            if reply is not None and reply.error == "bad_request":
                raise PublishError(f"the daemon did not understand: {reply.sentence}; update this client")
            if reply is not None and not reply.error:
                return reply
            if reply is None:
                self._go_stale()
            self._stop.wait(random.uniform(*_BACK_OFF_S))
        return None


def tail(
    settings: PublishSettings,
    stop: threading.Event | None = None,
    *,
    history: bool = False,
    after_seq: int | None = None,
    kinds: Sequence[str] = (),
) -> Iterator[Document]:
    """Follow a daemon: everything that happens from now on, once and in order.

    Parameters:
        settings: the daemon's addresses; with ``keys_folder``, the first client's secret there is used.
        stop: ends the iteration when it is set.
        history: begin with the first document in the log.
        after_seq: or begin after this number.
        kinds: kinds that are wanted; empty for all.

    Raises:
        PublishError: no daemon is heard, or the keys are missing.
    """
    subscription = Subscription(
        settings.address,
        settings.control_address,
        kinds=kinds,
        after_seq=0 if history else after_seq,
        keys=client_keys(settings.keys_folder) if settings.keys_folder is not None else None,
        stop=stop,
    )
    for received in subscription.received():
        if received.how != "state":
            yield received.document


def _document(frames: list[bytes]) -> Document | None:
    """Read one broadcast; ``None`` for the welcome and for what is no document of this version."""
    if len(frames) < 2:
        return None
    try:
        return decode(frames[1])
    except BadDocument as error:
        log.warning("a broadcast could not be read: %s", error)
        return None
