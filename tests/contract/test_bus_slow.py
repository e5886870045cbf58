"""A reader that is slow, or does not read at all, harms nobody and loses nothing in the end."""

from __future__ import annotations

import time

import zmq

from astro_monitor.clock import SystemClock
from astro_monitor.publish import Publisher, wire
from astro_monitor.testing.bodies import body_of

BIG = ["x" * 20_000]


def test_with_small_buffers_and_a_burst_every_client_gets_everything(log, settings, listen, subscriber, monkeypatch):
    monkeypatch.setitem(wire._OPTIONS, zmq.SNDHWM, 5)
    monkeypatch.setitem(wire._OPTIONS, zmq.RCVHWM, 5)
    with Publisher(settings(), log, SystemClock()) as publisher:
        hung = subscriber(publisher.addresses[0])  # never reads
        listeners = [listen(publisher, after_seq=0) for _ in range(2)]
        body = {"folder": "/", "files": BIG, "kept": 0, "review": 0, "rejected": 0, "generation": 1}
        for _ in range(400):
            publisher.announce(log.append("list.written", body_of("list.written", body)))
        for listener in listeners:
            assert listener.seqs(400) == list(range(1, 401))
        assert hung.poll(0), "it could have read"


def test_stopping_does_not_wait_for_a_reader_that_hangs(log, settings, subscriber):
    publisher = Publisher(settings(), log, SystemClock())
    publisher.start()
    hung = subscriber(publisher.addresses[0])
    assert hung.poll(20_000)
    body = {"folder": "/", "files": BIG, "kept": 0, "review": 0, "rejected": 0, "generation": 1}
    document = log.append("list.written", body_of("list.written", body))
    for _ in range(3000):
        publisher.announce(document)
    began = time.monotonic()
    publisher.stop()
    assert time.monotonic() - began < 4.5, "the linger time is one second"
