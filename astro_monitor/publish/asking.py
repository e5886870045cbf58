"""Asking a running daemon one thing: how it is, to decide on a frame by hand, or to take in an observation."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Mapping

import zmq
from pydantic import ValidationError

from ..documents import (
    TOPIC_ROOT,
    BadDocument,
    ContextObserved,
    Decision,
    Document,
    SessionHeartbeat,
    body_json,
    decode,
    heartbeat,
)
from ..errors import PublishError
from ..settings import PublishSettings
from .control import ControlReply
from .handshake import Handshake
from .keys import ClientKeys, client_keys
from .wire import open_socket

log = logging.getLogger(__name__)

_TICK_MS = 100
"""How long a wait may last before ``stop`` is looked at."""
_REPLY_S = 2.0
"""Longest wait for an answer in seconds: a daemon answers in milliseconds unless its disk hangs."""


def connected(
    context: zmq.Context[zmq.Socket[bytes]], kind: int, address: str, keys: ClientKeys | None
) -> zmq.Socket[bytes]:
    """Open a socket to a daemon.

    Raises:
        PublishError: the address is none.
    """
    made = _open_with_keys(context, kind, keys)
    _connect(made, address)
    return made


def followed(
    context: zmq.Context[zmq.Socket[bytes]], kind: int, address: str, keys: ClientKeys | None
) -> tuple[zmq.Socket[bytes], Handshake]:
    """Open a socket to a daemon, and follow whether the daemon lets it in.

    Returns:
        the socket and its handshake, which must be closed first.

    Raises:
        PublishError: the address is none.
    """
    made = _open_with_keys(context, kind, keys)
    handshake = Handshake(context, made, address, has_keys=keys is not None)
    try:
        _connect(made, address)
    except PublishError:
        handshake.close()
        raise
    return made, handshake


def _open_with_keys(context: zmq.Context[zmq.Socket[bytes]], kind: int, keys: ClientKeys | None) -> zmq.Socket[bytes]:
    """Return a new ZeroMQ socket of the client, with its CURVE keys if it has any."""
    made = open_socket(context, kind)
    if keys is not None:
        made.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
        made.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        made.setsockopt(zmq.CURVE_SERVERKEY, keys.server_public)
    return made


def _connect(made: zmq.Socket[bytes], address: str) -> None:
    """Connect the client's socket to a daemon; raise PublishError if the address is none."""
    try:
        made.connect(address)
    except zmq.ZMQError as error:
        raise PublishError(f"{address!r} is no address to connect to; write it as tcp://127.0.0.1:5556") from error


def reply_to(control: zmq.Socket[bytes], name: str, stop: threading.Event) -> ControlReply | None:
    """Wait for the answer of this name; answers to earlier questions, which came too late, are passed over.

    Returns:
        the answer, or ``None`` when none came in time or ``stop`` was set.
    """
    until = time.monotonic() + _REPLY_S
    while not stop.is_set() and time.monotonic() < until:
        if not control.poll(_TICK_MS):
            continue
        try:
            reply = ControlReply.model_validate_json(control.recv_multipart()[-1])
        except ValidationError as error:
            log.warning("an answer could not be read: %s", str(error).splitlines()[0])
            continue
        if reply.id == name:
            return reply
    return None


def _keys(settings: PublishSettings) -> ClientKeys | None:
    """Return the CURVE keys of the client from the folder in the settings; ``None`` without a folder."""
    return client_keys(settings.keys_folder) if settings.keys_folder is not None else None


def _ask(
    context: zmq.Context[zmq.Socket[bytes]], settings: PublishSettings, question: Mapping[str, object]
) -> ControlReply:
    """Ask once.

    Raises:
        PublishError: no daemon answers.
    """
    control, handshake = followed(context, zmq.DEALER, settings.control_address, _keys(settings))
    name = uuid.uuid4().hex
    try:
        control.send(json.dumps({**question, "id": name}).encode())
        reply = reply_to(control, name, threading.Event())
        refusal = handshake.refusal()
    finally:
        handshake.close()
        control.close(linger=0)
    if reply is None:
        raise PublishError(
            refusal or f"no daemon answers at {settings.control_address}; is 'astro-monitor watch' running?"
        )
    return reply


def how_it_is(settings: PublishSettings, patience_s: float = 5.0) -> SessionHeartbeat:
    """Ask a running daemon how it is: it must answer a question, and then be heard.

    Parameters:
        settings: the daemon's addresses; with ``keys_folder``, the first client's secret there is used.
        patience_s: how long to listen.

    Returns:
        its next heartbeat.

    Raises:
        PublishError: no answer, or nothing is heard.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        broadcast = connected(context, zmq.SUB, settings.address, _keys(settings))
        broadcast.setsockopt(zmq.SUBSCRIBE, f"{TOPIC_ROOT}session/heartbeat/".encode())
        _ask(context, settings, {"request": "ping"})
        until = time.monotonic() + patience_s
        while (left_s := until - time.monotonic()) > 0:
            if not broadcast.poll(int(1000 * left_s) + 1):
                break
            frames = broadcast.recv_multipart()
            try:
                document = decode(frames[-1])
            except BadDocument:
                continue
            return heartbeat(document.body)
        raise PublishError(f"no heartbeat is heard at {settings.address}; is publish.address the daemon's?")
    finally:
        context.destroy(linger=0)


def revise(settings: PublishSettings, frame_id: str, decision: Decision, *, by: str, why: str) -> Document:
    """Decide on a frame by hand, at a running daemon.

    Parameters:
        settings: the daemon's addresses; with ``keys_folder``, the first client's secret there is used.
        frame_id: as in its ``frame.judged`` document.
        decision: what holds from now on.
        by: who says so.
        why: one sentence.

    Returns:
        the ``frame.revised`` document.

    Raises:
        PublishError: no answer, or the daemon refuses.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        wish = {"request": "revise", "frame_id": frame_id, "decision": decision, "by": by, "why": why}
        reply = _ask(context, settings, wish)
    finally:
        context.destroy(linger=0)
    if reply.error:
        raise PublishError(f"the daemon does not take this decision: {reply.sentence}")
    return reply.documents[0]


def observe(settings: PublishSettings, observation: ContextObserved) -> Document:
    """Report to a running daemon what another program has observed.

    Parameters:
        settings: the daemon's addresses; with ``keys_folder``, the first client's secret there is used: its role must
            be ``plugin``.
        observation: what was observed; ``by`` is filled in by the daemon.

    Returns:
        the ``context.observed`` document.

    Raises:
        PublishError: no answer, or the daemon refuses.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        reply = _ask(context, settings, {"request": "observe", "observation": body_json(observation)})
    finally:
        context.destroy(linger=0)
    if reply.error:
        raise PublishError(f"the daemon does not take this observation: {reply.sentence}")
    return reply.documents[0]
