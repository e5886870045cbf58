"""The bookkeeping of one session, on the daemon's side: outcome → judge → compose → night log → sinks.

One transaction per frame holds its document, the alerts it changed and the judge's memory, so a crash at any moment
leaves either all of it or nothing. Sinks follow the log, in threads of their own.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from . import compose, documents, version
from .clock import Clock
from .counts import Counts
from .documents import Document
from .errors import NightLogError
from .framestore import PREVIEWS, file_name
from .judge import RULES_VERSION, Judge, RuleBook, SecondLook, SecondLooks, Surroundings
from .memory import JUDGE_STATE, Memory, judge_memory
from .metrics import registered_metrics
from .nightlog import BY_RULES, Decision, Draft, FrameRow, NightLog, PatientWriter, Sighting
from .plugins import Plugins, load_plugins
from .records import (
    Alert,
    Baseline,
    BaselineKey,
    Examined,
    Failed,
    Outcome,
    Skipped,
    baseline_key,
    sane,
)
from .settings import Settings
from .superseded import Superseded, carried_over, replaced

log = logging.getLogger(__name__)

_Written = TypeVar("_Written")


class Session:
    """Takes outcomes one by one, in the order in which they are to be judged.

    Parameters:
        settings: the whole tree.
        night_log: where everything is kept.
        clock: the source of time.
        announce: told of each document after it is safe.
        stop: ends the waiting for disk space.
        on_wait: called each time that such waiting goes on.
        plugins: those that are on; ``None``: as the settings say.
        previews: whether the preview of each frame is kept next to the night log.

    Attributes:
        counts: what it has done so far.
        surroundings: what other programs have observed of guiding and wind.
    """

    def __init__(
        self,
        settings: Settings,
        night_log: NightLog,
        clock: Clock,
        *,
        announce: Callable[[Document], None],
        stop: threading.Event | None = None,
        on_wait: Callable[[], None] = lambda: None,
        plugins: Plugins | None = None,
        previews: bool = False,
    ) -> None:
        self._settings = settings
        self._previews = previews
        self._log = night_log
        self._clock = clock
        self._announce = announce
        self._disk = PatientWriter(clock, stop or threading.Event(), on_wait)
        chosen = plugins or load_plugins(settings)
        rules, self._metrics = RuleBook.of(chosen), [registered.row for registered in registered_metrics(chosen)]
        self._metric_keys = tuple(row.key for row in self._metrics)
        self.surroundings = Surroundings()
        self._restored: Callable[[], Judge] = lambda: Judge.restore(
            settings.judge, settings.site, judge_memory(night_log), rules, self.surroundings
        )
        self._judge = self._restored()
        self._memory = Memory(night_log)
        self._superseded = Superseded(night_log)
        self._disowned: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._looks = SecondLooks()
        self.counts = Counts()

    @property
    def trouble(self) -> str:
        """Why nothing can be written to the night log now, as one sentence; empty when it can. For any thread."""
        return self._disk.trouble

    def start(self, mode: str, root: Path, models: list[dict[str, str]]) -> None:
        """Log ``session.started`` and ``metrics.described``, and close earlier sessions that never said good-bye."""
        for document in self._log.close_lost_sessions():
            self._announce(document)
        digest = hashlib.sha256(self._settings.model_dump_json().encode()).hexdigest()[:16]
        started = documents.SessionStarted.model_validate(
            {
                "mode": mode,
                "software": "astro-monitor",
                "software_version": version.__version__,
                "watch_root": compose.display_path(root),
                "models": models,
                "rules_version": RULES_VERSION,
                "settings_digest": digest,
                "host": socket.gethostname(),
                "process_id": os.getpid(),
                "protocol": documents.PROTOCOL,
            }
        )
        self._commit(
            [
                Draft("session.started", started),
                Draft("metrics.described", compose.metrics_described(self._metrics)),
                *self._forgotten_alerts(),
            ]
        )

    def _forgotten_alerts(self) -> list[Draft]:
        """Close alerts that the log knows as open and the judge no longer does: nothing else would ever close them."""
        alerts = [
            (documents.AlertView.of(document.body), document.doc_id)
            for document in self._log.snapshot()
            if document.kind in ("alert.opened", "alert.updated")
        ]
        known = self._judge.open_alerts()
        sentence = (
            "Closed, because what led to it is no longer known; it is opened again if the trouble is still there."
        )
        return [
            Draft("alert.closed", documents.AlertBody(**asdict(alert) | {"sentence": sentence, "advice": ""}), doc_id)
            for alert, doc_id in alerts
            if alert.alert_id not in known
        ]

    def check(self) -> None:
        """Complain when damage of the night log was met, in whatever thread; keep what a person's decisions changed.

        Raises:
            LogDamaged: it was.
        """
        self._log.check()
        if not self._disowned.empty():
            self._commit([])  # now: after a restart a rejected frame must not be back in the baseline

    def baselines(self) -> tuple[Baseline, ...]:
        """Return the baselines so far, for the worker's next frame."""
        self._disown()
        return self._judge.all_baselines()

    def baseline_for(self, key: BaselineKey) -> Baseline:
        """Return what a frame with this key is compared with, as everything before it was judged."""
        self._disown()
        return self._judge.baseline_for(key)

    def revise(self, frame_id: str, decision: Decision, by: str, why: str) -> Document:
        """Let a person decide on a frame; from any thread. The lists follow, and what is rejected is no longer normal.

        Parameters:
            frame_id: as in the ``frame.judged`` document.
            decision: what holds from now on.
            by: who says so; the word for the rules themselves is taken for a person of that name.
            why: one sentence.

        Raises:
            KeyError: no such frame was judged.
            NightLogError: it cannot be written down.
        """
        by = f"{by} (by hand)" if by == BY_RULES else by
        document = self._log.revise(frame_id, decision, by, why)
        if decision == "reject":
            self._disowned.put(frame_id)
        self._announce(document)
        return document

    def take(self, outcome: Outcome) -> Document:
        """Judge one outcome, log it and announce it.

        An outcome that cannot be used, such as one with a number that no document can hold, costs its file alone.

        Returns:
            its ``frame.judged``, ``frame.skipped`` or ``frame.failed`` document. A file with the same content as one
            that has its outcome already gets that one's document back, under its own name; nothing is judged twice.
            An outcome after a failure that may pass has that failure as its cause; the same failure once more gets
            the document of the first one back.

        Raises:
            NightLogError: it cannot be written down.
        """
        try:
            fresh, document = self._take(outcome)
        except (NightLogError, MemoryError):
            raise
        except Exception as error:
            # Numbers from outside may be anything. What the judge has half learnt is forgotten.
            log.exception("%s: its outcome cannot be used", outcome.arrival.path.name)
            self._judge = self._restored()
            fresh, document = self._take(Failed.unforeseen(outcome.arrival, outcome.frame_id, "judge", error))
        for new in fresh:
            self._announce(new)
        return document

    def _take(self, outcome: Outcome) -> tuple[list[Document], Document]:
        """Record one outcome; return the new documents, and the one about this file."""
        outcome, arrival = sane(outcome), outcome.arrival
        earlier = self._log.failure_at(arrival.path)
        if outcome.frame_id is not None and self._log.has_content(outcome.frame_id):
            return self._take_again(outcome, outcome.frame_id, earlier)
        before = self._superseded.by(outcome)
        if isinstance(outcome, Failed):
            return self._take_failed(outcome, earlier)
        taken_back = [replaced(row, outcome.frame_id) for row in before]
        self._retract(before)
        alerts: tuple[Alert, ...]
        if isinstance(outcome, Skipped):
            alerts = self._judge.note_recovery(outcome) if earlier is not None else ()
            self._judge.cameras.note_calibration(outcome)
            fresh = self._commit_frame("frame.skipped", compose.skipped(outcome), outcome, alerts, earlier, taken_back)
            self.counts.skipped += 1
        else:
            baseline = self._judge.baseline_for(baseline_key(outcome.meta, outcome.sensor_shape))
            self._memory.begin(self._log.night_of_frame(outcome.meta.date_obs_utc, arrival.mtime_ns), self._judge)
            verdict, alerts = self._judge.judge(outcome)
            preview = file_name(PREVIEWS, outcome.frame_id) if self._previews else ""
            body = compose.judged(outcome, verdict, baseline, preview, keys=self._metric_keys)
            later = [draft for row in before for draft in carried_over(row, body)]
            fresh = self._commit_frame("frame.judged", body, outcome, alerts, earlier, [*taken_back, *later])
            self._looks.note(outcome, baseline)
            self.counts.judge(verdict.decision)
        self._passed(earlier)
        return fresh, fresh[0]

    def hear(self, document: Document) -> None:
        """Let the judge know what another program has observed, for the causes of faults. For any thread."""
        observed = documents.view(document)
        if isinstance(observed, documents.ContextObservedView):
            moment_s = datetime.fromisoformat(observed.observed_at).timestamp()
            values = ((value.key, value.value, value.unit) for value in observed.values)
            self.surroundings.hear(observed.subject, moment_s, values)

    def second_looks(self) -> list[SecondLook]:
        """Return the frames to look at again: their baseline became known after them, or was replaced since."""
        return self._looks.due(self._judge.all_baselines())

    def look_again(self, outcome: Outcome) -> None:
        """Revise a frame by its baseline of now, unless a person has decided, or nothing changes.

        Parameters:
            outcome: the frame looked at again; one that is gone or has changed stays as it was judged.
        """
        if not isinstance(outcome, Examined) or not self._log.has_content(outcome.frame_id):
            return
        row, verdict = self._log.frame(outcome.frame_id), self._judge.judge_again(outcome)
        if row.decided_by != BY_RULES or row.replaced_by:
            return
        self._memory.looked(outcome.frame_id)
        if verdict.decision == row.decision:
            return
        why = f"Judged again with a baseline of {verdict.baseline_size} frames: {verdict.reasons[0].sentence}"
        revised = self._disk.write(
            lambda: self._log.revise(outcome.frame_id, verdict.decision, BY_RULES, why, verdict.weight,
                                     label=verdict.label, cause=verdict.cause)
        )  # fmt: skip
        self._announce(revised)
        self.counts.revise(row.decision, verdict.decision)

    def record(self, kind: str, body: documents.Body) -> None:
        """Log and announce a document that says nothing of a frame, such as ``list.written``; from any thread.

        Raises:
            ValueError: the kind is unknown, or the body does not fit it.
            NightLogError: it cannot be written down.
        """
        self._announce(self._disk.write(lambda: self._log.append(kind, body)))

    def stop(self, reason: str, sentence: str) -> None:
        """Log ``session.stopped``; everything else of this session is in the log by then."""
        stopped = documents.SessionStopped.model_validate(
            {
                "reason": reason,
                "sentence": sentence,
                "frames_judged": self.counts.judged,
                "frames_failed": self.counts.failed,
                "frames_skipped": self.counts.skipped,
                "last_seq": self._log.last_seq(),
            }
        )
        self._commit([Draft("session.stopped", stopped)])

    def _disown(self) -> None:
        """Remove rejected frames from the baselines; in the thread that judges, which owns the judge."""
        while not self._disowned.empty():
            self._judge.forget(self._disowned.get())

    def _take_failed(self, outcome: Failed, earlier: Document | None) -> tuple[list[Document], Document]:
        """Log a failed file and its alerts; return the new documents and the document of the failure."""
        if earlier is not None and outcome.retryable and _is_the_same(earlier, outcome):
            log.info("%s: still the same: %s", outcome.arrival.path, outcome.sentence)
            return [], earlier
        # A file that has failed before is one failure, not two.
        alerts = self._judge.note_failure(outcome) if earlier is None else ()
        fresh = self._commit_frame("frame.failed", compose.failed(outcome), outcome, alerts, earlier)
        self._passed(earlier)
        self.counts.failed += 1
        return fresh, fresh[0]

    def _passed(self, earlier: Document | None) -> None:
        """Uncount a failure of this session that another outcome of the same file has replaced."""
        if earlier is not None and earlier.session_id == self._log.session_id:
            self.counts.failed -= 1

    def _retract(self, before: Sequence[FrameRow]) -> None:
        """Remove frames whose files have other content now from the counts and from the judge's memory."""
        for row in before:
            self._judge.retract(row.frame_id)
            self._looks.forget(row.frame_id)
            if self._log.outcome_of(row.frame_id).session_id == self._log.session_id:
                self.counts.take_back(row.rules_decision)

    def _take_again(self, outcome: Outcome, frame_id: str, earlier: Document | None) -> tuple[list[Document], Document]:
        """Note that known content turned up under another name, or has come back."""
        first, arrival = self._log.outcome_of(frame_id), outcome.arrival
        before = self._superseded.by(outcome)
        revisions = [replaced(row, frame_id) for row in before]
        back = self._superseded.come_back(frame_id)
        for draft in back if first.session_id == self._log.session_id else ():
            if isinstance(draft.body, documents.FrameRevised):
                self.counts.judge(draft.body.new_decision)
        self._retract(before)
        self._disk.write(lambda: self._log.note_sighting(frame_id, compose.sighting(arrival)))
        self._passed(earlier)
        log.info("%s has the same content as the file of document %s; not judged again", arrival.path, first.doc_id)
        revisions += [*back, *(Draft(*compose.alert(change)) for change in self._judge.reconsider())]
        return self._written(revisions) if revisions else [], compose.under_another_name(first, arrival)

    def _commit_frame(
        self, kind: str, body: documents.Body, outcome: Outcome, alerts: tuple[Alert, ...], earlier: Document | None,
        revisions: Sequence[Draft] = (),
    ) -> list[Document]:  # fmt: skip
        """Write the document of an outcome, its alerts and revisions to the night log in one transaction."""
        drafts = [Draft(kind, body, "" if earlier is None else earlier.doc_id)]
        changes = (*alerts, *(self._judge.reconsider() if revisions else ()))
        drafts += [Draft(*compose.alert(change), cause_index=0) for change in changes]
        return self._written([*drafts, *revisions], compose.sighting(outcome.arrival))

    def _commit(self, drafts: list[Draft]) -> None:
        """Write documents of the session to the night log, and announce them."""
        self._disown()
        for document in self._written(drafts):
            self._announce(document)

    def _written(self, drafts: list[Draft], sighting: Sighting | None = None) -> list[Document]:
        """Commit documents with all that the judge remembers."""
        outline, histories = self._judge.outline(), self._judge.changed_histories()

        def commit() -> list[Document]:
            return self._log.commit(
                drafts, states={JUDGE_STATE: outline, **self._memory.pending()}, baselines=histories,
                keep_baselines=outline["histories"], sighting=sighting,
            )  # fmt: skip

        documents = self._disk.write(commit)
        self._memory.written()
        return documents


def _is_the_same(earlier: Document, outcome: Failed) -> bool:
    """Return whether a file has failed again as its document says: for the same reason, at the same size."""
    reported = documents.FrameFailedView.of(earlier.body)
    return (reported.kind, reported.size_bytes) == (outcome.kind, outcome.arrival.size_bytes)
