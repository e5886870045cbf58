"""``astro-monitor-indi-safety run|print``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from astro_monitor import AstroMonitorError, load_settings

from .follow import Follower
from .status import OpenWarnings, read

KINDS = ("tracking", "seeing", "background", "obstruction", "pointing", "failures")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; an error is one sentence on standard error and exit code 1."""
    options = _parser().parse_args(argv)
    try:
        return int(options.act(options))
    except (AstroMonitorError, OSError) as error:
        sys.stderr.write(f"astro-monitor-indi-safety: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="astro-monitor-indi-safety",
        description="Tells INDI's Weather Safety Proxy that the sky is bad while astro-monitor has a warning open.",
    )
    parser.add_argument("--status", type=Path, default=_default_status(), help="the status file")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="follow the daemon; Ctrl-C ends it")
    run.add_argument("--kinds", nargs="+", choices=KINDS, default=["background"], help="warnings that count")
    run.add_argument("--least", choices=("warning", "severe"), default="warning", help="least severity that counts")
    run.add_argument("--silent", choices=("unsafe", "safe"), default="unsafe", help="what a silent monitor means")
    run.add_argument("--address", help="broadcast address of the daemon")
    run.add_argument("--control", help="control address of the daemon")
    run.set_defaults(act=_run)
    show = commands.add_parser("print", help="print the status as INDI's driver reads it")
    show.set_defaults(act=_print)
    return parser


def _default_status() -> Path:
    return platformdirs.user_state_path("astro-monitor") / "indi-safety.json"


def _run(options: argparse.Namespace) -> int:
    publish = load_settings().publish
    options.status.parent.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    follower = Follower(
        options.address or publish.address,
        options.control or publish.control_address,
        OpenWarnings(frozenset(options.kinds), severe_only=options.least == "severe"),
        options.status,
        silent_is_safe=options.silent == "safe",
    )
    follower.run(stop)
    return 0


def _print(options: argparse.Namespace) -> int:
    sys.stdout.write(json.dumps(read(options.status, time.time())) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
