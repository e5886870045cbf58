"""Looks and previews are fetched in chunks, from anywhere, and no question about them harms the daemon."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import zmq

from astro_monitor.clock import SystemClock
from astro_monitor.errors import NotKept, PublishError
from astro_monitor.framestore import FrameStore
from astro_monitor.nightlog import NightLog
from astro_monitor.publish import FrameClient, Publisher, Subscription, client_keys, make_keys
from astro_monitor.publish.chunks import CHUNK_BYTES, MOST_ON_THE_WAY, MOST_ON_THE_WAY_TO_ONE
from astro_monitor.settings import KeepSettings

FRAME, OTHER = "77ab0c1d9e8f6a54", "0123456789abcdef"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 400 + b"\xff\xd9"
LOOK = bytes((7 * n) % 251 for n in range(700_001))
PATIENCE_MS = 20_000

Ask = Callable[..., tuple[dict[str, Any], list[bytes]]]


@pytest.fixture
def store(tmp_path) -> FrameStore:
    made = FrameStore(tmp_path, KeepSettings())
    assert made.keep_look(FRAME, LOOK)
    assert made.keep_preview(FRAME, JPEG)
    return made


@pytest.fixture
def daemon(log: NightLog, settings, store: FrameStore) -> Iterator[Publisher]:
    publisher = Publisher(settings(), log, SystemClock())
    publisher.offer(store)
    with publisher:
        yield publisher


@pytest.fixture
def ask(daemon: Publisher) -> Iterator[Ask]:
    """A client in no language in particular: JSON on a raw socket."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as control:
        control.linger = 0
        control.connect(daemon.addresses[1])

        def one(**question: Any) -> tuple[dict[str, Any], list[bytes]]:
            control.send(json.dumps(question).encode())
            assert control.poll(PATIENCE_MS), "no answer"
            head, *data = control.recv_multipart()
            return json.loads(head), data

        yield one


def test_a_preview_comes_in_one_answer(ask: Ask) -> None:
    reply, data = ask(request="preview", id="8", frame_id=FRAME)
    assert data == [JPEG]
    assert {key: reply[key] for key in ("reply", "id", "frame_id", "offset", "size_bytes", "more")} == {
        "reply": "preview", "id": "8", "frame_id": FRAME, "offset": 0, "size_bytes": len(JPEG), "more": False,
    }  # fmt: skip
    assert reply["sha256"] == hashlib.sha256(JPEG).hexdigest()


def test_a_look_comes_in_chunks_whose_size_is_bounded(ask: Ask) -> None:
    received, more = b"", True
    while more:
        reply, (data,) = ask(request="look", frame_id=FRAME, offset=len(received))
        assert 0 < len(data) <= CHUNK_BYTES
        received, more = received + data, reply["more"]
    assert received == LOOK


def test_a_req_socket_gets_its_empty_frame_back(daemon: Publisher) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as control:
        control.linger = 0
        control.connect(daemon.addresses[1])
        control.send(json.dumps({"request": "preview", "frame_id": FRAME}).encode())
        assert control.poll(PATIENCE_MS)
        head, data = control.recv_multipart()
    assert (json.loads(head)["reply"], data) == ("preview", JPEG)


@pytest.mark.parametrize(
    "frame_id",
    ["", OTHER, "../../../etc/passwd", "..", "/etc/passwd", FRAME.upper(), f"{FRAME}\0", f"{FRAME}/..", "\ud800",
     "x" * 64, "<script>alert(1)</script>"],
)  # fmt: skip
@pytest.mark.parametrize("request_", ["look", "preview"])
def test_hostile_ids_get_a_sentence_and_nothing_else(ask: Ask, request_: str, frame_id: str) -> None:
    reply, data = ask(request=request_, frame_id=frame_id)
    assert (reply["reply"], data) == ("error", [])
    assert reply["error"] in ("not_kept", "bad_request")
    assert reply["sentence"]
    assert "script" not in json.dumps(reply)
    assert ask(request="preview", frame_id=FRAME)[1] == [JPEG]


@pytest.mark.parametrize(
    "wrong",
    [{"offset": -1}, {"offset": 2**63}, {"offset": 1.5}, {"offset": "0"}, {"offset": len(JPEG)}, {"offset": 2**62},
     {"frame_id": 7}, {"frame_id": None}, {"frame_id": "a" * 65}, {"frame_id": [FRAME]}],
)  # fmt: skip
def test_impossible_questions_are_refused(ask: Ask, wrong: dict[str, Any]) -> None:
    reply, data = ask(**({"request": "preview", "frame_id": FRAME} | wrong))
    assert (reply["error"], data) == ("bad_request", [])
    assert ask(request="preview", frame_id=FRAME)[1] == [JPEG]


def test_a_damaged_look_is_reported_as_missing_with_the_reason(ask: Ask, tmp_path) -> None:
    (path,) = (tmp_path / "looks").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    reply, _ = ask(request="look", frame_id=FRAME)
    assert reply["error"] == "not_kept"
    assert "damaged" in reply["sentence"]


