"""What both ends agree on below the documents: sizes, socket options, the welcome message."""

from __future__ import annotations

import zmq

from ..documents import TOPIC_ROOT

WELCOME = f"{TOPIC_ROOT}welcome/".encode("ascii")
"""Sent alone, without a document, on each new connection. It comes before the subscription is known: only a heartbeat
shows that nothing is missed from then on."""

MAX_REQUEST_BYTES = 64 * 1024
"""A peer that sends more to the daemon in one message is disconnected."""

MAX_REPLY_BYTES = 1024 * 1024
"""A replay reply ends after the document that passes this; ``more`` then says that there is more."""

MAX_REPLAY = 1000
"""Documents in one replay reply, at most."""

_MAX_RECEIVED_BYTES = 16 * 1024 * 1024
"""Largest message that is accepted; documents have some kilobytes."""

_OPTIONS = {
    zmq.SNDHWM: 10_000,
    zmq.RCVHWM: 10_000,
    zmq.LINGER: 1_000,
    zmq.HEARTBEAT_IVL: 5_000,
    zmq.HEARTBEAT_TIMEOUT: 15_000,
    zmq.HEARTBEAT_TTL: 15_000,
    zmq.TCP_KEEPALIVE: 1,
    zmq.TCP_KEEPALIVE_IDLE: 60,
    zmq.RECONNECT_IVL: 250,
    zmq.RECONNECT_IVL_MAX: 5_000,
    zmq.HANDSHAKE_IVL: 5_000,
    zmq.IPV6: 1,
}
"""Every option whose default would lose messages, hang at exit or wait for ever. Milliseconds, messages."""


def open_socket(context: zmq.Context[zmq.Socket[bytes]], kind: int) -> zmq.Socket[bytes]:
    """Make a socket with all options set, before it is bound or connected."""
    made = context.socket(kind)
    for option, value in _OPTIONS.items():
        made.setsockopt(option, value)
    made.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES if kind in (zmq.XPUB, zmq.ROUTER) else _MAX_RECEIVED_BYTES)
    if kind == zmq.ROUTER:
        # Replies are large and answers to requests: a peer that does not fetch them loses them.
        made.setsockopt(zmq.SNDHWM, 16)
        made.setsockopt(zmq.RCVHWM, 100)
    return made
