"""Rows of the stacking lists, kept in step with the night log and with what lies in the capture folder now.

The log is read through once, then row by row. Where the frames are is looked up again and again, in a thread of its
own: a share that hangs must hold neither the night nor its end.
"""

from __future__ import annotations

import errno
import logging
import os
import queue
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from .lists import (
    ListedFrame,
    ListError,
    Merge,
    NotLight,
    Owner,
    SirilVersion,
    Written,
    listed_frame,
    owner_of,
    write_lists,
)
from .nightlog import BY_RULES, FrameRow, NightLogReader, SkippedRow

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
"""Seconds between two checks for deleted frames. A deleted frame must leave the lists within a minute."""
LOOK_REST = 5.0
LOOK_RARELY_S = 40.0
"""After a long check, as on a slow share, the pause is this many times as long, with this upper limit in seconds."""
LOOK_PATIENCE_S = 3.0
"""Time limit of the check before lists are written for the last time; after it the result of the check before is
used."""
SIRIL_PATIENCE_S = 5.0
"""Siril says its version in a tenth of a second."""
RETRY_S = 10.0
"""Seconds until lists that could not be written are tried again."""
_GONE = (errno.ENOENT, errno.ENOTDIR)

Kind = TypeVar("Kind", ListedFrame, NotLight)


@dataclass(frozen=True, slots=True)
class _Row(Generic[Kind]):
    """A file, and the paths at which it was seen, the latest first."""

    file: Kind
    paths: tuple[str, ...]

    def where(self, present: Mapping[str, bool]) -> str | None:
        """Return the first of its paths that is there, or may be; ``None`` when it is gone."""
        return next((path for path in self.paths if present.get(path, True)), None)


def listed_frames(night_log: NightLogReader) -> list[ListedFrame]:
    """Return all judged frames as the lists need them: latest decision, and where each lies now.

    Frames that are gone are marked as such: lists leave them out.
    """
    rows = [_row(row) for row in night_log.judged_frames()]
    present = look(path for row in rows for path in row.paths)
    return [_placed(row, present) for row in rows]


