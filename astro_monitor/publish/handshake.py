"""Why a daemon refuses a client: what ZeroMQ's monitor reports about the handshake, in one sentence.

Without this a refused client only sees silence, as it would if no daemon were running.
"""

from __future__ import annotations

import sys
import uuid

import zmq

_EVENTS = (
    zmq.Event.HANDSHAKE_SUCCEEDED
    | zmq.Event.HANDSHAKE_FAILED_AUTH
    | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
    | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
)

_SURE_AFTER = 2
"""Broken handshakes without a reason that are needed: one may be a daemon that ended just then."""


class Handshake:
    """Follows the handshakes of one socket, in the socket's own thread.

    Parameters:
        context: of the socket.
        socket: of a client, before it connects.
        address: where it connects to.
        has_keys: whether it has CURVE keys.
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes], address: str, *, has_keys: bool
    ) -> None:
        place = f"inproc://handshake-{uuid.uuid4().hex}"
        socket.monitor(place, _EVENTS)
        self._socket = socket
        self._monitor = context.socket(zmq.PAIR)
        # ZeroMQ's own thread waits for room here: with a limit, unread events would block it for ever.
        self._monitor.rcvhwm = 0
        self._monitor.linger = 0
        self._monitor.connect(place)
        self._address = address
        self._has_keys = has_keys
        self._broken = 0
        self._refusal = ""

    def close(self) -> None:
        """End it; must come before the socket or its context is closed, else ZeroMQ's thread could wait for ever."""
        self._socket.monitor(None, 0)
        self._monitor.close()

    def refusal(self) -> str:
        """Return why the daemon refuses this client, as one sentence; empty while nothing shows that it does."""
        while self._monitor.poll(0):
            # The first two bytes of the first part, see zmq_socket_monitor(3); pyzmq's own reader loads all of asyncio.
            event = zmq.Event(int.from_bytes(self._monitor.recv_multipart()[0][:2], sys.byteorder))
            if event == zmq.Event.HANDSHAKE_SUCCEEDED:
                self._broken, self._refusal = 0, ""
                continue
            self._broken += 1
            # After the other two ZeroMQ does not connect again: there is no second one to wait for.
            if self._broken >= _SURE_AFTER or event != zmq.Event.HANDSHAKE_FAILED_NO_DETAIL:
                self._refusal = self._refusal_sentence(event)
        return self._refusal

    def _refusal_sentence(self, event: zmq.Event) -> str:
        """Return one sentence on why the daemon refused the handshake, with what to change in the keys."""
        if not self._has_keys:
            return (
                f"{self._address} accepts no connection without keys; set publish.keys_folder to the folder that holds "
                "your client's .secret file and the daemon's server.public (see 'astro-monitor keys --help')"
            )
        if event == zmq.Event.HANDSHAKE_FAILED_AUTH:
            return (
                f"the daemon at {self._address} does not know this client's key; put the client's .public file into "
                "the daemon's keys folder"
            )
        if event == zmq.Event.HANDSHAKE_FAILED_PROTOCOL:
            return f"the daemon at {self._address} uses no keys; leave publish.keys_folder unset for it"
        return (
            f"the daemon at {self._address} has another key than server.public in publish.keys_folder, or none; "
            "copy its server.public there, or leave publish.keys_folder unset for it"
        )
