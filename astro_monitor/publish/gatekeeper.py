"""Who may connect: the authenticator of ZeroMQ's protocol ZAP (https://rfc.zeromq.org/spec/27/).

CURVE alone encrypts, but lets in every client that knows the daemon's public key. This lets in known clients only.
It is served by the publisher's own thread: when that has ended, no client gets in.
"""

from __future__ import annotations

import logging

import zmq
from zmq.utils import z85

from ..errors import PublishError
from .keys import ServerKeys, known_clients, role_now
from .roles import Sender

log = logging.getLogger(__name__)

_DOMAIN = b"astro-monitor"
_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"


class Gatekeeper:
    """Answers ZeroMQ's question whether a client may connect.

    Parameters:
        context: the one whose sockets are guarded; the gatekeeper must be there before they are bound.
        keys: the daemon's keys.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keys: ServerKeys) -> None:
        self._keys = keys
        self.socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(_ENDPOINT)

    def guard(self, guarded: zmq.Socket[bytes]) -> None:
        """Make a socket encrypt and ask here; call before it is bound."""
        guarded.setsockopt(zmq.CURVE_SERVER, 1)
        guarded.setsockopt(zmq.CURVE_SECRETKEY, self._keys.secret)
        guarded.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
        guarded.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def answer(self) -> None:
        """Answer one waiting question."""
        frames = self.socket.recv_multipart()
        request_id = frames[1] if len(frames) > 1 else b""
        user = self._user_of(frames)
        status = (b"200", b"OK") if user else (b"400", b"unknown client")
        # ZeroMQ hands the user on with each message of the client, as its property User-Id.
        self.socket.send_multipart([_VERSION, request_id, *status, user, b""])

    def sender(self, message: zmq.Frame) -> Sender:
        """Return who has sent a message. The role is read from the key file, so that a change counts at once."""
        try:
            user = str(message.get("User-Id"))
        except zmq.ZMQError:
            return Sender()
        # The key too: a connection that was made with a key that has been renewed since may change nothing.
        public, _, name = user.partition(" ")
        return Sender(name, role_now(self._keys.folder, name, public.encode()))

    def _user_of(self, frames: list[bytes]) -> bytes:
        """Return key and name of a client that may connect; empty for all others. The key files are read each time."""
        if len(frames) != 7 or frames[0] != _VERSION or frames[2] != _DOMAIN or frames[5] != b"CURVE":
            return b""
        try:
            key = z85.encode(frames[6])
            name = next((client.name for client in known_clients(self._keys.folder) if client.public == key), "")
        except (PublishError, ValueError) as error:
            log.error("a client was refused because the keys cannot be read: %s", error)
            return b""
        if not name:
            log.warning("a client at %s was refused: its key is not known here", frames[3].decode("ascii", "replace"))
            return b""
        return key + b" " + name.encode("utf-8", "replace")
