"""A list of the kept frames with their weights, for scripts that stack by weight."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from astro_monitor.lists import ListWriter, StackTask


def weights_csv(task: StackTask) -> Mapping[str, bytes]:
    """Return ``weights.csv``: path and weight of each kept frame, in order of time."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(("file", "weight"))
    rows.writerows((frame.file, frame.weight) for frame in task.stack.decided("keep"))
    return {"weights.csv": text.getvalue().encode("utf-8", "backslashreplace")}


WEIGHTS = ListWriter(
    key="weights", meaning="weights.csv: path and weight of each kept frame, for scripts", render=weights_csv
)
