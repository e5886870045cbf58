"""What docs/reference/protocol.md promises, checked with plain sockets as any client would see it."""

from __future__ import annotations

import json
import threading
from typing import Any

import psutil
import pytest
import zmq

from astro_monitor.clock import SystemClock
from astro_monitor.documents import PROTOCOL, SessionHeartbeat, decode
from astro_monitor.errors import NightLogError, PublishError
from astro_monitor.publish import Publisher

WAIT_MS = 20_000


def receive(socket: zmq.Socket[bytes]) -> list[bytes]:
    assert socket.poll(WAIT_MS), "nothing came"
    return socket.recv_multipart()


def receive_kind(socket: zmq.Socket[bytes], kind: str) -> dict[str, Any]:
    while True:
        frames = receive(socket)
        if len(frames) == 2 and (plain := json.loads(frames[1]))["kind"] == kind:
            return plain


def subscribed(socket: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    """Wait for a heartbeat, which proves that the subscription has arrived; the welcome comes earlier."""
    receive_kind(socket, "session.heartbeat")
    return socket


def test_a_new_subscriber_is_welcomed_with_one_frame(bus, subscriber):
    assert receive(subscriber(bus.publisher.addresses[0])) == [b"am1/welcome/"]


def test_a_document_is_broadcast_as_topic_and_json(bus, subscriber):
    socket = subscribed(subscriber(bus.publisher.addresses[0]))
    document = bus.say("frame.judged")
    while (frames := receive(socket))[0] != b"am1/frame/judged/":
        pass
    assert len(frames) == 2
    assert decode(frames[1]) == document


def test_a_subscription_is_confirmed_by_a_heartbeat_at_once(log, settings, subscriber):
    with Publisher(settings(heartbeat_s=60), log, SystemClock()) as publisher:
        first = subscribed(subscriber(publisher.addresses[0]))
        subscribed(subscriber(publisher.addresses[0]))
        receive_kind(first, "session.heartbeat")


def test_a_narrow_subscription_gets_that_alone(bus, subscriber):
    narrow = subscriber(bus.publisher.addresses[0], b"am1/alert/")
    while not narrow.poll(20):  # its subscription may arrive later than the first broadcasts
        bus.say("frame.judged")
        bus.say("alert.opened")
    assert receive(narrow)[0] == b"am1/alert/tracking/"


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("session.started", b"am1/session/started/"),
        ("alert.opened", b"am1/alert/tracking/"),
        ("alert.closed", b"am1/alert/tracking/"),
        ("frame.skipped", b"am1/frame/skipped/"),
        ("frame.failed", b"am1/frame/failed/"),
    ],
)
def test_topics_end_with_a_slash_and_alerts_name_their_kind(bus, subscriber, kind, topic):
    socket = subscribed(subscriber(bus.publisher.addresses[0]))
    bus.say(kind)
    while (frames := receive(socket))[0] != topic:
        pass
    assert json.loads(frames[1])["kind"] == kind


def test_the_heartbeat_has_the_last_number_and_is_no_document_of_the_log(bus, subscriber):
    socket = subscriber(bus.publisher.addresses[0])
    first = receive_kind(socket, "session.heartbeat")
    assert (first["seq"], first["body"]["last_seq"], first["session_id"]) == (0, 0, "session-1")
    bus.log_only("list.written")
    while receive_kind(socket, "session.heartbeat")["body"]["last_seq"] != 1:
        pass
    assert bus.log.last_seq() == 1


def test_the_heartbeat_carries_live_figures_and_outlives_a_failure_to_gather_them(log, settings, subscriber):
    publisher = Publisher(settings(), log, SystemClock())
    figures = SessionHeartbeat(
        last_seq=99, queue_depth=3, oldest_waiting_s=1.5, frames_judged=7, frames_failed=1, free_disk_bytes=5,
        watcher="events",
    )  # fmt: skip
    publisher.figures = lambda: figures
    with publisher:
        socket = subscriber(publisher.addresses[0])
        body = receive_kind(socket, "session.heartbeat")["body"]
        assert body == figures.model_dump() | {"last_seq": 0}
        publisher.figures = lambda: 1 / 0
        while (body := receive_kind(socket, "session.heartbeat")["body"])["queue_depth"] != 0:
            pass
        assert "cannot tell how it is" in body["trouble"], "zeros that nobody takes for an empty disk"


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
def test_hello_and_ping_say_who_is_there(bus, kind):
    bus.log_only("session.started")
    for word in ("hello", "ping"):
        reply = bus.ask({"request": word, "id": "7", "a field of the future": 1}, kind)
        if kind == zmq.DEALER:
            assert (reply["schema"], reply["protocol"]) == ("astro-monitor/1", PROTOCOL)
        assert (reply["reply"], reply["id"], reply["last_seq"]) == (word, "7", 1)
        assert (reply["log_id"], reply["session_id"]) == (bus.log.log_id, "session-1")


