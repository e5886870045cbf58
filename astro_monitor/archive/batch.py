"""Grade many files in time order, with a night log that lives in memory and is forgotten afterwards."""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ..clock import Clock
from ..counts import Counts
from ..documents import Document
from ..errors import ConfigError, WorkerUnavailable
from ..formats import FormatTable
from ..judge import SecondLook
from ..lists import ListWriters
from ..nightlog import NightLog
from ..plugins import Plugins, load_plugins
from ..read import Dialects
from ..records import Arrival, Failed, Outcome
from ..session import Session
from ..settings import Settings
from ..sinks import ListSink
from ..watch import NameRules, unread_sentence
from ..worker import Examiner, Source, WorkerPool
from .order import exposure_started

log = logging.getLogger(__name__)

PAUSE_S = 2.0
"""Longest wait for temporary trouble to end."""


def find_frames(
    paths: Sequence[Path],
    on_unread: Callable[[str], None] = lambda sentence: None,
    plugins: Plugins | None = None,
) -> list[Arrival]:
    """Return the files of a batch to grade, in the order of their exposures.

    A file named on the command line is taken whatever it is called. A folder is searched with its sub-folders for
    names of frames. Order: DATE-OBS when the header tells it, else the time the file was last written; then the name.

    Parameters:
        paths: files and folders.
        on_unread: called once for each kind of file that is not read and each folder that contains such files.
        plugins: whose formats and header dialects are known, too; ``None``: those of astro-monitor alone.

    Raises:
        ConfigError: a path does not exist, or nothing was found.
    """
    by_path: dict[Path, Arrival] = {}
    known = plugins or load_plugins(Settings())
    formats, dialects = FormatTable.of(known), Dialects.registered(known)
    rules = NameRules(formats=formats)
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*"))
            frames = (file for file in inside if rules.is_frame(file.name) and file.is_file())
            by_path.update((file.absolute(), _arrival(file, path)) for file in frames)
            _tell_unread(path, inside, rules, on_unread)
        elif path.exists() or path.is_symlink():
            by_path.setdefault(path.absolute(), _arrival(path, path.parent))
        else:
            raise ConfigError(f"{path} does not exist; check the path")
    if not by_path:
        raise ConfigError(f"no frames in {', '.join(map(str, paths))}; frames end in {', '.join(formats.endings)}")
    return sorted(
        by_path.values(), key=lambda arrival: (exposure_started(arrival, formats, dialects), str(arrival.path))
    )


