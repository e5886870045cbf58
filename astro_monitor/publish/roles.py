"""What a client may do, by the role of its key.

A viewer asks. An editor also decides on frames by hand. A plugin also reports what it observes. Without keys the
sockets are on this computer only, and its users may do both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from ..documents import Role

ROLES: tuple[Role, ...] = get_args(Role)

DEFAULT_ROLE: Role = "viewer"
"""Role of a new key: the one that changes nothing."""

ROLE_BEFORE_ROLES: Role = "editor"
"""Role of a key that was made before keys had roles: such clients could decide on frames."""

CHANGES: Mapping[str, Role] = {"revise": "editor", "observe": "plugin"}
"""Requests that change something, and the role that may make them; all others are open to every role."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks.

    Attributes:
        name: of the client's key; empty where no keys are used.
        role: of that key; ``None`` where no keys are used, or where the key was removed after the client connected.
        local: whether no keys are used.
    """

    name: str = ""
    role: Role | None = None
    local: bool = False

    def may(self, request: str) -> bool:
        """Return whether the sender may make a request."""
        return request not in CHANGES or self.local or self.role == CHANGES[request]

    def refusal(self, request: str) -> str:
        """Return why the sender may not make a request, as one sentence."""
        if self.role is None:
            return f"the key of {self.name or 'this client'} is not known here any more, so it may only ask"
        return (
            f"the key of {self.name} has the role {self.role}; {request!r} needs the role {CHANGES[request]}: run "
            f"'astro-monitor keys FOLDER --client {self.name} --role {CHANGES[request]}' on the daemon's computer"
        )


LOCAL = Sender(local=True)
"""The sender of a question where no keys are used."""
