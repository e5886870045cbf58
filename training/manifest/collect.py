"""Entries for what this repository's commands have made: pools, looks of rigs, survey fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from astropy.io import fits

from training.iqa.lookset import load_looks
from training.manifest.entries import SPLITS, Entry, ManifestError, as_split, sha256_of

OWN = "made by this repository's simulator (training/simulate)"
OWN_LICENCE = "BSD-3-Clause"


def collect(folder: Path) -> list[Entry]:
    """Make entries for all data files under a folder, whichever command made it.

    Raises:
        ManifestError: nothing in the folder is known.
    """
    entries = [*_pools(folder), *_looks(folder), *_survey(folder)]
    if not entries:
        raise ManifestError(f"{folder} holds no pool, no looks of rigs and no survey fields")
    return entries


def _pools(folder: Path) -> Iterator[Entry]:
    for listing in sorted(folder.rglob("*.rows.txt")):
        path = listing.with_name(listing.name.replace(".rows.txt", ".npz"))
        rows = json.loads(listing.read_text("utf-8"))
        rigs = sorted({f"simulated {row['rig']}" for row in rows})
        yield Entry(
            file=path.relative_to(folder).as_posix(),
            kind="simulated",
            split=as_split(path.name.partition("-")[0]),
            sha256=sha256_of(path),
            content=tuple(f"simulated {row['rig']} frame {row['seed']}" for row in rows),
            source=OWN,
            licence=OWN_LICENCE,
            rigs=tuple(rigs),
        )


def _looks(folder: Path) -> Iterator[Entry]:
    """One file for each rig; its frames are one night on one field."""
    for path in sorted(path for split in SPLITS for path in folder.rglob(f"{split}/*.looks")):
        kept = load_looks(path)
        rig = f"simulated {kept.rig['seed']}"
        yield Entry(
            file=path.relative_to(folder).as_posix(),
            kind="simulated",
            split=as_split(path.parent.name),
            sha256=sha256_of(path),
            content=tuple(f"{rig} night frame {number}" for number in range(len(kept.frames))),
            source=OWN,
            licence=OWN_LICENCE,
            rigs=(rig,),
            nights=(f"{rig} night",),
            targets=(f"{rig} field",),
        )


def _survey(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.rglob("*.fits")):
        header = fits.getheader(path)
        if header.get("LAYOUT") is None or header.get("CATALOG") is None:
            continue
        yield Entry(
            file=path.relative_to(folder).as_posix(),
            kind="survey",
            split=as_split(header["SPLIT"]),
            sha256=sha256_of(path),
            source=header["SOURCE"],
            licence=header["LICENCE"],
            # All fields of a survey are of one telescope: they are split by place alone.
            targets=(f"survey field {header['TARGET']}",),
        )
