"""Log handlers. Only ``cli`` and the worker's entry point call this; every other module just logs."""

from __future__ import annotations

import logging
import sys

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def to_stderr(level: str = "INFO") -> None:
    """Send this package's log records to standard error, so that standard output stays for documents.

    Parameters:
        level: the name of a logging level, such as ``INFO``.
    """
    logger = logging.getLogger("astro_monitor")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT, "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
