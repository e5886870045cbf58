"""``astro-monitor keys``: make CURVE keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...documents import Role
from ...publish import make_keys
from ..options import SET_UP, out

SECTION = SET_UP


def command(
    folder: Annotated[Path, typer.Argument(help="A private folder for the keys; made when missing.")],
    client: Annotated[list[str] | None, typer.Option(help="Name of a client to make keys for; repeatable.")] = None,
    renew: Annotated[
        list[str] | None, typer.Option(help="Replace the keys of this client, or of 'server'; repeatable.")
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(
            help="What these clients may do: viewer asks, editor also decides on frames, plugin "
            "also reports observations. New clients: viewer."
        ),
    ] = None,
) -> None:
    """Make CURVE keys: one pair for the daemon, one for each client. Needed beyond this machine only.

    To shut a client out, remove its .public file; it counts at once. Renewed keys of a client count at once, too; those
    of the server at the daemon's next start, and every client then needs the new server.public.
    """
    run_keys(folder, client or [], renew or [], role, out=out)


def run_keys(folder: Path, clients: list[str], renew: list[str], role: Role | None = None, *, out: Console) -> None:
    """Make the keys that are missing, and those that are to be renewed; all others are kept.

    Raises:
        PublishError: the folder is readable by others or cannot be written.
    """
    for path in make_keys(folder, clients, renew, role):
        out.print(f"wrote {path}")
    out.print(
        f"Set publish.keys_folder to {folder.absolute()}; give each client its own secret file "
        "and the daemon's public one."
    )