def test_the_snapshot_holds_session_alerts_and_last_frames(bus):
    for kind in ("session.started", "frame.judged", "alert.opened", "list.written", "alert.updated"):
        bus.log_only(kind)
    reply = bus.ask({"request": "snapshot"})
    assert [document["kind"] for document in reply["documents"]] == [
        "session.started", "frame.judged", "list.written", "alert.updated",
    ]  # fmt: skip
    bus.log_only("alert.closed")
    assert "alert" not in str([document["kind"] for document in bus.ask({"request": "snapshot"})["documents"]])


def test_replay_gives_what_was_asked_and_says_whether_there_is_more(bus):
    for _ in range(5):
        bus.log_only("list.written")
    reply = bus.ask({"request": "replay", "after_seq": 1, "limit": 2})
    assert ([d["seq"] for d in reply["documents"]], reply["more"]) == ([2, 3], True)
    reply = bus.ask({"request": "replay", "after_seq": 3})
    assert ([d["seq"] for d in reply["documents"]], reply["more"]) == ([4, 5], False)
    reply = bus.ask({"request": "replay", "after_seq": 5})
    assert (reply["documents"], reply["more"]) == ([], False)


def test_a_replay_is_bounded_in_bytes(bus):
    with bus.log.transaction():
        for _ in range(40):
            bus.log_only("list.written", files=["x" * 100_000])
    reply = bus.ask({"request": "replay"})
    assert 10 <= len(reply["documents"]) <= 12
    assert reply["more"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"request":"stop"}',
        b'{"request":"replay","after_seq":-1}',
        b'{"request":"replay","after_seq":1e999}',
        b'{"request":"replay","after_seq":99999999999999999999}',
        b'{"request":"replay","after_seq":"1"}',
        b'{"request":"replay","limit":1001}',
        b'{"request":"replay","limit":0}',
        b'{"request":["hello"]}',
        b"[" * 30_000,
        json.dumps({"request": "hello", "id": "x" * 201}).encode(),
    ],
    ids=range(15),
)
def test_a_malformed_question_is_answered_with_an_error(bus, data):
    if data == b"":
        data = b" "  # an empty frame alone is a delimiter, not a question
    reply = bus.ask(data)
    assert (reply["reply"], reply["error"], reply["documents"]) == ("error", "bad_request", [])
    assert reply["sentence"]
    assert bus.ask({"request": "ping"})["reply"] == "ping"


@pytest.mark.parametrize("frames", [[b"", b""], [b"a", b"b"], [b"", b"a", b"b"], [b""], [b"x" * 70_000]])
def test_messages_of_an_odd_shape_or_size_are_dropped(bus, frames):
    with zmq.Context() as context, context.socket(zmq.DEALER) as control:
        control.linger = 0
        control.connect(bus.publisher.addresses[1])
        control.send_multipart(frames)
        assert bus.ask({"request": "ping"})["reply"] == "ping"
        answered = control.recv_multipart(zmq.NOBLOCK) if control.poll(0) else None
        assert answered is None or json.loads(answered[-1])["error"] == "bad_request"


def test_rubbish_sent_to_the_broadcast_socket_does_no_harm(bus, subscriber):
    with zmq.Context() as context, context.socket(zmq.XSUB) as rude:
        rude.linger = 0
        rude.connect(bus.publisher.addresses[0])
        rude.send_multipart([b"\x01am1/", b"more"])
        rude.send(b"anything")
        rude.send(b"\x01" + b"x" * 70_000)
        receive_kind(subscriber(bus.publisher.addresses[0]), "session.heartbeat")


