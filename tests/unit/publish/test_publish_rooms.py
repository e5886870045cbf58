"""Addresses, questions and imports, without a socket."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.errors import PublishError
from astro_monitor.nightlog import NightLog
from astro_monitor.publish import addresses, control


@pytest.mark.parametrize(
    ("given", "bound", "here"),
    [
        ("tcp://127.0.0.1:5556", "tcp://127.0.0.1:5556", True),
        ("tcp://127.8.0.1:1", "tcp://127.8.0.1:1", True),
        ("tcp://localhost:0", "tcp://127.0.0.1:*", True),
        ("tcp://[::1]:5556", "tcp://[::1]:5556", True),
        ("ipc:///run/am.sock", "ipc:///run/am.sock", True),
        ("tcp://0.0.0.0:1", "tcp://0.0.0.0:1", False),
        ("tcp://*:1", "tcp://*:1", False),
        ("tcp://[::]:1", "tcp://[::]:1", False),
        ("tcp://localhost.example:1", "tcp://localhost.example:1", False),
        ("tcp://lo:1", "tcp://lo:1", False),
        ("tcp://[::ffff:192.0.2.1]:1", "tcp://[::ffff:192.0.2.1]:1", False),
    ],
)
def test_only_loopback_by_number_stays_here(given, bound, here):
    assert addresses.bind_address(given) == bound
    assert addresses.stays_here(bound) is here


@pytest.mark.parametrize(
    "given", ["tcp://a:b:1", "tcp://127.0.0.1:65536", "tcp://:1", "tcp://127.0.0.1:1 ", "inproc://x"]
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(PublishError, match="is no address"):
        addresses.bind_address(given)


def test_an_error_never_repeats_what_the_client_sent():
    with NightLog.open(":memory:", "s", SystemClock()) as log:
        reply = json.loads(control.answer(log, b'{"request":"<script>"}')[0])
    assert "<script>" not in json.dumps(reply)
    assert reply["error"] == "bad_request"
    assert "Input should" not in reply["sentence"]


def test_a_reply_is_written_as_its_model_says():
    with NightLog.open(":memory:", "s", SystemClock()) as log:
        for word in ("hello", "ping", "snapshot", "replay", "nonsense"):
            data = control.answer(log, json.dumps({"request": word}).encode())[0]
            reply = control.ControlReply.model_validate_json(data)
            assert set(json.loads(data)) <= {"schema", *control.ControlReply.model_fields} - {"schema_"}
            assert reply.reply == (word if word != "nonsense" else "error")


@pytest.mark.parametrize("room", ["nightlog", "publish", "publish.client", "publish.schemas"])
def test_rooms_of_documents_need_no_arrays(room):
    """A subscriber on a small computer must not load numpy, let alone the models."""
    code = f"import sys, astro_monitor.{room}; sys.exit(bool(set(sys.modules) & {{'numpy', 'astropy', 'onnxruntime'}}))"
    subprocess.run([sys.executable, "-c", code], check=True)


def ask(log, revise=None, **question):
    return control.ControlReply.model_validate_json(control.answer(log, json.dumps(question).encode(), revise)[0])


def test_a_decision_by_hand_is_carried_out_or_refused_in_one_sentence():
    wishes = []

    def revise(wish):
        wishes.append((wish.frame_id, wish.decision, wish.by, wish.why))
        raise KeyError(wish.frame_id)

    question = {"request": "revise", "id": "7", "frame_id": "ab", "decision": "keep", "by": "ana", "why": "fine"}
    with NightLog.open(":memory:", "s", SystemClock()) as log:
        assert ask(log, **question).error == "refused"
        unknown = ask(log, revise, **question)
        assert (unknown.id, unknown.error) == ("7", "unknown_frame")
        assert "frame_id" in unknown.sentence
        assert ask(log, revise, **{**question, "decision": "delete"}).error == "bad_request"
        assert ask(log, revise, **{**question, "why": "x" * 501}).error == "bad_request"
    assert wishes == [("ab", "keep", "ana", "fine")]
