"""Entry point of the worker process. It is started by its path, so that no folder of the user is searched first."""

import sys
from pathlib import Path

PROGRAM_FOLDER = str(Path(__file__).resolve().parents[2])
"""The folder that holds the package; at the end of the search path, where it can hide nothing."""

if PROGRAM_FOLDER not in sys.path:
    sys.path.append(PROGRAM_FOLDER)

from astro_monitor.worker.child import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
