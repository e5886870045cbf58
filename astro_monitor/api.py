"""The public functions: grade files, watch a folder, follow a daemon, open the stages.

They are the program's own parts with typed arguments, without a screen. ``astro_monitor`` offers them by name; its page
in the documentation has an example of each.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path

from .archive import find_frames, grade_files
from .clock import SystemClock
from .documents import Document
from .errors import ConfigError
from .monitor import Monitor
from .pipeline import Pipeline
from .plugins import load_plugins
from .publish import Subscription, client_keys
from .records import (
    Arrival,
    Baseline,
    Examined,
    Failed,
    Look,
    Skipped,
    baseline_key,
    fitting_baseline,
)
from .settings import PublishSettings, Settings, load

log = logging.getLogger(__name__)

MAX_WAITING_DOCUMENTS = 10_000
"""Documents that wait for the caller of :func:`watch_folder`: more than a night has, some 100 MB at most."""

_LOOK_FOR_END_S = 0.2
"""How long :func:`watch_folder` waits for a document before it sees whether the watch has ended."""

_ENDING_S = 60.0
"""How long the end of a watch may take: the frame in hand is finished, and the lists are written."""

PathText = str | PathLike[str]


def grade_frames(
    paths: PathText | Iterable[PathText],
    *,
    settings: Settings | None = None,
    lists_folder: PathText | None = None,
) -> Iterator[Document]:
    """Grade files that are already there, in the order of their exposures, as the live watch would have.

    Files are only read. They are taken one by one: a document is made when it is asked for. Nothing is broadcast.

    Parameters:
        paths: files, and folders that are searched with their sub-folders.
        settings: from :func:`load_settings`; by default those of the user's own file and the environment.
        lists_folder: where stacking lists are written at the end; by default none are.

    Returns:
        an iterator over one ``frame.judged``, ``frame.skipped`` or ``frame.failed`` document for each file, and a
        ``frame.revised`` document where a second look decided otherwise once enough frames of the rig were known.

    Raises:
        ConfigError: a path does not exist, a folder holds no frames, or a setting is wrong.
        ModelError: a model is missing, altered or does not fit.
        WorkerUnavailable: no worker process can be started.

    Examples:
        >>> for document in grade_frames("captures"):
        ...     print(document.kind, document.body["decision"])
        frame.judged keep
        frame.judged keep
        frame.judged reject
    """
    chosen = [paths] if isinstance(paths, str | PathLike) else list(paths)
    used = load() if settings is None else settings
    arrivals = find_frames([Path(path) for path in chosen], plugins=load_plugins(used))
    return _graded(arrivals, used, None if lists_folder is None else Path(lists_folder))


def watch_folder(
    folder: PathText,
    *,
    settings: Settings | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Document]:
    """Run the daemon over a capture folder and return its documents as they are made.

    It is the daemon of ``astro-monitor watch``: it keeps a night log, writes stacking lists and broadcasts on the
    addresses of the settings. The capture folder is only read. The watch begins with the first document that is asked
    for. It ends in order when ``stop`` is set or the iterator is closed; a program that does neither does not end.

    The daemon never waits for the caller. When 10,000 documents wait, later ones are left out, which is logged; they
    are in the night log all the same.

    Parameters:
        folder: the folder into which frames are written.
        settings: from :func:`load_settings`; by default those of the user's own file and the environment.
        stop: set it, from any thread, to end the watch; what was made until then is still returned.

    Returns:
        an iterator over every logged document, of all kinds, in the order of their sequence numbers.

    Raises:
        ConfigError: the folder or a setting is wrong.
        ModelError, NightLogError, PublishError: nothing was started.

    Examples:
        >>> from contextlib import closing
        >>> with closing(watch_folder("captures")) as documents:
        ...     print(next(documents).kind)
        session.started
    """
    over = threading.Event() if stop is None else stop
    waiting: queue.Queue[Document] = queue.Queue(MAX_WAITING_DOCUMENTS)

    def hand_over(document: Document) -> None:
        try:
            waiting.put_nowait(document)
        except queue.Full:
            log.warning("document %d (%s) is left out: too many wait", document.seq, document.kind)

    monitor = Monitor(Path(folder), load() if settings is None else settings, on_document=hand_over)
    return _watched(monitor, waiting, over)


def subscribe(
    address: str | None = None,
    *,
    control_address: str | None = None,
    topics: Sequence[str] = (),
    kinds: Sequence[str] = (),
    after_seq: int | None = None,
    keys_folder: PathText | None = None,
    stop: threading.Event | None = None,
    patience_s: float | None = 10.0,
) -> Subscription:
    """Follow a daemon that runs elsewhere: every document once, in order, over a connection that may lose some.

    Parameters:
        address: where the daemon broadcasts; by default ``tcp://127.0.0.1:5556``.
        control_address: where it answers questions; by default the same host with the next port.
        topics: beginnings of the topics that are wanted, such as ``am1/alert/``; by default all.
        kinds: kinds that are wanted, such as ``frame.judged``; by default all.
        after_seq: begin with the documents after this number, 0 for all that the night log holds; by default with
            those that describe what holds now, and then with what is new.
        keys_folder: the client's CURVE keys, which a daemon demands from other computers.
        stop: set it, from any thread, to end the iteration.
        patience_s: give up when nothing is heard for so long at the beginning; ``None``: wait forever.

    Returns:
        the documents, to be iterated over by one thread; it ends when ``stop`` is set. Its attribute ``last_seq`` is
        the number to go on from, and ``look`` and ``preview`` fetch what the daemon keeps of a frame.

    Raises:
        ConfigError: no control address is given, and none follows from the address.
        PublishError: nothing is heard, or the keys are wrong.

    Examples:
        >>> for document in subscribe(kinds=["frame.judged"]):
        ...     print(document.body["decision"])
        ...     break
        keep
    """
    defaults = PublishSettings()
    chosen = defaults.address if address is None else address
    return Subscription(
        chosen,
        _next_port(chosen) if control_address is None else control_address,
        topics=topics,
        kinds=kinds,
        after_seq=after_seq,
        keys=None if keys_folder is None else client_keys(Path(keys_folder)),
        stop=stop,
        patience_s=patience_s,
    )


class FramePipeline:
    """The stages in the process of the caller: look, then compare. Make one with :func:`open_pipeline`.

    A file that makes a decoder crash ends the caller's program, too. :func:`grade_frames` uses a process of its own.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def look(self, path: PathText) -> Look | Skipped | Failed:
        """Read a file, find its stars and measure them: all that depends on its pixels and header alone.

        Parameters:
            path: a file that is completely written.

        Returns:
            a ``Look``, which can be compared as often as wanted; a ``Skipped`` record for a file that is no light
            frame; or a ``Failed`` one. Nothing is raised for anything that is wrong with the file.

        Raises:
            ConfigError: the path does not exist.

        Examples:
            >>> look = open_pipeline().look("captures/light_0001.fits")
            >>> look.meta.exposure_s
            120.0
        """
        (arrival,) = find_frames([Path(path)])
        return self._pipeline.look(arrival)

    def compare(self, look: Look, baselines: Iterable[Baseline] = ()) -> Examined | Failed:
        """Compare a look with what is typical for its rig, and let the quality model grade it. Takes milliseconds.

        Parameters:
            look: from :meth:`look`.
            baselines: what is typical for the rigs so far; the one that fits the frame's header is used. By default
                there is none, as for the first frame of a rig.

        Returns:
            an ``Examined`` record with all measurements and the model's opinion, or a ``Failed`` one.
        """
        key = baseline_key(look.meta, look.sensor_shape)
        return self._pipeline.compare(look, fitting_baseline(key, baselines))


