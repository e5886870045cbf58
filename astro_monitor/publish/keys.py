"""CURVE keys: text files; the key is the first line, Z85.

A keys folder holds ``server.secret`` and ``server.public`` of the daemon, and ``<client>.public`` of every client that
may connect, with the role of the client in a second line: ``role: viewer``. A client needs its own ``<client>.secret``
and ``server.public``. Removing a ``<client>.public`` shuts that client out at its next connection, without a restart;
renewing it shuts out a client that has the old secret. A renewed pair of the daemon itself counts from its next start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from ..documents import Role
from ..errors import PublishError
from ..plain import because
from .roles import DEFAULT_ROLE, ROLE_BEFORE_ROLES, ROLES

SERVER = "server"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_Z85 = re.compile(rb"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_OTHERS_BITS = 0o077
"""Permission bits of group and others."""
_ROLE_LINE = b"role: "


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """The daemon's own pair, and where the keys of known clients are."""

    public: bytes
    secret: bytes = field(repr=False)
    folder: Path


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """A client's own pair, and the public key of the daemon it trusts."""

    public: bytes
    secret: bytes = field(repr=False)
    server_public: bytes


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client that may connect: its name, its public key (Z85), and what it may do."""

    name: str
    public: bytes
    role: Role


def make_keys(folder: Path, clients: Iterable[str], renew: Iterable[str] = (), role: Role | None = None) -> list[Path]:
    """Make the daemon's keys and those of some clients; existing ones are kept.

    Parameters:
        folder: the keys folder; made when absent, for its owner alone.
        clients: names of 1 to 40 characters: lower-case letters, digits, ``-`` and ``_``.
        renew: names, ``server`` among them or not, whose keys are replaced by new ones; they keep their roles.
        role: of all these clients, also of those that have keys; ``None``: new ones are viewers, others keep theirs.

    Returns:
        the files that were made or changed.

    Raises:
        PublishError: a name is not allowed, or the folder cannot be written.
    """
    renewed = set(renew)
    unknown = sorted(name for name in renewed if not (folder / f"{name}.public").exists())
    if unknown:
        raise PublishError(f"there is no key of {unknown[0]!r} in {folder} to be renewed; make one with --client")
    names = [SERVER, *clients, *sorted(renewed - {SERVER})]
    for name in names[1:]:
        if not _NAME.fullmatch(name) or name == SERVER:
            raise PublishError(f"{name!r} cannot name a client; use lower-case letters, digits, '-' and '_'")
    made: list[Path] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in names:
            public = folder / f"{name}.public"
            now = _read_client(public).role if name != SERVER and public.exists() else DEFAULT_ROLE
            if name in renewed or not public.exists():
                made += _make_pair(folder, name, role or now)
                renewed.discard(name)
            elif name != SERVER and role is not None and role != now:
                _write_key_file(public, _read_key(public) + _role_line(role), 0o644)
                made.append(public)
    except PublishError:
        raise
    except OSError as error:
        raise PublishError(f"keys cannot be made in {folder}: {because(error)}; check the folder") from error
    return made


def _make_pair(folder: Path, name: str, role: Role) -> list[Path]:
    """Write a new CURVE key pair, public and secret, into a folder; return the two paths."""
    public, secret = zmq.curve_keypair()
    paths = [folder / f"{name}.secret", folder / f"{name}.public"]
    _write_key_file(paths[0], secret, 0o600)
    _write_key_file(paths[1], public if name == SERVER else public + _role_line(role), 0o644)
    return paths


def _role_line(role: Role) -> bytes:
    """Return the line of a public key file that states the role of the client."""
    return b"\n" + _ROLE_LINE + role.encode()


def _write_key_file(path: Path, text: bytes, mode: int) -> None:
    """Replace a key file atomically with its permissions set at creation."""
    # O_EXCL and the mode at creation: no moment at which others could read or replace a secret.
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text + b"\n")
    fresh.replace(path)


def server_keys(folder: Path) -> ServerKeys:
    """Load the daemon's keys.

    Raises:
        PublishError: they are missing, readable by others, or no client is known.
    """
    secret = _read_secret(folder / f"{SERVER}.secret")
    keys = ServerKeys(public=zmq.curve_public(secret), secret=secret, folder=folder)
    if not known_clients(folder):
        raise PublishError(
            f"no client is known in {folder}; make keys with 'astro-monitor keys {folder} --client NAME'"
        )
    return keys


def client_keys(folder: Path, name: str | None = None) -> ClientKeys:
    """Load what a client needs.

    Parameters:
        folder: holds ``<client>.secret`` and ``server.public``.
        name: which client; ``None`` for the first one whose secret is there.

    Raises:
        PublishError: they are missing or readable by others.
    """
    if name is None:
        found = sorted(path.stem for path in folder.glob("*.secret") if path.stem != SERVER)
        if not found:
            raise PublishError(f"there is no client's secret key in {folder}; copy it there from the daemon's computer")
        name = found[0]
    secret = _read_secret(folder / f"{name}.secret")
    server_public = _read_key(folder / f"{SERVER}.public")
    return ClientKeys(public=zmq.curve_public(secret), secret=secret, server_public=server_public)


def known_clients(folder: Path) -> tuple[KnownClient, ...]:
    """Return all clients that may connect now.

    Raises:
        PublishError: the folder or a key cannot be read.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".public" and path.stem != SERVER)
    except OSError as error:
        raise PublishError(f"the keys folder {folder} cannot be read: {because(error)}; check it") from error
    return tuple(_read_client(path) for path in paths)


def role_now(folder: Path, name: str, public: bytes) -> Role | None:
    """Return the role that a client has now; ``None`` when its key was removed, renewed or cannot be read."""
    if not _NAME.fullmatch(name):
        return None
    try:
        known = _read_client(folder / f"{name}.public")
    except PublishError:
        return None
    return known.role if known.public == public else None


def _read_client(path: Path) -> KnownClient:
    """Read a client's public key and role.

    Raises:
        PublishError: it cannot be read, holds no key, or names no role that is known.
    """
    public, *rest = _read_lines(path)
    if not rest:
        return KnownClient(path.stem, public, ROLE_BEFORE_ROLES)
    for role in ROLES:
        if rest == [_ROLE_LINE + role.encode()]:
            return KnownClient(path.stem, public, role)
    raise PublishError(f"{path} names no role; its second line is 'role: ' and one of {', '.join(ROLES)}")


def _read_secret(path: Path) -> bytes:
    """Return a secret key from its file; raise PublishError if other users can read the file."""
    key = _read_key(path)
    if os.name == "posix" and path.stat().st_mode & _OTHERS_BITS:
        raise PublishError(f"the secret key {path} can be read by others; run 'chmod 600 {path}' or make new keys")
    return key


def _read_key(path: Path) -> bytes:
    """Return a CURVE key from its file; raise PublishError if it is missing or damaged."""
    return _read_lines(path)[0]


def _read_lines(path: Path) -> list[bytes]:
    """Read a key file once: the key, and its further lines.

    Raises:
        PublishError: it cannot be read, or holds no key.
    """
    try:
        key, *rest = [line.strip() for line in path.read_bytes().splitlines() if line.strip()] or [b""]
    except OSError as error:
        raise PublishError(
            f"the key {path} cannot be read: {because(error)}; make it with 'astro-monitor keys'"
        ) from error
    if not _Z85.fullmatch(key):
        raise PublishError(f"{path} holds no CURVE key of 40 characters; make new keys with 'astro-monitor keys'")
    return [key, *rest]
