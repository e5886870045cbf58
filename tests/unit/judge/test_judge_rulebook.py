"""Rules of plugins object to a frame; they silence nothing, and their errors cost their own answer alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from astro_monitor.judge import RULES_VERSION, Finding, Judge, RuleBook, RuleRow
from astro_monitor.plugins import MAX_FAILURES, Plugins
from astro_monitor.settings import JudgeSettings, SiteSettings
from astro_monitor.testing.plugins import made_plugin, with_plugin

from .conftest import build

OBJECTION = Finding(
    rule="dim", strength="review", metric="star_count", value=1.0, limit=2.0, unit="1", sentence="It is dim."
)


def judge_with(*checks) -> tuple[Judge, Plugins]:
    rows = [RuleRow(f"rule{number}" if number else "dim", check) for number, check in enumerate(checks)]
    plugins = with_plugin(made_plugin(register_rules=lambda: rows), "sample")
    return Judge(JudgeSettings(), SiteSettings(), RuleBook.of(plugins)), plugins


def plain() -> Judge:
    return Judge(JudgeSettings(), SiteSettings())


@pytest.mark.parametrize(("strength", "decision"), [("limit", "reject"), ("review", "review"), ("note", "keep")])
def test_hook_register_rules_objects_to_a_frame(strength, decision) -> None:
    judge, _ = judge_with(lambda case: replace(OBJECTION, strength=strength))
    verdict, _ = judge.judge(build(1))
    own, _ = plain().judge(build(1))
    assert own.decision == "keep"
    assert verdict.decision == decision
    assert {reason.sentence for reason in own.reasons} <= {reason.sentence for reason in verdict.reasons}
    assert "It is dim." in [reason.sentence for reason in verdict.reasons]
    assert verdict.rules_version == f"{RULES_VERSION}+sample-unknown"


def test_a_rule_lowers_the_stacking_weight() -> None:
    judge, _ = judge_with(lambda case: replace(OBJECTION, strength="note", weight_factor=0.5))
    own, _ = plain().judge(build(1))
    verdict, _ = judge.judge(build(1))
    assert verdict.weight == pytest.approx(0.5 * own.weight, abs=1e-4)


@pytest.mark.parametrize(
    "answer",
    [
        replace(OBJECTION, strength="clear"),
        replace(OBJECTION, strength="decisive"),
        replace(OBJECTION, fault="tracking"),
        replace(OBJECTION, flag="streak"),
        replace(OBJECTION, severe=True),
        replace(OBJECTION, rule="other"),
        replace(OBJECTION, weight_factor=1.5),
        replace(OBJECTION, weight_factor=0.0),
        replace(OBJECTION, value=float("nan")),
        replace(OBJECTION, sentence=None),
        "It is dim.",
    ],
)
def test_more_than_an_objection_counts_as_an_error_of_the_plugin(answer) -> None:
    judge, plugins = judge_with(lambda case: answer)
    verdict, _ = judge.judge(build(1))
    own, _ = plain().judge(build(1))
    assert verdict.decision == own.decision
    assert plugins.guards[0].failures == 1
    assert "The rule dim was not applied: the plugin sample failed" in " ".join(r.sentence for r in verdict.reasons)


@pytest.mark.parametrize("error", [MemoryError("an array of 2 TB"), SystemExit(1)])
def test_a_rule_that_wants_to_end_the_program_costs_its_own_answer_alone(error) -> None:
    def end(case):
        raise error

    judge, plugins = judge_with(end)
    verdict, _ = judge.judge(build(1))
    assert verdict.decision == "keep"
    assert plugins.guards[0].failures == 1


def test_one_failing_rule_stops_no_other_and_is_disabled_after_some_errors() -> None:
    judge, plugins = judge_with(lambda case: 1 / 0)
    decisions = {judge.judge(build(number))[0].decision for number in range(MAX_FAILURES + 2)}
    assert decisions == {"keep"}
    (ended,) = plugins.newly_disabled()
    assert (ended.name, ended.failures) == ("sample", MAX_FAILURES)


def test_without_plugins_rules_version_and_order_are_those_of_the_program() -> None:
    verdict, _ = plain().judge(build(1))
    assert verdict.rules_version == RULES_VERSION
