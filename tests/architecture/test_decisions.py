"""Decision records have one form, unique numbers and an index."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

GOOD = """# 7. A title

- Date: 2026-11-28
- Status: accepted

## Context

Text.

## Decision

Text.

## Consequences

Text.
"""


@pytest.fixture(scope="module")
def decisions(repository) -> ModuleType:
    spec = importlib.util.spec_from_file_location("decisions", repository / "docs" / "hooks" / "decisions.py")
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "decisions", module)
        spec.loader.exec_module(module)
        yield module


def test_the_index_of_the_decisions_is_up_to_date(decisions) -> None:
    path = decisions.FOLDER / decisions.INDEX
    assert path.read_text("utf-8") == decisions.index(), "run: python docs/hooks/decisions.py"


def test_a_record_is_read(decisions) -> None:
    record = decisions.record("0007-a-title.md", GOOD)
    assert (record.number, record.title, record.day.isoformat(), record.status) == (
        7, "A title", "2026-11-28", "accepted",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("7-a-title.md", "", "", "name must be NNNN-title.md"),
        ("0008-a-title.md", "", "", "has the number 7"),
        ("0007-a-title.md", "- Date: 2026-11-28\n", "", "must begin with"),
        ("0007-a-title.md", "accepted", "fine", "status must be"),
        ("0007-a-title.md", "## Consequences\n\nText.\n", "", "its sections are Context, Decision;"),
        ("0007-a-title.md", "## Context\n\n", "## Background\n\n", "must begin with"),
    ],
)  # fmt: skip
def test_a_record_of_another_form_is_refused(decisions, name, old, new, sentence) -> None:
    with pytest.raises(decisions.BadRecord, match=sentence):
        decisions.record(name, GOOD.replace(old, new))


def test_two_records_with_one_number_are_refused(decisions, tmp_path) -> None:
    (tmp_path / "0007-a-title.md").write_text(GOOD)
    (tmp_path / "0007-another-title.md").write_text(GOOD)
    with pytest.raises(decisions.BadRecord, match="same number"):
        decisions.index(tmp_path)
