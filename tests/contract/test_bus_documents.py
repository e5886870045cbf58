"""The wire format keeps its word: golden documents parse for ever, schemas and the page are those of the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from astro_monitor.documents import (
    BODIES,
    PROTOCOL,
    SCHEMA,
    TOPIC_ROOT,
    BadDocument,
    body_json,
    decode,
    encode,
    heartbeat,
    topic,
)
from astro_monitor.publish import schemas
from astro_monitor.publish.control import ControlReply, ControlRequest

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDENS = Path(__file__).parent / "goldens" / "v1.3"
RELEASED = [Path(__file__).parent / "goldens" / version for version in ("v1", "v1.1", "v1.2")]
REFERENCE = REPOSITORY / "docs" / "reference"
COMMAND = "python -m astro_monitor.publish.schemas docs/reference/schemas"


def golden(kind: str) -> bytes:
    return (GOLDENS / f"{kind}.json").read_bytes()


def test_every_kind_has_its_golden_document():
    assert {path.stem for path in GOLDENS.glob("*.json")} == set(BODIES)


@pytest.mark.parametrize("kind", BODIES)
def test_a_golden_document_parses_and_is_written_as_it_was(kind):
    document = decode(golden(kind))
    assert document.kind == kind
    assert body_json(BODIES[kind].model_validate(document.body)) == document.body
    assert json.loads(encode(document)) == json.loads(golden(kind))


def holds(now: dict, before: dict) -> bool:
    """Whether every field of an earlier version is there unchanged; fields may have been added at any depth."""
    return all(
        holds(now[key], value) if isinstance(value, dict) and key in now else now.get(key) == value
        for key, value in before.items()
    )


@pytest.mark.parametrize("path", [path for folder in RELEASED for path in sorted(folder.glob("*.json"))], ids=str)
def test_documents_of_each_released_version_parse(path):
    document = decode(path.read_bytes())
    read = body_json(BODIES[document.kind].model_validate(document.body))
    assert holds(read, document.body)


@pytest.mark.parametrize("path", [path for folder in RELEASED for path in sorted(folder.glob("*.json"))], ids=str)
def test_a_reader_of_each_released_version_finds_all_it_knows(path):
    """No kind and no field was taken away, and none changed its type."""
    before, now = json.loads(path.read_bytes()), json.loads(golden(path.stem))
    assert before["schema"] == now["schema"]
    for level_before, level_now in ((before, now), (before["body"], now["body"])):
        assert level_before.keys() <= level_now.keys()
        assert {key: type(value) for key, value in level_before.items()} == {
            key: type(level_now[key]) for key in level_before
        }


def test_a_session_of_the_first_version_says_so():
    document = decode((RELEASED[0] / "session.started.json").read_bytes())
    assert BODIES[document.kind].model_validate(document.body).model_dump()["protocol"] == "1.0"
    assert json.loads(golden("session.started"))["body"]["protocol"] == PROTOCOL


def test_heartbeats_are_read_whatever_a_later_version_adds_and_those_of_the_first_reader_stay_as_they_are():
    """The client of version 1.0 refuses a heartbeat with a field it does not know; so none is added."""
    body = json.loads(golden("session.heartbeat"))["body"]
    assert heartbeat({**body, "a field of the future": 1}) == heartbeat(body)
    assert BODIES["session.heartbeat"].model_fields.keys() == json.loads(
        (RELEASED[0] / "session.heartbeat.json").read_bytes()
    )["body"].keys()  # fmt: skip


@pytest.mark.parametrize("kind", BODIES)
def test_a_reader_ignores_what_it_does_not_know(kind):
    plain = json.loads(golden(kind))
    plain["a field of the future"] = {"x": 1}
    plain["body"]["another"] = [1]
    assert decode(json.dumps(plain).encode()).body["another"] == [1]


def test_an_alert_from_before_repeats_were_recorded_is_no_repeat():
    plain = json.loads(golden("alert.opened"))
    del plain["body"]["repeat"]
    body = BODIES["alert.opened"].model_validate(decode(json.dumps(plain).encode()).body)
    assert body.model_dump()["repeat"] is False


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff", b"{}", golden("frame.failed").replace(SCHEMA.encode(), b"astro-monitor/2")]
)
def test_a_reader_refuses_what_is_no_document_of_this_version(data):
    with pytest.raises(BadDocument):
        decode(data)


def test_numbers_that_are_not_finite_never_leave():
    document = decode(golden("list.written"))
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(document.model_copy(update={"body": {"kept": float("nan")}}))


def test_the_schemas_are_those_of_the_code():
    stored = {path.name: path.read_text("utf-8") for path in (REFERENCE / "schemas").glob("*.json")}
    assert stored == schemas.schemas(), f"the schemas are not up to date; run: {COMMAND}"


def test_the_command_writes_the_schemas_and_removes_old_ones(tmp_path):
    (tmp_path / "frame.forgotten.json").write_text("{}")
    subprocess.run([sys.executable, "-m", *COMMAND.split()[2:-1], str(tmp_path)], check=True, cwd=REPOSITORY)
    assert {path.name for path in tmp_path.iterdir()} == set(schemas.schemas())


@pytest.mark.parametrize("kind", BODIES)
def test_a_golden_document_has_the_fields_its_schema_asks_for(kind):
    """Not a whole validator: required fields, constants and types of the two upper levels."""
    schema, plain = json.loads(schemas.schemas()[f"{kind}.json"]), json.loads(golden(kind))
    types = {"string": str, "integer": int, "object": dict, "array": list, "number": (int, float), "boolean": bool}
    for level, values in ((schema, plain), (schema["properties"]["body"], plain["body"])):
        assert set(level["required"]) <= set(values)
        for name, rule in level["properties"].items():
            if "const" in rule:
                assert values[name] == rule["const"]
            if rule.get("type") in types and name in values:
                assert isinstance(values[name], types[rule["type"]]), name


def test_the_page_contains_version_topics_kinds_and_requests():
    page = (REFERENCE / "protocol.md").read_text("utf-8")
    assert f"`{SCHEMA}`" in page
    assert f"`{PROTOCOL}`" in page
    assert f"`{TOPIC_ROOT}`" in page
    for kind in BODIES:
        assert f"`{kind}`" in page, kind
        prefix = topic(kind, json.loads(golden(kind))["body"])
        shown = f"{TOPIC_ROOT}alert/" if kind.startswith("alert.") else prefix
        assert f"`{shown}" in page, prefix
    for word in ControlRequest.model_json_schema()["properties"]["request"]["enum"]:
        assert f"`{word}`" in page, word
    for field in ControlReply.model_json_schema()["properties"]:
        assert f"`{field}`" in page, field


def test_the_examples_on_the_page_are_valid():
    page = (REFERENCE / "protocol.md").read_text("utf-8")
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    assert len(shown) >= 4
    for plain in shown:
        if "request" in plain:
            ControlRequest.model_validate(plain)
        elif "reply" in plain:
            ControlReply.model_validate(plain)
        else:
            document = decode(json.dumps(plain).encode())
            BODIES[document.kind].model_validate(document.body)
