"""Log handlers. Only ``cli`` and the worker's entry point call this; every other module just logs."""

from __future__ import annotations

import logging
import logging.handlers
import shutil
import sys
import textwrap
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, cast

from .openfile import NotPlain, check_plain, open_plain
from .plain import because, shown

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
SCREEN_FORMAT = "%(asctime)s  %(levelname)-7s  %(message)s"
"""On a terminal: in the columns of the lines about frames, and without names of modules, which are in the log file."""
MAX_FILE_BYTES = 2 << 20
"""Size in bytes from which a new log file is begun: some weeks of quiet nights."""
OLD_FILES = 5
"""Older log files that are kept."""

INDENT = "    "
"""Before the further lines of a record."""
LEAST_WIDTH = 40
"""Columns below which lines are not made shorter."""


def to_stderr(level: str = "INFO", *, utc: bool = False) -> None:
    """Send this package's log records to standard error, so that standard output stays for documents.

    Parameters:
        level: the name of a logging level, such as ``INFO``.
        utc: times in UTC; else in local time, with its offset from UTC.
    """
    logger = logging.getLogger("astro_monitor")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Safe(utc=utc, fits=sys.stderr.isatty()))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


def to_file(path: Path) -> None:
    """Keep records in a file, too: 2 MB, and the five before it. A full disk costs records, never the program.

    Parameters:
        path: in a folder that is there. A link in its place is not followed: then nothing is kept, which is said once.
    """
    try:
        check_plain(path)
    except NotPlain as error:
        logging.getLogger(__name__).warning(
            "no log file is kept at %s: %s; remove it and start again", path, because(error)
        )
        return
    handler = _QuietFile(path, maxBytes=MAX_FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(_Safe(utc=True, date=True))
    logging.getLogger("astro_monitor").addHandler(handler)


class _Safe(logging.Formatter):
    """One record, one line: line breaks and control characters in a file name are escaped.

    Only a traceback has lines of its own; they are indented, so that none can pass for a record.

    Parameters:
        utc: times in UTC; else in local time, with its offset.
        date: with date and milliseconds.
        fits: for a terminal: without names of modules, and long records are broken at its width; further lines are
            indented.
    """

    def __init__(self, *, utc: bool, date: bool = False, fits: bool = False) -> None:
        super().__init__(SCREEN_FORMAT if fits else FORMAT)
        self._utc = utc
        self._date = date
        self._fits = fits

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Write when a record was made, with its offset from UTC, or ``Z``."""
        moment = datetime.fromtimestamp(record.created, UTC)
        moment = moment if self._utc else moment.astimezone()
        text = moment.isoformat(timespec="milliseconds") if self._date else moment.timetz().isoformat("seconds")
        return text.replace("+00:00", "Z") if self._utc else text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Write the line without what follows it."""
        line = shown(super().formatMessage(record))
        if not self._fits:
            return line
        width = max(LEAST_WIDTH, shutil.get_terminal_size().columns)
        return textwrap.fill(line, width, subsequent_indent=INDENT, break_on_hyphens=False, drop_whitespace=True)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Write a traceback."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        """Write a stack."""
        return _indented(super().formatStack(stack_info))


class _QuietFile(logging.handlers.RotatingFileHandler):
    """Records that cannot be written are left out; what goes to standard error still tells them."""

    def _open(self) -> TextIOWrapper:
        """Open the log file, refusing links and pipes in its place."""
        return cast(
            TextIOWrapper,
            open(
                self.baseFilename,
                self.mode,
                encoding=self.encoding,
                errors=self.errors,
                opener=lambda path, flags: open_plain(Path(path), flags),
            ),
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do nothing: the usual traceback would come with every record."""
        return


def _indented(lines: str) -> str:
    """Return the lines of a log entry, each indented and made safe to print."""
    return "\n".join(f"{INDENT}{shown(line)}" for line in lines.split("\n"))
