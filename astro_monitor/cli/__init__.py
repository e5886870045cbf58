"""The command line: ``astro-monitor --help``.

Exit codes: 0 done · 1 something is wrong (``doctor`` found a fault, or an error of the program) · 2 a setting,
folder, file or argument is wrong · 3 a model is missing or altered · 4 the night log cannot be opened · 5 a port or
key is wrong · 130 ended by a second Ctrl-C. Nothing has been started when the code is 2 to 5.
"""

from __future__ import annotations

import os

__all__ = ["ENDED_AT_ONCE", "main"]

ENDED_AT_ONCE = 130
"""Exit code after a second Ctrl-C, or one before there was anything to end: 128 and the number of SIGINT."""


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, also while the program is still being loaded."""
    try:
        from .app import main as run

        run()
    except KeyboardInterrupt:
        # Threads that are ending are not waited for: a second Ctrl-C means that the user wants the end now. What was
        # acknowledged is on the disk.
        os._exit(ENDED_AT_ONCE)