def test_trouble_with_the_night_log_is_answered_and_survived(bus, monkeypatch):
    def fail(*_: object) -> None:
        raise NightLogError("no")

    with monkeypatch.context() as patched:
        patched.setattr(bus.log, "after", fail)
        reply = bus.ask({"request": "replay", "id": "a"})
        assert (reply["reply"], reply["error"], reply["id"]) == ("error", "failed", "a")
    assert bus.ask({"request": "replay"})["reply"] == "replay"


def test_a_taken_port_is_reported_in_one_sentence(bus, log, settings):
    for field, taken in zip(("address", "control_address"), bus.publisher.addresses, strict=True):
        second = Publisher(settings(**{field: taken}), log, SystemClock())
        with pytest.raises(PublishError, match=rf"in use by another program.*publish\.{field}"):
            second.start()
        second.stop()


@pytest.mark.parametrize(
    "address", ["tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://192.0.2.7:0", "tcp://eth0:0", "tcp://rig.lan:0"]
)
def test_an_address_beyond_this_computer_needs_keys(log, settings, address):
    for field in ("address", "control_address"):
        with pytest.raises(PublishError, match="needs keys"):
            Publisher(settings(**{field: address}), log, SystemClock()).start()


@pytest.mark.parametrize(
    "address", ["", "5556", "udp://127.0.0.1:1", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "ipc://"]
)
def test_a_wrong_address_is_reported_in_one_sentence(log, settings, address):
    with pytest.raises(PublishError, match="is no address"):
        Publisher(settings(address=address), log, SystemClock()).start()


def test_only_loopback_is_bound_by_default(bus):
    ports = {int(address.rsplit(":", 1)[1]) for address in bus.publisher.addresses}
    listening = {
        found.laddr.ip
        for found in psutil.Process().net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr.port in ports
    }
    assert listening == {"127.0.0.1"}


def test_ipv6_loopback_works(log, settings, subscriber):
    try:
        publisher = Publisher(settings(address="tcp://[::1]:0"), log, SystemClock())
        publisher.start()
    except PublishError:
        pytest.skip("this computer has no IPv6")
    with publisher:
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.ipv6 = True
            socket.linger = 0
            socket.setsockopt(zmq.SUBSCRIBE, b"am1/")
            socket.connect(publisher.addresses[0])
            receive_kind(socket, "session.heartbeat")


def test_switched_off_nothing_is_opened(log, settings, bus):
    with Publisher(settings(enabled=False), log, SystemClock()) as publisher:
        publisher.announce(bus.log_only("list.written"))
        assert publisher.addresses == ()


def test_announcing_never_blocks_and_counts_what_was_dropped(bus, monkeypatch):
    monkeypatch.setattr(bus.publisher, "_waiting", type(bus.publisher._waiting)(1))
    document = bus.log_only("list.written")
    # Hold the publisher's thread inside a heartbeat, so that nothing is taken from the queue.
    held, release = threading.Event(), threading.Event()

    def hold() -> SessionHeartbeat:
        held.set()
        release.wait(20)
        raise RuntimeError("released")

    bus.publisher.figures = hold
    assert held.wait(20)
    for _ in range(3):
        bus.publisher.announce(document)
    release.set()
    assert bus.publisher.dropped == 2


def test_stopping_leaves_no_thread_no_descriptor_and_frees_the_ports(log, settings):
    process = psutil.Process()
    with Publisher(settings(), log, SystemClock()) as publisher:
        addresses = publisher.addresses
    before = process.num_fds()
    fixed = settings(address=addresses[0], control_address=addresses[1])
    for _ in range(3):
        with Publisher(fixed, log, SystemClock()) as publisher:
            assert publisher.addresses == addresses
    publisher.stop()
    assert process.num_fds() == before
    assert not [thread for thread in threading.enumerate() if thread.name == "publisher"]


def test_the_last_documents_are_sent_before_the_sockets_close(log, settings, subscriber, bus):
    publisher = Publisher(settings(), log, SystemClock())
    publisher.start()
    socket = subscribed(subscriber(publisher.addresses[0]))
    publisher.announce(bus.log_only("session.stopped"))
    publisher.stop()
    assert receive_kind(socket, "session.stopped")["seq"] == 1
