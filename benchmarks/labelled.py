"""Verdicts on real frames beside their labels: ``python -m benchmarks.labelled DOCUMENTS LABELS``.

DOCUMENTS is what ``astro-monitor grade FOLDER --json`` printed. LABELS is a CSV file with the columns ``file`` (below
FOLDER), ``label`` (a class, or ``not_a_light``; others are passed over) and ``confidence`` (0 to 1).
"""

from __future__ import annotations

import argparse
import collections
import csv
import json
from pathlib import Path

FIRM = 0.6
"""Labels of at least this confidence count."""

LABELS = ("good", "bad_tracking", "very_bad_tracking", "bad_seeing", "background_issue", "not_a_light")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path)
    parser.add_argument("labels", type=Path)
    chosen = parser.parse_args()
    said = _said(chosen.documents)
    table: dict[tuple[str, str], collections.Counter[str]] = collections.defaultdict(collections.Counter)
    with chosen.labels.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["label"] in LABELS and row["file"] in said and float(row["confidence"] or 0) >= FIRM:
                table[row["file"].split("/")[0], row["label"]].update([said[row["file"]]])
    right = total = 0
    print("| folder | label | frames | right class | said |\n|---|---|---|---|---|")
    for (folder, label), answers in sorted(table.items()):
        frames = answers.total()
        same = sum(count for answer, count in answers.items() if answer.split()[0] == label)
        if label != "not_a_light":
            right, total = right + same, total + frames
        told = ", ".join(f"{answer} {count}" for answer, count in answers.most_common())
        print(f"| {folder} | {label} | {frames} | {same} | {told} |")
    print(f"\nOf {total} firmly labelled light frames {right} have the right class: {right / max(total, 1):.3f}")


def _said(documents: Path) -> dict[str, str]:
    """Class and decision of each frame."""
    said = {}
    for line in documents.read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        body = document["body"]
        if document["kind"] == "frame.judged":
            said[body["relative_path"]] = f"{body['class']} ({body['decision']})"
        elif document["kind"] == "frame.skipped":
            said[body["relative_path"]] = f"not_a_light ({body['type']})"
        elif document["kind"] == "frame.failed":
            said[body["relative_path"]] = f"failed ({body['kind']})"
    return said


if __name__ == "__main__":
    main()