def test_a_daemon_that_keeps_nothing_refuses(bus) -> None:
    reply = bus.ask({"request": "look", "frame_id": FRAME})
    assert (reply["reply"], reply["error"]) == ("error", "refused")


def test_a_client_that_never_reads_costs_little_and_shuts_no_client_out(daemon: Publisher) -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.DEALER) as hung,
        FrameClient(daemon.addresses[1]) as client,
    ):
        hung.linger = 0
        hung.setsockopt(zmq.RCVHWM, 1)
        hung.setsockopt(zmq.RCVBUF, 4096)
        hung.connect(daemon.addresses[1])
        for _ in range(300):
            hung.send(json.dumps({"request": "look", "frame_id": FRAME}).encode())
        for _ in range(20):
            assert client.preview(FRAME) == JPEG
        waiting = sum(len(trackers) for trackers in daemon._on_the_way._by_client.values())
        assert waiting <= 2 * MOST_ON_THE_WAY_TO_ONE


def test_a_client_that_asks_too_fast_is_told_to_wait(daemon: Publisher) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as hasty:
        hasty.linger = 0
        hasty.setsockopt(zmq.RCVHWM, 1)
        hasty.setsockopt(zmq.RCVBUF, 4096)
        hasty.connect(daemon.addresses[1])
        for _ in range(200):
            hasty.send(json.dumps({"request": "look", "frame_id": FRAME}).encode())
        words = set()
        while hasty.poll(500):
            words.add(json.loads(hasty.recv_multipart()[0]).get("error", ""))
    assert words <= {"", "busy"}
    assert "" in words


def test_all_clients_together_have_a_limit(daemon: Publisher, ask: Ask) -> None:
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        for _ in range(MOST_ON_THE_WAY):
            hung = stack.enter_context(context.socket(zmq.DEALER))
            hung.linger = 0
            hung.setsockopt(zmq.RCVHWM, 1)
            hung.setsockopt(zmq.RCVBUF, 4096)
            hung.connect(daemon.addresses[1])
            for _ in range(8):
                hung.send(json.dumps({"request": "look", "frame_id": FRAME}).encode())
        assert ask(request="ping")[0]["reply"] == "ping"
        for _ in range(50):
            waiting = sum(len(trackers) for trackers in daemon._on_the_way._by_client.values())
            assert waiting <= MOST_ON_THE_WAY
            assert ask(request="look", frame_id=FRAME)[0].get("error", "") in ("", "busy")


def test_the_client_fetches_whole_files(daemon: Publisher) -> None:
    with FrameClient(daemon.addresses[1]) as client:
        assert client.look(FRAME) == LOOK
        assert client.preview(FRAME) == JPEG
        with pytest.raises(NotKept, match="no preview of frame"):
            client.preview(OTHER)
    subscription = Subscription(*daemon.addresses)
    assert (subscription.look(FRAME), subscription.preview(FRAME)) == (LOOK, JPEG)


def test_the_client_says_when_no_daemon_answers() -> None:
    with FrameClient("tcp://127.0.0.1:9", patience_s=0.0) as client, pytest.raises(PublishError, match="no daemon"):
        client.look(FRAME)


@dataclass
class ReplacedOnTheWay:
    """A look that is replaced by another one after its first chunk was sent."""

    looks: list[bytes]
    asked: list[str] = field(default_factory=list)

    def look(self, frame_id: str) -> bytes:
        self.asked.append(frame_id)
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def preview(self, frame_id: str) -> bytes:
        raise NotKept("there is none", "absent")


@pytest.mark.parametrize("second", [LOOK[::-1], LOOK[:1000]])
def test_a_file_that_is_replaced_meanwhile_arrives_whole(log: NightLog, settings, second: bytes) -> None:
    publisher = Publisher(settings(), log, SystemClock())
    files = ReplacedOnTheWay([LOOK, second])
    publisher.offer(files)
    with publisher, FrameClient(publisher.addresses[1]) as client:
        control = publisher._chunks
        assert control is not None
        whole = control._content

        def forgetful(kind: Any, frame_id: str, *, fresh: bool) -> tuple[bytes, str]:
            control._held.clear()
            return whole(kind, frame_id, fresh=fresh)

        control._content = forgetful
        assert client.look(FRAME) == second


def test_only_known_clients_fetch_over_the_network(log: NightLog, settings, store: FrameStore, tmp_path) -> None:
    keys = tmp_path / "keys"
    make_keys(keys, ["page"])
    publisher = Publisher(settings(keys_folder=keys), log, SystemClock())
    publisher.offer(store)
    with publisher:
        with FrameClient(publisher.addresses[1], client_keys(keys, "page")) as client:
            assert client.preview(FRAME) == JPEG
        with FrameClient(publisher.addresses[1], patience_s=0.0) as stranger, pytest.raises(PublishError):
            stranger.preview(FRAME)
