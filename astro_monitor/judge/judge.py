"""The judge: the rules, the baselines and the warnings behind one door."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ..baseline import History, has_other_unit
from ..documents.vocabulary import CAUSES_OF_FAULT, AlertKind
from ..metrics import MEANING_VERSION
from ..plugins import Registered
from ..records import (
    Alert,
    Baseline,
    BaselineKey,
    Examined,
    Failed,
    Grade,
    Reason,
    Skipped,
    Verdict,
    baseline_key,
    fitting_baseline,
)
from ..settings import JudgeSettings, SiteSettings
from .alerts import AlertState, Sign
from .builtin import register_rules
from .cameras import Cameras
from .causes import NO_CAUSE, Cause, cause_of
from .combine import Ruling, combine
from .course import Course, Step
from .evidence import Case, Finding
from .memory import RigMemories, RigMemory
from .paths import path_hints
from .rulebook import RuleBook
from .signs import FAULT_KINDS, FLAG_KINDS, shown_name, sign_of_fault, sign_of_flag
from .surroundings import Surroundings
from .weight import LEAST_WEIGHT, stacking_weight
from .widening import Rise

logger = logging.getLogger(__name__)

RULES_VERSION = "2.0"
"""Raised whenever a rule, a limit or the combination changes, so that a verdict says what made it."""

STATE_VERSION = 2
"""Version of the stored state of the judge. Histories of another version are dropped, and learned again: those of
version 1 hold the frames that were kept, not those that agree."""
KNOWN_VERSIONS = (1, STATE_VERSION)
"""Versions whose warnings are still understood."""
FIRST_MEANING = 1
"""``metrics.MEANING_VERSION`` of states that do not name one: those of version 0.1.0."""
TRAIL = ("trail_plus_px2", "trail_cross_px2")

FOREIGN_FAILURES = ("unsupported", "vanished")
"""Failures that say nothing about the rig: a file that never was a frame, or one that was moved away."""


class Judge:
    """Decides on each frame in turn, and remembers what it needs for the next.

    Parameters:
        settings: limits and the numbers behind warnings.
        site: what is assumed until there is a baseline.
        rules: to run on each frame; ``None``: those of astro-monitor, without any of plugins.
        surroundings: what other programs report; ``None``: none does.

    Attributes:
        cameras: what frames tell of pedestals and gains.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        site: SiteSettings,
        rules: RuleBook | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._settings = settings
        self._site = site
        self._rules = rules or RuleBook(Registered(row, None) for row in register_rules())
        self.cameras = Cameras()
        self._memories = RigMemories(settings, site, self.cameras)
        self._doubted: list[AlertState] = []
        self._surroundings = surroundings or Surroundings()
        self._alerts: dict[tuple[str, str], AlertState] = {}

    def baseline_for(self, key: BaselineKey) -> Baseline:
        """Return the baseline for frames with this key; size 0 when nothing is known yet."""
        return fitting_baseline(key, self.all_baselines())

    def all_baselines(self) -> tuple[Baseline, ...]:
        """Return every baseline there is, the one used last at the end."""
        return self._memories.baselines()

    def judge(self, examined: Examined) -> tuple[Verdict, tuple[Alert, ...]]:
        """Decide on one frame, and learn from it.

        Parameters:
            examined: what the worker found out about it.

        Returns:
            the verdict, and the warnings that this frame opened, changed or closed.
        """
        memory = self._memories.of(baseline_key(examined.meta, examined.sensor_shape))
        restart = memory.arrive(examined)
        case, findings, ruling = self._rule(memory.history, examined)
        step = _step(case, ruling, memory.history.reference.number)
        memory.course.note(step)
        if ruling.fits_baseline:
            memory.trends.note(examined, step.moment_s)
        rise = memory.note_width(examined, ruling.fault, step.moment_s)
        reported = self._surroundings.during(step.moment_s, step.exposure_s)
        cause = cause_of(case, findings, memory.course, reported)
        remarks = (*memory.reasons(rise), *_restarted(restart.sentence, case.baseline.size))
        verdict = self._verdict(case, findings, ruling, cause, remarks)
        memory.history.note(examined)
        memory.history.note_streaks(examined)
        alerts = self._warn(case, ruling, cause, memory, rise)
        memory.note_pointing(examined)
        return verdict, alerts

    def judge_again(self, examined: Examined) -> Verdict:
        """Decide on a frame that was judged before, with the present baseline; nothing is learnt from it, no alert
        changes.

        Parameters:
            examined: compared with the present baseline.
        """
        history = self._memories.of(baseline_key(examined.meta, examined.sensor_shape)).history
        case, findings, ruling = self._rule(history, examined)
        alone = Course()
        alone.note(_step(case, ruling, history.reference.number))
        return self._verdict(case, findings, ruling, cause_of(case, findings, alone), ())

    def _rule(self, history: History, examined: Examined) -> tuple[Case, list[Finding], Ruling]:
        """Run every rule on a frame with its baseline, and combine."""
        case = Case(
            examined=examined,
            # Numbers in another unit cannot be compared with those of earlier frames.
            baseline=Baseline(key=history.key) if has_other_unit(examined) else self._memories.baseline_of(history),
            settings=self._settings,
            site=self._site,
            floor_fwhm_px=history.floor_fwhm_px,
            reference_airmass=history.reference.airmass,
            same_side=history.reference.same_side(examined.meta.pier_side),
        )
        findings = self._rules.findings(case)
        return case, findings, combine(case, findings)

    def _verdict(
        self, case: Case, findings: Sequence[Finding], ruling: Ruling, cause: Cause, remarks: tuple[Reason, ...]
    ) -> Verdict:
        """Return the verdict on a frame from its ruling, cause and remarks, with its stacking weight."""
        weight = stacking_weight(case)
        factor = min((finding.weight_factor for finding in findings), default=1.0)
        if factor < 1.0:
            weight = round(max(weight * factor, LEAST_WEIGHT), 4)
        return Verdict(
            frame_id=case.examined.frame_id,
            label=ruling.label,
            cause=cause.name,
            flags=ruling.flags,
            decision=ruling.decision,
            weight=weight if ruling.decision == "keep" else 0.0,
            weight_if_kept=weight,
            weight_factor=factor,
            reasons=(*ruling.reasons, *cause.reasons, *remarks),
            baseline_size=case.baseline.size,
            rules_version=f"{RULES_VERSION}{self._rules.suffix}",
        )

    def forget(self, frame_id: str) -> None:
        """Remove a frame from the baselines: a person has rejected it.

        Parameters:
            frame_id: of the frame; unknown ones are ignored.
        """
        for key, memory in self._memories.by_key.items():
            if memory.history.forget(frame_id):
                self._memories.touched.add(key)

    def retract(self, frame_id: str) -> None:
        """Remove a frame from alerts and baseline, because its file was not complete; its successor is judged next.

        Parameters:
            frame_id: of the frame; unknown ones are ignored.
        """
        self.forget(frame_id)
        self.cameras.forget(frame_id)
        for key, memory in self._memories.by_key.items():
            if any(step.frame_id == frame_id for step in memory.course.steps):
                memory.course.forget(frame_id)
                memory.history.forget_streaks(frame_id)
                self._memories.touched.add(key)
        self._doubted += [alert_state for alert_state in self._alerts.values() if alert_state.retract(frame_id)]

    def reconsider(self) -> tuple[Alert, ...]:
        """Return changes of warnings that were based on removed frames, now that their successors are judged."""
        doubted, self._doubted = self._doubted, []
        changes = (alert_state.reconsider(self._settings) for alert_state in doubted)
        return tuple(alert for alert in changes if alert is not None)

    def note_failure(self, failed: Failed) -> tuple[Alert, ...]:
        """Take note of a file that could not be graded; failures that repeat are worth a warning.

        Parameters:
            failed: the file and what went wrong.
        """
        if failed.kind in FOREIGN_FAILURES:
            return ()
        name = failed.frame_id or failed.arrival.path.name.encode("utf-8", "replace").decode("utf-8")
        moment_s = _seconds(failed.arrival.settled_utc)
        alert = self._alert_state("failures", "").note("bad", name, NO_CAUSE, moment_s, self._settings)
        return (alert,) if alert else ()

    def note_recovery(self, outcome: Skipped) -> tuple[Alert, ...]:
        """Record that a file could be read which could not be read before.

        Parameters:
            outcome: a file that is no light frame; those that are say it when they are judged.
        """
        moment_s = _seconds(outcome.arrival.settled_utc)
        alert = self._alert_state("failures", "").note("good", outcome.frame_id, NO_CAUSE, moment_s, self._settings)
        return (alert,) if alert else ()

    def open_alerts(self) -> frozenset[str]:
        """Return the identities of the alerts that are open."""
        return frozenset(alert_state.alert_id for alert_state in self._alerts.values() if alert_state.alert_id)

    def state(self) -> dict[str, Any]:
        """Return all that is remembered, as plain JSON values: :meth:`outline` with the histories themselves."""
        return {**self.outline(), "histories": [memory.state() for memory in self._memories.by_key.values()]}

    def outline(self) -> dict[str, Any]:
        """Return the alerts, and the names of the histories, the one used last at the end.

        It goes into the night log with each frame, together with the few histories that the frame has changed:
        all of them together can be megabytes.
        """
        return {
            "version": STATE_VERSION,
            "meaning": MEANING_VERSION,
            "histories": [history_name(key) for key in self._memories.by_key],
            "cameras": self.cameras.state(),
            "warnings": [alert_state.state() for alert_state in self._alerts.values()],
        }

    def changed_histories(self) -> dict[str, dict[str, Any]]:
        """Return the histories, by name, that have changed since the last call."""
        return {history_name(memory.history.key): memory.state() for memory in self._memories.take_touched()}

    @classmethod
    def restore(
        cls, settings: JudgeSettings, site: SiteSettings, state: dict[str, Any], rules: RuleBook | None = None,
        surroundings: Surroundings | None = None,
    ) -> Judge:  # fmt: skip
        """Make a judge that goes on where another stopped. A state that cannot be read is dropped, and logged.

        Parameters:
            settings: limits and the numbers behind warnings. site: what is assumed until there is a baseline. state:
            what :meth:`state` returned; or an outline, in which each name is replaced by the history kept under it;
                empty for a fresh start.
            rules: to run on each frame; ``None``: those of astro-monitor.
            surroundings: what other programs report; ``None``: none does.
        """
        judge = cls(settings, site, rules, surroundings)
        if not state:
            return judge
        try:
            if state["version"] not in KNOWN_VERSIONS:
                raise ValueError(f"version {state['version']!r}")
            same = state["version"] == STATE_VERSION and state.get("meaning", FIRST_MEANING) == MEANING_VERSION
            memories = [RigMemory.restore(stored) for stored in state["histories"]] if same else []
            cameras = Cameras.restore(state.get("cameras", []) if same else [])
            alert_states = [AlertState.restore(stored) for stored in state["warnings"]]
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("the stored baselines cannot be used (%s); they are built again", error)
            return judge
        if not same and state["histories"]:
            logger.warning(
                "frames are measured or compared differently since this log was written; the baseline of each rig is "
                "learned again from its next frames"
            )
        judge.cameras = cameras
        judge._memories.restore(memories, cameras)
        judge._alerts = {(alert_state.rig, alert_state.kind): alert_state for alert_state in alert_states}
        return judge

    def _warn(
        self, case: Case, ruling: Ruling, cause: Cause, memory: RigMemory, rise: Rise | None
    ) -> tuple[Alert, ...]:
        """Note the ruling on a frame in the warnings of its rig; return the alerts that open, change or close."""
        examined, rig = case.examined, memory.history.key.rig
        moment_s = _seconds(examined.meta.date_obs_utc or examined.arrival.settled_utc)
        warned_of = {kind for kind in FAULT_KINDS if self._alert_state(kind, rig).alert_id}
        named: dict[AlertKind, tuple[Sign, Cause]] = {}
        for kind in FAULT_KINDS:
            likely = cause if cause.name in CAUSES_OF_FAULT[kind] else NO_CAUSE
            named[kind] = (sign_of_fault(kind, ruling, likely.name, warned_of, widened=memory.widened), likely)
        for kind in FLAG_KINDS:
            elsewhere = memory.is_sent_elsewhere(examined)
            named[kind] = (sign_of_flag(kind, case, ruling, sent_elsewhere=elsewhere), NO_CAUSE)
        noted = [
            self._alert_state(kind, rig).note(
                sign, examined.frame_id, likely, moment_s, self._settings, name=shown_name(examined),
                notice=None if rise is None or kind != "seeing" else rise.notice(),
            )
            for kind, (sign, likely) in named.items()
        ]  # fmt: skip
        read = self._alert_state("failures", "").note(
            "good", examined.frame_id, NO_CAUSE, _seconds(examined.arrival.settled_utc), self._settings
        )
        return tuple(alert for alert in (*noted, read) if alert is not None)

    def _alert_state(self, kind: AlertKind, rig: str) -> AlertState:
        """Return the state of one kind of warning of a rig; create it when there is none."""
        return self._alerts.setdefault((rig, kind), AlertState(kind=kind, rig=rig))


