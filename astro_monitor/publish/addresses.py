"""Which addresses stay on this computer. All others need keys."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

from ..errors import PublishError
from .keys import ServerKeys, server_keys

_TCP = re.compile(r"tcp://(?P<host>\[[^\]]+\]|[^:\[\]]+):(?P<port>\d{1,5}|\*)")


def bind_address(address: str) -> str:
    """Bring an address into the form to bind to: ``localhost`` by number, port 0 as ZeroMQ's ``*``.

    Raises:
        PublishError: it is no ``tcp`` or ``ipc`` address.
    """
    if address.startswith("ipc://") and len(address) > len("ipc://"):
        return address
    found = _TCP.fullmatch(address)
    if found is None or (found["port"] != "*" and int(found["port"]) > 65535):
        raise PublishError(f"{address!r} is no address; write it as tcp://127.0.0.1:5556")
    host = "127.0.0.1" if found["host"] == "localhost" else found["host"]
    return f"tcp://{host}:{'*' if found['port'] in ('0', '*') else found['port']}"


def stays_here(address: str) -> bool:
    """Return whether only programs on this computer can reach a bind address.

    Names and interface names count as reachable from outside, since what they mean can change.
    """
    if address.startswith("ipc://"):
        return True
    found = _TCP.fullmatch(address)
    try:
        return found is not None and ipaddress.ip_address(found["host"].strip("[]")).is_loopback
    except ValueError:
        return False


def is_ipv4(address: str) -> bool:
    """Return whether the host is an IPv4 address in numbers."""
    found = _TCP.fullmatch(address)
    return found is not None and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", found["host"]) is not None


def keys_for(addresses: tuple[str, ...], folder: Path | None) -> ServerKeys | None:
    """Load the keys that the addresses need.

    Parameters:
        addresses: in the form of :func:`bind_address`.
        folder: the keys folder, or ``None``.

    Returns:
        the keys; ``None`` when everything stays on this computer and no folder is set.

    Raises:
        PublishError: an address can be reached from outside and there are no keys, or the keys are unusable.
    """
    if folder is not None:
        return server_keys(folder)
    for address in addresses:
        if not stays_here(address):
            raise PublishError(
                f"{address} can be reached from other computers, so it needs keys: make them with 'astro-monitor keys' "
                "and set publish.keys_folder, or use tcp://127.0.0.1"
            )
    return None