def open_pipeline(settings: Settings | None = None) -> FramePipeline:
    """Load the models and put the stages in order, for measurements without verdicts.

    Parameters:
        settings: from :func:`load_settings`; by default those of the user's own file and the environment.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: a model is missing, altered or does not fit.
    """
    return FramePipeline(Pipeline.open(load() if settings is None else settings))


def _graded(arrivals: Sequence[Arrival], settings: Settings, lists_folder: Path | None) -> Iterator[Document]:
    """Grade files, and return each revision before the next verdict."""
    revised: deque[Document] = deque()
    for _, document, _ in grade_files(
        arrivals, settings, SystemClock(), lists_folder=lists_folder, on_revised=revised.append
    ):
        yield from _drained(revised)
        yield document
    yield from _drained(revised)


def _watched(monitor: Monitor, waiting: queue.Queue[Document], over: threading.Event) -> Iterator[Document]:
    """Run a daemon in a thread for as long as its documents are asked for."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            monitor.run(over)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="watch-folder")
    thread.start()
    try:
        while thread.is_alive() or not waiting.empty():
            try:
                yield waiting.get(timeout=_LOOK_FOR_END_S)
            except queue.Empty:
                continue
    finally:
        over.set()
        thread.join(_ENDING_S)
    if errors:
        raise errors[0]


def _drained(documents: deque[Document]) -> Iterator[Document]:
    """Yield documents from a queue and remove them, until it is empty."""
    while documents:
        yield documents.popleft()


def _next_port(address: str) -> str:
    """Return the control address of a daemon: the broadcast address with its port increased by one."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        raise ConfigError(f"no control address follows from {address}; name control_address")
    return f"{host}:{int(port) + 1}"
