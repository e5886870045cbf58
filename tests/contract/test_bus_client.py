"""The reference client misses nothing, repeats nothing, and knows old from new."""

from __future__ import annotations

import random
import threading

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.errors import PublishError
from astro_monitor.nightlog import NightLog
from astro_monitor.publish import Publisher, Subscription, tail
from astro_monitor.testing.bodies import body_of


def test_it_begins_with_what_holds_now_and_goes_on_with_what_is_new(bus, listen):
    bus.say("session.started")
    bus.say("list.written")
    bus.say("list.written")
    listener = listen(bus.publisher)
    states = [listener.next(), listener.next()]
    assert [(got.how, got.document.seq) for got in states] == [("state", 1), ("state", 3)]
    bus.say("alert.opened")
    got = listener.next()
    assert (got.how, got.document.kind, got.document.seq) == ("live", "alert.opened", 4)


def test_it_replays_all_from_a_number_as_history(bus, listen):
    for _ in range(5):
        bus.log_only("alert.opened")
    listener = listen(bus.publisher, after_seq=2)
    got = [listener.next() for _ in range(3)]
    assert [(one.how, one.document.seq) for one in got] == [("history", 3), ("history", 4), ("history", 5)]


def test_a_hole_is_filled_in_order_and_counts_as_new(bus, listen):
    listener = listen(bus.publisher, after_seq=0)
    listener.until_synchronised(bus)
    bus.log_only("alert.opened")
    bus.log_only("alert.updated")
    bus.say("alert.closed")
    got = [listener.next() for _ in range(3)]
    assert [(one.how, one.document.seq) for one in got] == [("live", 2), ("live", 3), ("live", 4)]


def test_a_lost_tail_is_found_by_the_heartbeat(bus, listen):
    listener = listen(bus.publisher, after_seq=0)
    listener.until_synchronised(bus)
    bus.log_only("alert.opened")
    assert listener.next().document.seq == 2


def test_with_half_of_all_broadcasts_lost_every_document_comes_once_and_in_order(bus, listen):
    chance = random.Random(20261120)
    listener = listen(bus.publisher, after_seq=0)
    for _ in range(500):
        document = bus.log_only("list.written")
        if chance.random() < 0.5:
            bus.publisher.announce(document)
        if chance.random() < 0.1:
            bus.publisher.announce(document)  # and some twice
    assert listener.seqs(500) == list(range(1, 501))


def test_a_broadcast_out_of_order_is_put_right(bus, listen):
    listener = listen(bus.publisher, after_seq=0)
    listener.until_synchronised(bus)
    documents = [bus.log_only("list.written") for _ in range(3)]
    for document in reversed(documents):
        bus.publisher.announce(document)
    bus.say("list.written")
    assert listener.seqs(4) == [2, 3, 4, 5]


def test_filters_are_its_own(bus, listen):
    by_kind = listen(bus.publisher, after_seq=0, kinds=["alert.opened"])
    by_topic = listen(bus.publisher, after_seq=0, topics=["am1/alert/seeing/", "am1/frame/"])
    bus.say("list.written")
    bus.say("alert.opened")
    bus.say("frame.failed")
    bus.say("alert.opened", kind="seeing")
    assert by_kind.seqs(2) == [2, 4]
    assert by_topic.seqs(2) == [3, 4]
    assert by_kind.subscription.last_seq == 4


def test_it_follows_a_daemon_that_is_started_again(log, settings, listen):
    with Publisher(settings(), log, SystemClock()) as first:
        listener = listen(first, after_seq=0)
        first.announce(log.append("list.written", body_of("list.written", GOLDEN)))
        assert listener.seqs(1) == [1]
    again = settings(address=first.addresses[0], control_address=first.addresses[1])
    log.append("alert.opened", body_of("alert.opened", ALERT))
    log.session_id = "session-2"
    with Publisher(again, log, SystemClock()) as second:
        assert listener.next().document.seq == 2
        second.announce(log.append("list.written", body_of("list.written", GOLDEN)))
        assert listener.next().document.session_id == "session-2"


def test_a_new_night_log_begins_at_its_first_document(log, settings, listen):
    with Publisher(settings(), log, SystemClock()) as first:
        listener = listen(first, after_seq=0)
        for _ in range(3):
            first.announce(log.append("list.written", body_of("list.written", GOLDEN)))
        assert listener.seqs(3) == [1, 2, 3]
    again = settings(address=first.addresses[0], control_address=first.addresses[1])
    with NightLog.open(":memory:", "session-2", SystemClock()) as fresh, Publisher(again, fresh, SystemClock()):
        fresh.append("list.written", body_of("list.written", GOLDEN))
        got = listener.next()
        assert (got.document.seq, got.document.session_id) == (1, "session-2")
        assert listener.subscription.log_id == fresh.log_id


def test_a_missing_daemon_is_reported_in_one_sentence():
    with pytest.raises(PublishError, match=r"no daemon is heard at tcp://127\.0\.0\.1:9"):
        list(Subscription("tcp://127.0.0.1:9", "tcp://127.0.0.1:9", patience_s=0.2))
    with pytest.raises(PublishError, match="no address"):
        list(Subscription("nonsense", "tcp://127.0.0.1:9"))


def test_silence_is_noticed(bus, log, settings, listen, monkeypatch):
    monkeypatch.setattr("astro_monitor.publish.client._STALE_S", 0.1)
    monkeypatch.setattr("astro_monitor.publish.asking._REPLY_S", 0.1)
    publisher = Publisher(settings(), log, SystemClock())
    with publisher:
        listener = listen(publisher, after_seq=0)
        publisher.announce(log.append("list.written", body_of("list.written", GOLDEN)))
        listener.next()
    noticed = threading.Event()
    while not listener.subscription.stale:
        noticed.wait(0.01)


def test_tail_gives_what_happens_from_now_on(bus, settings):
    bus.say("session.started")
    stop = threading.Event()
    followed = settings(address=bus.publisher.addresses[0], control_address=bus.publisher.addresses[1])
    got = []

    def follow() -> None:
        for document in tail(followed, stop, kinds=["alert.opened", "session.started"]):
            got.append(document.seq)
            stop.set()

    thread = threading.Thread(target=follow)
    thread.start()
    while thread.is_alive():  # until it has joined, what is said is old for it
        bus.say("alert.opened")
        thread.join(0.05)
    assert got[0] > 1


def test_tail_can_begin_with_the_first_document(bus, settings):
    bus.say("session.started")
    bus.say("list.written")
    followed = settings(address=bus.publisher.addresses[0], control_address=bus.publisher.addresses[1])
    documents = tail(followed, history=True)
    assert [next(documents).seq, next(documents).seq] == [1, 2]
    del documents


GOLDEN = {"folder": "/lists", "files": [], "kept": 0, "review": 0, "rejected": 0, "generation": 1}
ALERT = {
    "alert_id": "a", "kind": "seeing", "severity": "warning", "cause": "seeing", "evidence": [], "sentence": "s",
    "advice": "a",
}  # fmt: skip
