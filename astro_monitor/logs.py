"""Log handlers. Only ``cli`` and the worker's entry point call this; every other module just logs."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
MAX_FILE_BYTES = 2 << 20
OLD_FILES = 5


def to_stderr(level: str = "INFO") -> None:
    """Send this package's log records to standard error, so that standard output stays for documents.

    Parameters:
        level: the name of a logging level, such as ``INFO``.
    """
    logger = logging.getLogger("astro_monitor")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT, "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


def to_file(path: Path) -> None:
    """Keep records in a file, too: 2 MB, and the five before it. A full disk costs records, never the program.

    Parameters:
        path: in a folder that is there.
    """
    handler = _QuietFile(path, maxBytes=MAX_FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    formatter = logging.Formatter(FORMAT.replace("%(asctime)s", "%(asctime)s.%(msecs)03dZ"), "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.getLogger("astro_monitor").addHandler(handler)


class _QuietFile(logging.handlers.RotatingFileHandler):
    """Records that cannot be written are left out; what goes to standard error still tells them."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do nothing: the usual traceback would come with every record."""
        return
