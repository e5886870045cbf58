"""Fetches looks and previews from a running daemon, also one on another computer."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import threading
import time
import uuid
from types import TracebackType
from typing import Self

import zmq
from pydantic import ValidationError

from ..errors import NotKept, PublishError
from ..settings import PublishSettings
from .asking import followed
from .chunks import FileKind
from .control import ControlReply
from .keys import ClientKeys, client_keys

log = logging.getLogger(__name__)

_REPLY_S = 2.0
"""An answer that takes longer was lost."""

_PATIENCE_S = 10.0
"""How long one file is asked for without any progress."""

_BACK_OFF_S = (0.05, 0.5)
"""Range of the random wait after an answer that was lost, or that asks for patience."""

_MAX_FILE_BYTES = 64 << 20
"""A daemon that announces a larger file is not believed."""

_PASSING = frozenset({"busy", "failed"})
"""Errors after which the same question may be answered."""

_TICK_MS = 100
"""How long a wait may last before a refusal by the daemon is noticed."""


class FrameClient:
    """A connection that fetches what the daemon keeps of frames. For any thread; one question at a time.

    Parameters:
        control_address: of the daemon, such as ``tcp://127.0.0.1:5557``.
        keys: for a daemon that asks for them.
        patience_s: how long to ask again without an answer.

    Raises:
        PublishError: the address is none.
    """

    def __init__(
        self, control_address: str, keys: ClientKeys | None = None, *, patience_s: float = _PATIENCE_S
    ) -> None:
        self._address = control_address
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._control, self._handshake = followed(self._context, zmq.DEALER, control_address, keys)
        except BaseException:
            self._context.destroy(linger=0)
            raise

    @classmethod
    def of(cls, settings: PublishSettings) -> Self:
        """Connect to the daemon of the settings; with ``keys_folder``, the first client's secret there is used.

        Raises:
            PublishError: the address is none, or the keys are missing.
        """
        keys = client_keys(settings.keys_folder) if settings.keys_folder is not None else None
        return cls(settings.control_address, keys)

    def look(self, frame_id: str) -> bytes:
        """Return the encoded look of a frame.

        Parameters:
            frame_id: as in its ``frame.judged`` document.

        Raises:
            NotKept: the daemon has none.
            PublishError: no answer, or the daemon refuses.
        """
        return self._fetch("look", frame_id)

    def preview(self, frame_id: str) -> bytes:
        """Return the preview of a frame, a JPEG file.

        Parameters:
            frame_id: as in its ``frame.judged`` document.

        Raises:
            NotKept: the daemon has none.
            PublishError: no answer, or the daemon refuses.
        """
        return self._fetch("preview", frame_id)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._handshake.close()
            self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fetch(self, kind: FileKind, frame_id: str) -> bytes:
        """Return a whole look or preview, with retries until the time limit."""
        until = time.monotonic() + self._patience_s
        with self._lock:
            while (content := self._whole(kind, frame_id)) is None:
                self._check_patience(until, f"the {kind} of frame {frame_id} does not arrive whole; try again later")
                time.sleep(random.uniform(*_BACK_OFF_S))
            return content

    def _whole(self, kind: FileKind, frame_id: str) -> bytes | None:
        """Fetch one file, chunk by chunk; ``None`` where it was replaced meanwhile."""
        received, sha256 = bytearray(), ""
        while True:
            reply, data = self._ask(kind, frame_id, len(received))
            if not data or reply.offset != len(received) or reply.size_bytes > _MAX_FILE_BYTES:
                return None
            if received and reply.sha256 != sha256:
                return None
            sha256 = reply.sha256
            received += data
            if len(received) >= reply.size_bytes:
                return bytes(received) if hashlib.sha256(received).hexdigest() == sha256 else None

    def _ask(self, kind: FileKind, frame_id: str, offset: int) -> tuple[ControlReply, bytes]:
        """Ask until an answer comes that is not to be asked for again.

        Returns:
            the answer and its bytes; none where the file was replaced by a shorter one.

        Raises:
            NotKept, PublishError: there will be none.
        """
        until = time.monotonic() + self._patience_s
        while True:
            name = uuid.uuid4().hex
            question = {"request": kind, "id": name, "frame_id": frame_id, "offset": offset}
            self._control.send(json.dumps(question).encode())
            reply, data = self._answer(name)
            if reply is None:
                self._check_patience(until, f"no daemon answers at {self._address}; is 'astro-monitor watch' running?")
            elif reply.error == "not_kept":
                raise NotKept(reply.sentence, "absent")
            elif reply.error in _PASSING:
                self._check_patience(until, f"the daemon cannot send the {kind} of frame {frame_id}: {reply.sentence}")
            elif reply.error and not (reply.error == "bad_request" and offset):
                raise PublishError(f"the daemon does not send the {kind} of frame {frame_id}: {reply.sentence}")
            else:
                return reply, data
            time.sleep(random.uniform(*_BACK_OFF_S))

    def _answer(self, name: str) -> tuple[ControlReply | None, bytes]:
        """Wait for the answer of this name; those that came too late are passed over."""
        until = time.monotonic() + _REPLY_S
        while time.monotonic() < until:
            if not self._control.poll(_TICK_MS):
                continue
            head, *parts = self._control.recv_multipart()
            try:
                reply = ControlReply.model_validate_json(head)
            except ValidationError as error:
                log.warning("an answer could not be read: %s", str(error).splitlines()[0])
                continue
            if reply.id == name:
                return reply, parts[0] if parts else b""
        return None, b""

    def _check_patience(self, until: float, sentence: str) -> None:
        """Raise PublishError when the time limit of a fetch has passed."""
        if time.monotonic() >= until:
            raise PublishError(self._handshake.refusal() or sentence)
