"""Scripts for Siril that link or calibrate, register and stack. They contain no text from a user or a header.

Commands after the reference of Siril 1.0, 1.2 and 1.4; tested with 1.0.6. ``preprocess`` became ``calibrate`` in
1.2. The weight of a frame in the stack is ``-weighted`` (noise) in 1.0, ``-weight_from_wfwhm`` in 1.2, and
``-weight=wfwhm`` in 1.4; other versions refuse the option, so it is written only for the installed version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from ..formats.known.raw import RAW_ENDINGS
from .calibration import Calibration, Part
from .grouping import Stack
from .names import is_linkable, short_digest

Version = tuple[int, int]
"""Major and minor version number."""

FOLDERS = {"dark": "darks", "flat": "flats", "flat_dark": "flat_darks", "bias": "biases"}
"""Folder of links for each part of a calibration."""

STEMS = {"dark": "dark", "flat": "flat", "flat_dark": "flatdark", "bias": "bias"}
"""Start of the names of those links."""

MAX_LINKS = 99_999
"""The largest number of five digits, which Siril expects in the names of a sequence."""
LINKED = {
    ".fit": ".fit", ".fits": ".fit", ".fts": ".fit", ".fit.fz": ".fit.fz", ".fits.fz": ".fit.fz", ".fts.fz": ".fit.fz"
}  # fmt: skip
"""Ending of the link by the ending of the file, for files that Siril reads without conversion."""

ENDINGS = {**LINKED, ".tif": ".tif", ".tiff": ".tif", **{ending: ending for ending in RAW_ENDINGS}}
"""The same including files that Siril converts first."""


def siril_links(stack: Stack) -> dict[str, str]:
    """Return the links to the accepted frames: ``light_00001.fit`` and so on, in order of time.

    Parameters:
        stack: the frames.

    Returns:
        path of the frame by name of the link. Files that Siril cannot read (XISF, gzip) are left out.
    """
    return _link_names("light", [frame.file for frame in stack.decided("keep")])


def part_links(name: str, part: Part) -> dict[str, str]:
    """Return the links to the frames of a part of a calibration.

    Parameters:
        name: ``dark``, ``flat``, ``flat_dark`` or ``bias``.
        part: the frames.
    """
    return _link_names(STEMS[name], part.paths)


def _link_names(stem: str, paths: Sequence[str]) -> dict[str, str]:
    """Return the path of each frame by the name of its link for Siril: stem, number and ending."""
    links: dict[str, str] = {}
    for path in paths:
        ending = siril_ending(path)
        if ending is not None and is_linkable(path) and len(links) < MAX_LINKS:
            links[f"{stem}_{len(links) + 1:05d}{ending}"] = path
    return links


def siril_ending(path: str) -> str | None:
    """Return the ending of the link to a frame, or ``None`` when Siril cannot read it."""
    low = path.lower()
    fitting = [ending for ending in ENDINGS if low.endswith(ending)]
    return ENDINGS[max(fitting, key=len)] if fitting else None


def siril_script(
    links: Mapping[str, str],
    colour: bool,
    *,
    two_pass: bool = False,
    calibration: Calibration | None = None,
    installed: Version | None = None,
    foreign: Sequence[str] = (),
) -> bytes:
    """Return the script that links, calibrates, registers and stacks.

    From Siril 1.2 on, registration in two passes chooses the reference among all frames, and keeps the area that only
    some of them cover.

    Siril includes what an earlier run has left in its working folder, rejected frames too: so each selection of frames
    has its own working folder. It may be deleted at any time.

    Parameters:
        links: the result of :func:`siril_links`.
        colour: whether the frames are mosaics of a colour filter array, to be debayered first.
        two_pass: whether to register in two passes, for Siril 1.2 and later.
        calibration: darks, flats and biases that fit; ``None`` or empty: the frames are stacked uncalibrated.
        installed: version of the Siril that will run the script; ``None`` when it is not known.
        foreign: names of the user's own files among the links; they are stacked, too.
    """
    used = calibration or Calibration()
    selection = json.dumps(dict(links))
    if used or foreign:
        parts = {name: getattr(used, name).paths for name in FOLDERS}
        selection = json.dumps([dict(links), parts, list(foreign)])
    process = f"process_{short_digest(selection)}"
    has_calibrate = two_pass or (installed is not None and installed >= (1, 2))
    weight = _weight_option(installed, two_pass=two_pass)
    foreign_note = f" and {len(foreign)} that were put there by hand" if foreign else ""
    lines = [
        f"# Stacks the {len(links)} accepted frames{foreign_note} into result.fit. Run it in this folder:",
        f"# siril-cli -d . -s {'stack_two_pass' if two_pass else 'stack'}.ssf",
        f"# {used.comment}" if used else "# Not calibrated: no darks, flats or biases that fit were found.",
        "# Frames are weighted by Siril."
        if weight
        else "# Frames have equal weights: see lists.siril in the settings.",
        f"requires {'1.2.0' if two_pass else '1.0.0'}",
    ]
    if used:
        lines += _calibration(used, process, "calibrate" if has_calibrate else "preprocess")
        lines += ["cd lights", f"{_import_verb(links)} light -out=../{process}", f"cd ../{process}"]
        lines += [_lights_command(used, colour, later=has_calibrate)]
        name = "pp_light"
    else:
        first = "convert light -debayer" if colour else f"{_import_verb(links)} light"
        lines += ["cd lights", f"{first} -out=../{process}", f"cd ../{process}"]
        name = "light"
    if two_pass:
        lines += [f"register {name} -2pass", f"seqapplyreg {name} -framing=max"]
    else:
        lines += [f"register {name}"]
    lines += [f"stack r_{name} rej 3 3 -norm=addscale{weight} -out=../result", "close"]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _weight_option(installed: Version | None, *, two_pass: bool) -> str:
    """Return the option of Siril's stack command that weights frames; empty if its version has none."""
    if installed is None or (two_pass and installed < (1, 2)):
        return ""
    if installed >= (1, 4):
        return " -weight=wfwhm"
    return " -weight_from_wfwhm" if installed >= (1, 2) else " -weighted"