def history_name(key: BaselineKey) -> str:
    """Return the name under which the judge stores a history: its baseline key as JSON."""
    return json.dumps(asdict(key), ensure_ascii=False)


def _restarted(sentence: str, size: int) -> tuple[Reason, ...]:
    """Return the reason that the baseline of a frame has begun again; empty when it has not."""
    if not sentence:
        return ()
    return (
        Reason(
            rule="based_anew", decision="keep", metric="", value=float(size), limit=None, unit="1", sentence=sentence
        ),
    )


def _step(case: Case, ruling: Ruling, references: int) -> Step:
    """What the course keeps of a frame."""
    examined, spreads = case.examined, case.baseline.spreads
    baseline_px2 = [spreads[key].median if key in spreads and case.has_baseline else 0.0 for key in TRAIL]
    return Step(
        frame_id=examined.frame_id,
        moment_s=_seconds(examined.meta.date_obs_utc or examined.arrival.settled_utc),
        exposure_s=examined.meta.exposure_s or 0.0,
        field=references,
        x_px=case.value("offset_x_px"),
        y_px=case.value("offset_y_px"),
        turn_deg=case.value("field_turn_deg"),
        plus_px2=(case.value(TRAIL[0]) or 0.0) - baseline_px2[0],
        cross_px2=(case.value(TRAIL[1]) or 0.0) - baseline_px2[1],
        trouble=ruling.fault,
        causes=_opinions(examined.grade, ruling.fault),
        hints=path_hints(case) if ruling.fault == "tracking" else {},
    )


def _opinions(grade: Grade, fault: str) -> dict[str, float]:
    """The model's probabilities of the causes of a fault; the cause it names where it has no others.

    A model from before the cause ``moon`` was named calls a moonlit sky twilight.
    """
    by_cause = grade.cause_probabilities or {grade.cause: grade.cause_probability}
    by_cause = {"moon": by_cause.get("twilight", 0.0), **by_cause}
    return {name: round(by_cause[name], 4) for name in CAUSES_OF_FAULT.get(fault, ()) if name in by_cause}


def _seconds(moment: datetime) -> float:
    """Return the time of a judged frame as seconds since the epoch; a time without a zone is taken as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
