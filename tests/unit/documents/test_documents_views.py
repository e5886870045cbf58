"""Views of bodies: generated from the schemas, tolerant of other versions, and as true as the bodies themselves."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path

import pytest

from astro_monitor.documents import (
    BODIES,
    VIEWS,
    BadDocument,
    FrameJudgedView,
    OtherView,
    body_json,
    decode,
    generate,
    topic,
    view,
)

FOLDER = Path(generate.__file__).with_name("views")
GOLDENS = sorted((Path(__file__).parents[2] / "contract" / "goldens").glob("*/*.json"))


def plain(value):
    """Turn a view back into JSON values."""
    if is_dataclass(value):
        return {field.name.rstrip("_"): plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return value


@pytest.mark.parametrize("name", generate.modules())
def test_the_views_are_those_of_the_schemas(name):
    assert (FOLDER / name).read_text("utf-8") == generate.modules()[name], (
        f"documents/views/{name} is not up to date; run: {generate.COMMAND}"
    )


def test_there_is_a_view_for_each_kind():
    assert VIEWS.keys() == BODIES.keys()


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_view_of_any_released_version_says_what_the_writer_of_now_would_say(path):
    document = decode(path.read_bytes())
    assert plain(view(document)) == body_json(BODIES[document.kind].model_validate(document.body))


def judged(**changes):
    document = decode(next(path for path in GOLDENS if path.stem == "frame.judged").read_bytes())
    return document.model_copy(update={"body": document.body | changes})


def test_a_view_is_frozen_and_passes_over_fields_of_a_later_version():
    seen = view(judged(**{"a field of the future": 1}))
    assert isinstance(seen, FrameJudgedView)
    assert (seen.class_, seen.meta.target, seen.reasons[0].decision) == ("bad_tracking", "M 31", "reject")
    with pytest.raises(FrozenInstanceError):
        seen.decision = "keep"


def test_a_kind_of_a_later_version_has_a_view_without_fields():
    later = judged().model_copy(update={"kind": "frame.dreamt"})
    assert view(later) == OtherView("frame.dreamt", later.body)


@pytest.mark.parametrize("broken", [{"meta": None}, {"reasons": 3}])
def test_a_body_that_does_not_fit_its_kind_is_refused_in_one_sentence(broken):
    with pytest.raises(BadDocument, match=r"does not fit its kind frame\.judged"):
        view(judged(**broken))


def test_a_body_without_a_field_of_the_first_version_is_refused():
    document = judged()
    body = {key: value for key, value in document.body.items() if key != "decision"}
    with pytest.raises(BadDocument, match="decision"):
        view(document.model_copy(update={"body": body}))


def test_an_alert_without_a_kind_has_a_topic():
    assert topic("alert.opened", {}) == "am1/alert//"
