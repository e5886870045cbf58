"""Which Siril will run the scripts."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

from ..lists import SirilVersion

SIRIL_PATIENCE_S = 5.0
"""Longest wait in seconds for Siril to print its version, which takes it a tenth of a second."""


@cache
def siril_version(wanted: str) -> SirilVersion | None:
    """Return the version of the Siril that will run the scripts.

    Parameters:
        wanted: the setting ``lists.siril``: a version, ``unknown``, or ``auto`` for the one on this computer.

    Returns:
        major and minor version; ``None`` when it is not known.
    """
    if wanted == "unknown":
        return None
    text = wanted
    if wanted == "auto":
        program = shutil.which("siril-cli")
        if program is None:
            return None
        try:
            asked = [program, "--version"]
            done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=SIRIL_PATIENCE_S)  # noqa: S603
            text = done.stdout.decode("utf-8", "replace")
        except (OSError, subprocess.SubprocessError):
            return None
    version = re.search(r"(\d+)\.(\d+)", text)
    return (int(version[1]), int(version[2])) if version else None