def _calibration(used: Calibration, process: str, calibrate: str) -> list[str]:
    """Return the lines that make the masters. They begin and end in the folder of the script."""
    lines: list[str] = []
    for name in ("bias", "flat_dark", "dark"):
        part: Part = getattr(used, name)
        if part and not part.is_master:
            lines += _import_commands(name, part, process)
            lines += [f"stack {STEMS[name]} rej 3 3 -nonorm -out=master_{STEMS[name]}", "cd .."]
    if used.flat and not used.flat.is_master:
        lines += _import_commands("flat", used.flat, process)
        base = _flats_option(used)
        lines += [f"{calibrate} flat {base}"] if base else []
        lines += [f"stack {'pp_flat' if base else 'flat'} rej 3 3 -norm=mul -out=master_flat", "cd .."]
    return lines


def _import_commands(name: str, part: Part, process: str) -> list[str]:
    """Return the commands of a Siril script that import the links of a calibration part into the process folder."""
    verb = _import_verb(part_links(name, part))
    return [f"cd {FOLDERS[name]}", f"{verb} {STEMS[name]} -out=../{process}", f"cd ../{process}"]


def _import_verb(links: Iterable[str]) -> str:
    """Return the command by which Siril imports files: ``link`` for FITS, else ``convert``."""
    return "link" if all(name.endswith(tuple(LINKED.values())) for name in links) else "convert"


def _master_path(name: str, part: Part) -> str:
    """Return the path of a master from the working folder."""
    if not part.is_master:
        return f"master_{STEMS[name]}"
    (link,) = part_links(name, part)
    return f"../{FOLDERS[name]}/{link}"


def _flats_option(used: Calibration) -> str:
    """Return the Siril option that calibrates flats with flat darks, or else with the bias; empty without both."""
    if used.flat_dark:
        return f"-dark={_master_path('flat_dark', used.flat_dark)}"
    return f"-bias={_master_path('bias', used.bias)}" if used.bias else ""


def _lights_command(used: Calibration, colour: bool, *, later: bool) -> str:
    """Return the command of a Siril script that calibrates the lights with dark, bias and flat."""
    words = ["calibrate light" if later else "preprocess light"]
    if used.dark:
        words.append(f"-dark={_master_path('dark', used.dark)}")
    elif used.bias:
        words.append(f"-bias={_master_path('bias', used.bias)}")
    if used.flat:
        words.append(f"-flat={_master_path('flat', used.flat)}")
    if used.dark and later:
        words.append("-cc=dark")
    if colour:
        words += ["-cfa", *(["-equalize_cfa"] if used.flat else []), "-debayer"]
    return " ".join(words)