def look(paths: Iterable[str]) -> dict[str, bool]:
    """Return which files exist; each folder is read once.

    Parameters:
        paths: of files, as text from ``os.fsdecode``.

    Returns:
        for each path whether it is a file. Paths in folders that cannot be read for another reason than that they are
        gone are left out: nothing is known of them.
    """
    by_folder: dict[str, dict[str, str]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        by_folder.setdefault(folder, {})[name] = path
    found: dict[str, bool] = {}
    for folder, names in by_folder.items():
        try:
            with os.scandir(folder) as entries:
                there = {entry.name for entry in entries if entry.name in names and _is_file(entry)}
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno not in _GONE:
                continue
            there = set()
        found |= {path: name in there for name, path in names.items()}
    return found


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _row(row: FrameRow) -> _Row[ListedFrame]:
    # A frame without a path was replaced: its file holds another one.
    frame = listed_frame(
        {
            **row.body,
            "file": next(iter(row.paths), row.body["file"]),
            "weight": row.weight,
            "class": row.label,
            "cause": row.cause,
        },
        row.decision,
        row.why if row.decided_by == BY_RULES else f"Decided by hand: {row.why or 'no reason given'}",
        row.seq,
        by_hand=row.decided_by != BY_RULES,
    )
    return _Row(frame, row.paths)


def _placed(row: _Row[ListedFrame], present: Mapping[str, bool]) -> ListedFrame:
    """Return the frame where it is now, or marked as gone."""
    here = row.where(present)
    return row.file.gone() if here is None else row.file.at(here)


def not_lights(night_log: NightLogReader) -> list[NotLight]:
    """Return all files that are there and are no light frames as the lists need them, each where it lies now."""
    rows = [_not_light(row) for row in night_log.skipped_frames()]
    present = look(path for row in rows for path in row.paths)
    return _still_there(rows, present)


def _still_there(rows: Iterable[_Row[NotLight]], present: Mapping[str, bool]) -> list[NotLight]:
    found = ((row.file, row.where(present)) for row in rows)
    return [file if here == file.file else replace(file, file=here) for file, here in found if here is not None]


def _not_light(row: SkippedRow) -> _Row[NotLight]:
    body = row.body
    file = NotLight(
        file=next(iter(row.paths), body["file"]),
        frame_id=row.frame_id,
        type=body["type"],
        keyword=body["keyword"],
        why=body["why"],
        seq=row.seq,
        meta=body["meta"],
    )
    return _Row(file, row.paths)


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
    said = wanted
    if wanted == "auto":
        program = shutil.which("siril-cli")
        if program is None:
            return None
        try:
            asked = [program, "--version"]
            done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=SIRIL_PATIENCE_S)  # noqa: S603
            said = done.stdout.decode("utf-8", "replace")
        except (OSError, subprocess.SubprocessError):
            return None
    found = re.search(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else None


class ListKeeper:
    """The lists of one log in one folder.

    What it remembers only saves time: the lists stay a pure function of the log and of which frames are there.

    Parameters:
        night_log: where all frames are.
        folder: where lists go; ``None``: none are written.
        formats: which.
        state: the folder of the night log, so that two watches may share ``folder``; ``None``: it is not shared.
        merge: what frames of one stack may differ in.
        siril: as for :func:`siril_version`.
        look_every_s: seconds between two looks at which frames are still there.

    Attributes:
        place: where lists are written: ``folder``, or a sub-folder when that belongs to another watch.
        trouble: why they cannot be written now, as one sentence; empty when they can. For any thread.
    """

    def __init__(
        self,
        night_log: NightLogReader,
        folder: Path | None,
        formats: Sequence[str],
        state: Path | None = None,
        merge: Sequence[Merge] = (),
        siril: str = "unknown",
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self.place = folder
        self.trouble = ""
        self._not_before_s = 0.0
        self._log = night_log
        self._folder = folder
        self._formats = formats
        self._merge = merge
        self._siril = siril
        self._state = state
        self._owner: Owner | None = None
        self._due = False
        self._begun = False
        self._rows: dict[str, _Row[ListedFrame]] = {}
        self._not_lights: dict[str, _Row[NotLight]] = {}
        self._noted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._written: Written = {}
        self._notes: list[str] = []
        self._look_every_s = look_every_s
        self._next_look_s = time.monotonic() + look_every_s
        self._present: dict[str, bool] = {}
        self._look: _Look | None = None

    def note(self, *frame_ids: str) -> None:
        """Note that the lists must say something else of these frames; from any thread."""
        for frame_id in frame_ids:
            self._noted.put(frame_id)
        self._due = True

    def write(self, roots: Sequence[Path], *, force: bool, last: bool = False) -> dict[str, Any] | None:
        """Write the lists, when something was noted since the last time, frames have come or gone, or when forced.

        Parameters:
            roots: capture folders, into which nothing may be written.
            force: write also when nothing was noted.
            last: nothing is written after this for a while, so wait a little to see which frames are there.

        Returns:
            the body of ``list.written``; ``None`` when there was nothing to do, or nothing could be written.

        A failure to write is given in :attr:`trouble`, and the next call tries again.
        """
        if self._folder is None:
            return None
        if not self._begun and roots:
            # Lists of an earlier run may be of an earlier version, or incomplete because it was killed.
            self._begun = True
            self._follow()
            self._due |= bool(self._rows or self._not_lights)
        self._take_a_look(roots, force=force or last)
        if not (force or (self._due and (last or time.monotonic() >= self._not_before_s))):
            return None
        self._due = False
        done = False
        try:
            body = self._written_now(self._folder, roots)
            done = True
        except ListError as error:
            if not self.trouble:
                log.error("%s", error)
            self.trouble = f"{str(error)[:1].upper()}{str(error)[1:]}."
            return None
        finally:
            if not done:
                # The disk may have room a moment later, and nothing else may change until morning.
                self._due, self._not_before_s = True, time.monotonic() + RETRY_S
        if self.trouble:
            log.warning("the stacking lists can be written again")
        self.trouble = ""
        self.place = Path(os.fsdecode(os.fsencode(body["folder"])))
        for note in body["notes"]:
            if note not in self._notes:
                log.warning("stacking lists: %s", note)
        self._notes = body["notes"]
        return body

    def _written_now(self, folder: Path, roots: Sequence[Path]) -> dict[str, Any]:
        """Write the lists; return the body of ``list.written``.

        Raises:
            ListError: they cannot be written now.
        """
        if self._owner is None and self._state is not None:
            self._owner = owner_of(self._state)
        self._follow()
        return write_lists(
            [_placed(row, self._present) for row in self._rows.values()],
            folder,
            self._formats,
            not_lights=_still_there(self._not_lights.values(), self._present),
            merge=self._merge,
            siril=siril_version(self._siril),
            watch_roots=roots,
            written=self._written,
            owner=self._owner,
        )

    def _take_a_look(self, roots: Sequence[Path], *, force: bool) -> None:
        """Start a check for deleted frames when it is due; its result is used when it has ended."""
        now_s = time.monotonic()
        if not roots:
            return  # no capture folder is watched, so nothing is known about its disk
        if self._look is None and (force or now_s >= self._next_look_s):
            self._follow()
            paths = [path for row in self._rows.values() for path in row.paths]
            paths += [path for row in self._not_lights.values() for path in row.paths]
            self._look = _Look(paths, roots)
            self._next_look_s = now_s + self._look_every_s
        if self._look is None or not self._look.wait(LOOK_PATIENCE_S if force else 0.0):
            return
        seen, took_s, self._look = self._look.seen, self._look.took_s, None
        self._next_look_s = max(self._next_look_s, now_s + min(LOOK_REST * took_s, LOOK_RARELY_S))
        if seen is not None:
            self._due |= _gone(seen) != _gone(self._present)
            self._present = seen

    def _follow(self) -> None:
        """Bring the rows into step with the log."""
        if not self._rows and not self._not_lights:
            self._rows = {row.frame_id: _row(row) for row in self._log.judged_frames()}
            self._not_lights = {row.frame_id: _not_light(row) for row in self._log.skipped_frames()}
        while not self._noted.empty():
            frame_id = self._noted.get()
            paths: tuple[str, ...] = ()
            with suppress(KeyError):  # a file that failed, or no content at all
                self._rows[frame_id] = _row(self._log.frame(frame_id))
                paths = self._rows[frame_id].paths
            with suppress(KeyError):
                self._not_lights[frame_id] = _not_light(self._log.skipped_frame(frame_id))
                paths = self._not_lights[frame_id].paths
            for path in paths[:1]:
                self._present.pop(path, None)  # seen just now, whatever the last look said


def _gone(present: Mapping[str, bool]) -> set[str]:
    return {path for path, there in present.items() if not there}


class _Look:
    """One check which files exist, in a thread of its own.

    Attributes:
        seen: what :func:`look` found; ``None`` while it looks, and when the capture folder itself cannot be read.
        took_s: how long the look took.
    """

    def __init__(self, paths: Sequence[str], roots: Sequence[Path]) -> None:
        self.seen: dict[str, bool] | None = None
        self.took_s = 0.0
        self._paths = paths
        self._roots = roots
        self._over = threading.Event()
        try:
            threading.Thread(target=self._run, name="presence", daemon=True).start()
        except RuntimeError:  # no thread can be started now; the next look tries again
            self._over.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most this long for the end of the look; return whether it has ended."""
        return self._over.wait(timeout_s)

    def _run(self) -> None:
        began_s = time.monotonic()
        try:
            # When a disk is unplugged, all its frames are missing, but not deleted.
            if all(root.is_dir() for root in self._roots):
                self.seen = look(self._paths)
        except OSError as error:
            log.debug("the capture folder cannot be checked for deleted frames now: %s", error)
        finally:
            self.took_s = time.monotonic() - began_s
            self._over.set()