def grade_files(
    arrivals: Sequence[Arrival],
    settings: Settings,
    clock: Clock,
    on_models: Callable[[int], None] = lambda count: None,
    lists_folder: Path | None = None,
    on_revised: Callable[[Document], None] = lambda document: None,
    on_document: Callable[[Document], None] = lambda document: None,
    open_workers: Callable[[Settings, Source], AbstractContextManager[Examiner]] = WorkerPool,
) -> Iterator[tuple[Arrival, Document, Counts]]:
    """Grade the files of a batch: several are looked at in parallel, and all are judged one by one, in order.

    Parameters:
        arrivals: from :func:`find_frames`.
        settings: the whole tree; nothing is published.
        clock: the source of time.
        on_models: called once, when the models are loaded and grading begins, with their number.
        lists_folder: where stacking lists go at the end; ``None``: none are written.
        on_revised: told of each ``frame.revised`` document: the first frames of a rig, where they were doubtful, are
            looked at again once it is known.
        on_document: called with each document of the session, alerts included, in the order of the night log.
        open_workers: makes the workers; the tests have lighter ones.

    Yields:
        each file with its ``frame.judged``, ``frame.skipped`` or ``frame.failed`` document and the counts so far. A
        file that fails for a reason that may pass comes after the others, when it has been tried once more.

    Raises:
        ConfigError: a plugin, or a kind of list, cannot be used; raised before the first file.
        ModelError: a model is missing, altered or does not fit; raised before the first file.
        WorkerUnavailable: no worker process can be started, also after a pause.
    """
    plugins = load_plugins(settings)
    writers = ListWriters.of(plugins)
    if lists_folder is not None:
        writers.chosen(settings.lists.formats)
    waiting = deque(arrivals)
    with (
        NightLog.open(":memory:", session_id=uuid.uuid4().hex, clock=clock) as night_log,
        open_workers(settings, lambda: [waiting.popleft()] if waiting else []) as workers,
    ):
        announce = _announcer(on_revised, on_document)
        session = Session(settings, night_log, clock, announce=announce, plugins=plugins)
        root = arrivals[0].root if arrivals else Path.cwd()
        session.start("grade", root, workers.models)
        on_models(len(workers.models))
        later: list[Arrival] = []
        for _ in arrivals:
            outcome = _next_outcome(workers, session, clock)
            if isinstance(outcome, Failed) and outcome.retryable:
                later.append(outcome.arrival)
                continue
            yield outcome.arrival, session.take(outcome), session.counts
            with workers.comparing():
                for doubtful in session.second_looks():
                    session.look_again(_examined_again(workers, doubtful, session, clock))
        if later:
            clock.wait(threading.Event(), PAUSE_S)
            waiting.extend(later)
            workers.ring()
        for _ in later:
            outcome = _next_outcome(workers, session, clock)
            yield outcome.arrival, session.take(outcome), session.counts
        if lists_folder is not None:
            report = partial(session.record, "list.written")
            lists = ListSink(night_log, lists_folder, settings.lists, roots=(root,), report=report, writers=writers)
            lists.write(last=True)
        session.stop("completed", "All files were graded.")


def _next_outcome(workers: Examiner, session: Session, clock: Clock) -> Outcome:
    """Return the outcome of the next file; where there is no worker, wait a little for one."""
    try:
        (outcome,) = workers.take(session.baseline_for)
    except WorkerUnavailable as error:
        log.warning("%s", error)
        clock.wait(threading.Event(), PAUSE_S)
        (outcome,) = workers.take(session.baseline_for)
    return outcome


def _examined_again(workers: Examiner, doubtful: SecondLook, session: Session, clock: Clock) -> Outcome:
    """Compare a frame of a batch again; where there is no worker, wait a little for one."""
    try:
        return workers.examine_again(doubtful.arrival, doubtful.frame_id, session.baseline_for)
    except WorkerUnavailable as error:
        log.warning("%s", error)
        clock.wait(threading.Event(), PAUSE_S)
        return workers.examine_again(doubtful.arrival, doubtful.frame_id, session.baseline_for)


def _announcer(
    on_revised: Callable[[Document], None], on_document: Callable[[Document], None]
) -> Callable[[Document], None]:
    """Return the function that receives the documents of a batch and passes revisions on separately."""

    def announce(document: Document) -> None:
        on_document(document)
        if document.kind == "frame.revised":
            on_revised(document)

    return announce


def _tell_unread(root: Path, files: Sequence[Path], rules: NameRules, on_unread: Callable[[str], None]) -> None:
    """Report each kind of file of a batch that is not read, once per folder."""
    reported: set[tuple[Path, str]] = set()
    for file in files:
        kind = rules.unread_kind(file.name)
        if kind is not None and (file.parent, kind.name) not in reported:
            reported.add((file.parent, kind.name))
            on_unread(unread_sentence(root, file.parent, file.name, kind))


def _arrival(path: Path, root: Path) -> Arrival:
    """Return the arrival of a file that was named on the command line, for the pipeline."""
    now = datetime.now(UTC)
    try:
        status = path.stat()
        size_bytes, mtime_ns = status.st_size, status.st_mtime_ns
    except OSError:
        # The reader says what is wrong with it, in a document of its own.
        size_bytes, mtime_ns = 0, 0
    return Arrival(
        path=path.absolute(),
        root=root.absolute(),
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
        first_seen_utc=now,
        settled_utc=now,
        how="named",
    )
