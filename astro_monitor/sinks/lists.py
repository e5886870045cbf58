"""The stacking lists as a way out: kept in step with the night log and with what lies in the capture folder now."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ..documents import (
    Document,
    FrameFailedView,
    FrameJudgedView,
    FrameRevisedView,
    FrameSkippedView,
    ListWritten,
    view,
)
from ..lists import ListedFrame, ListedNotLight, ListError, ListWriters, Owner, Written, owner_of, write_lists
from ..nightlog import NightLogReader
from ..settings import ListSettings
from .list_rows import PathedFile, placed, row_of_frame, row_of_other, still_there
from .presence import PresenceCheck, gone_paths
from .siril import siril_version

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
"""Seconds between two checks for deleted frames. A deleted frame must leave the lists within a minute."""
LOOK_REST = 5.0
"""After a long check, as on a slow share, the pause is this many times as long: a sixth of the time is spent on it."""
LOOK_RARELY_S = 40.0
"""Longest such pause in seconds, so that a deleted frame still leaves the lists within a minute."""
LOOK_PATIENCE_S = 3.0
"""Time limit of the check before lists are written for the last time; after it the result of the check before is
used."""
RETRY_S = 10.0
"""Seconds until lists that could not be written are tried again."""
READ_AT_ONCE = 1000
"""Documents that are read from the log at once."""


class ListSink:
    """The lists of one log in one folder: a pure function of the log and of which frames are there.

    The log is read through once, then only what is new in it. For one thread.

    Parameters:
        night_log: where all frames are.
        folder: where lists go.
        settings: formats, what frames of one stack may differ in, and the version of Siril.
        roots: capture folders, into which nothing may be written; empty: none is watched, so nothing is known of its
            disk.
        state: the folder of the night log, so that two watches may share ``folder``; ``None``: it is not shared.
        report: called with the body of ``list.written`` when the lists have changed.
        ending: whether the lists are not written again soon, so that it is worth a wait to see which frames are there.
        look_every_s: seconds between two checks which frames are still there.
        writers: all kinds of list that there are; ``None``: those of astro-monitor.

    Attributes:
        place: where lists are written: ``folder``, or a sub-folder when that belongs to another watch.
        trouble: why they cannot be written now, as one sentence; empty when they can. For any thread.
    """

    name = "stacking lists"

    def __init__(
        self,
        night_log: NightLogReader,
        folder: Path,
        settings: ListSettings,
        *,
        roots: Sequence[Path] = (),
        state: Path | None = None,
        report: Callable[[ListWritten], None] = lambda body: None,
        ending: Callable[[], bool] = lambda: False,
        look_every_s: float = LOOK_EVERY_S,
        writers: ListWriters | None = None,
    ) -> None:
        self.place = folder
        self.trouble = ""
        self._log = night_log
        self._folder = folder
        self._settings = settings
        self._roots = tuple(roots)
        self._state = state
        self._report = report
        self._ending = ending
        self._look_every_s = look_every_s
        self._writers = writers
        self._owner: Owner | None = None
        self._generation = 0
        self._due = False
        self._begun = False
        self._not_before_s = 0.0
        self._rows: dict[str, PathedFile[ListedFrame]] = {}
        self._not_lights: dict[str, PathedFile[ListedNotLight]] = {}
        self._names: dict[str, set[str]] = {}
        self._last_seq = 0
        self._last_sighting = 0
        self._written: Written = {}
        self._notes: list[str] = []
        self._next_look_s = time.monotonic() + look_every_s
        self._present: dict[str, bool] = {}
        self._look: PresenceCheck | None = None

    def accept(self, document: Document) -> None:
        """Nothing is kept of a document: what is new is read from the log, which has all of it."""

    def flush(self) -> None:
        """Write the lists when something has changed."""
        self.write(last=self._ending())

    def close(self) -> None:
        """Nothing is held open."""

    def write(self, *, force: bool = False, last: bool = False) -> None:
        """Write the lists, when the log has something new, frames have come or gone, or when forced.

        A failure to write is given in :attr:`trouble`, and the next call tries again.

        Parameters:
            force: write also when nothing has changed.
            last: nothing is written after this for a while, so wait a little to see which frames are there.
        """
        body = self._write(force=force, last=last)
        if body is not None and body.generation != self._generation:
            self._generation = body.generation
            self._report(body)

    def _write(self, *, force: bool, last: bool) -> ListWritten | None:
        """Return the body of ``list.written``; ``None`` when there was nothing to do, or nothing could be written."""
        self._follow()
        if not self._begun and self._roots:
            # Lists of an earlier run may be of an earlier version, or incomplete because it was killed.
            self._begun = True
            self._due |= bool(self._rows or self._not_lights)
        self._take_a_look(force=force or last)
        if not (force or (self._due and (last or time.monotonic() >= self._not_before_s))):
            return None
        self._due = False
        done = False
        try:
            body = self._written_now()
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
        self.place = Path(os.fsdecode(os.fsencode(body.folder)))
        for note in body.notes:
            if note not in self._notes:
                log.warning("stacking lists: %s", note)
        self._notes = body.notes
        return body

    def _written_now(self) -> ListWritten:
        """Write the lists; return the body of ``list.written``.

        Raises:
            ListError: they cannot be written now.
        """
        if self._owner is None and self._state is not None:
            self._owner = owner_of(self._state)
        return write_lists(
            [placed(row, self._present) for row in self._rows.values()],
            self._folder,
            self._settings.formats,
            not_lights=still_there(self._not_lights.values(), self._present),
            merge=self._settings.merge,
            min_weight=self._settings.min_weight,
            siril=siril_version(self._settings.siril),
            watch_roots=self._roots,
            written=self._written,
            owner=self._owner,
            writers=self._writers,
        )

    def _take_a_look(self, *, force: bool) -> None:
        """Start a check for deleted frames when it is due; its result is used when it has ended."""
        now_s = time.monotonic()
        if not self._roots:
            return
        if self._look is None and (force or now_s >= self._next_look_s):
            self._look = PresenceCheck(list(self._names), self._roots)
            self._next_look_s = now_s + self._look_every_s
        if self._look is None or not self._look.wait(LOOK_PATIENCE_S if force else 0.0):
            return
        seen, took_s, self._look = self._look.seen, self._look.took_s, None
        self._next_look_s = max(self._next_look_s, now_s + min(LOOK_REST * took_s, LOOK_RARELY_S))
        if seen is not None:
            self._due |= gone_paths(seen) != gone_paths(self._present)
            self._present = seen

    def _follow(self) -> None:
        """Bring the rows into step with the log."""
        if not self._rows and not self._not_lights:
            self._last_seq, self._last_sighting = self._log.last_seq(), self._log.last_sighting()
            for frame in self._log.judged_frames():
                self._keep(frame.frame_id, row_of_frame(frame))
            for other in self._log.skipped_frames():
                self._keep(other.frame_id, row_of_other(other))
            self._due |= bool(self._rows or self._not_lights)
            return
        changed: set[str] = set()
        while documents := self._log.after(self._last_seq, READ_AT_ONCE):
            self._last_seq = documents[-1].seq
            changed |= {frame_id for document in documents if (frame_id := _frame_of(document))}
        for number, path, frame_id in self._log.sightings_after(self._last_sighting):
            self._last_sighting = number
            # The content that was at this path before is no longer there.
            changed |= {frame_id, *self._names.get(path, ())}
            self._present.pop(path, None)  # seen just now, whatever the last check said
        for frame_id in filter(None, changed):
            self._read_again(frame_id)
        self._due |= bool(changed)

    def _read_again(self, frame_id: str) -> None:
        """Read the row of a file from the night log again, whether it was judged or skipped."""
        with suppress(KeyError):  # a file that failed, or no content at all
            self._keep(frame_id, row_of_frame(self._log.frame(frame_id)))
        with suppress(KeyError):
            self._keep(frame_id, row_of_other(self._log.skipped_frame(frame_id)))

    def _keep(self, frame_id: str, row: PathedFile[ListedFrame] | PathedFile[ListedNotLight]) -> None:
        """Replace the row of a file for the stacking lists, and the index of its paths."""
        before = self._rows.get(frame_id) or self._not_lights.get(frame_id)
        for path in before.paths if before is not None else ():
            self._names.get(path, set()).discard(frame_id)
        for path in row.paths:
            self._names.setdefault(path, set()).add(frame_id)
        if isinstance(row.file, ListedFrame):
            self._rows[frame_id] = PathedFile(row.file, row.paths)
        else:
            self._not_lights[frame_id] = PathedFile(row.file, row.paths)


def _frame_of(document: Document) -> str:
    """Return the frame that a document is about; empty when it is about none."""
    match view(document):
        case FrameJudgedView() | FrameSkippedView() | FrameFailedView() | FrameRevisedView() as body:
            return body.frame_id or ""
    return ""
