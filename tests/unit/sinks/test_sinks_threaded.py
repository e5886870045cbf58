"""A sink in its own thread: it gets every document in order, and its faults and its slowness stay its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from astro_monitor.documents import Document
from astro_monitor.sinks import SinkFanout, ThreadedSink
from astro_monitor.sinks import fanout as fanout_module
from astro_monitor.sinks import threaded as module

PATIENCE_S = 30.0


def document(number: int) -> Document:
    return Document(kind="frame.judged", doc_id=f"d{number}", session_id="s", seq=number, time="", body={})


class Recording:
    """Keeps what it is given; fails while ``fault`` is set; waits while ``held`` is."""

    name = "recording"

    def __init__(self) -> None:
        self.events: list[object] = []
        self.fault: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()
        self.begun = threading.Event()

    def accept(self, document: Document) -> None:
        self.begun.set()
        assert self.go_on.wait(PATIENCE_S)
        if self.fault is not None:
            raise self.fault
        self.events.append(document.seq)

    def flush(self) -> None:
        if self.events[-1:] != ["flush"]:
            self.events.append("flush")

    def close(self) -> None:
        self.events.append("close")


@pytest.fixture
def sink() -> Recording:
    return Recording()


@pytest.fixture
def disabled() -> list[tuple[str, int, str]]:
    return []


@pytest.fixture
def threaded(sink: Recording, disabled: list[tuple[str, int, str]]) -> Iterator[ThreadedSink]:
    threaded = ThreadedSink(sink, on_disabled=lambda *what: disabled.append(what), flush_every_s=1000.0)
    yield threaded
    sink.go_on.set()
    threaded.close(PATIENCE_S)


def numbers(sink: Recording) -> list[object]:
    return [event for event in sink.events if event != "flush"]


def test_documents_arrive_in_order_and_are_brought_out_before_the_end(sink, threaded) -> None:
    for number in range(100):
        threaded.accept(document(number))
    assert threaded.flush(PATIENCE_S)
    assert numbers(sink) == list(range(100))
    threaded.accept(document(100))
    threaded.close(PATIENCE_S)
    assert numbers(sink) == [*range(101), "close"]
    assert sink.events[-2:] == ["flush", "close"]


def test_a_sink_that_hangs_delays_no_caller(sink, threaded) -> None:
    sink.go_on.clear()
    threaded.accept(document(1))
    assert sink.begun.wait(PATIENCE_S)
    threaded.accept(document(2))
    assert not threaded.flush(0.01)
    sink.go_on.set()
    assert threaded.flush(PATIENCE_S)
    assert numbers(sink) == [1, 2]


def test_an_error_costs_one_document_and_is_logged_once(sink, threaded, disabled, caplog) -> None:
    sink.fault = OSError("no route to the phone")
    threaded.accept(document(1))
    threaded.flush(PATIENCE_S)
    sink.fault = None
    threaded.accept(document(2))
    threaded.flush(PATIENCE_S)
    assert numbers(sink) == [2]
    assert disabled == []
    assert caplog.text.count("recording failed; the night goes on") == 1


def test_a_sink_that_fails_again_and_again_is_turned_off_and_said_so(sink, threaded, disabled, caplog) -> None:
    sink.fault = OSError("no route to the phone")
    for number in range(2 * module.FAILURES_ALLOWED):
        threaded.accept(document(number))
    threaded.flush(PATIENCE_S)
    assert disabled == [("recording", module.FAILURES_ALLOWED, "OSError: no route to the phone")]
    assert threaded.disabled
    assert "recording is turned off after 5 failures in a row" in caplog.text


def test_the_thread_of_a_sink_outlives_what_would_end_a_program_and_a_report_that_fails(sink) -> None:
    def report(*what: object) -> None:
        raise OSError("the disk is full")

    threaded = ThreadedSink(sink, on_disabled=report, flush_every_s=1000.0)
    sink.fault = SystemExit(1)
    for number in range(module.FAILURES_ALLOWED):
        threaded.accept(document(number))
    assert threaded.flush(PATIENCE_S)
    assert threaded.disabled
    threaded.close(PATIENCE_S)


def test_what_comes_faster_than_it_can_be_taken_is_dropped_for_this_sink_and_counted(sink, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    threaded = ThreadedSink(sink, flush_every_s=1000.0)
    sink.go_on.clear()
    threaded.accept(document(0))
    assert sink.begun.wait(PATIENCE_S)
    for number in range(1, 8):
        threaded.accept(document(number))
    assert threaded.dropped == 4
    sink.go_on.set()
    threaded.close(PATIENCE_S)
    assert numbers(sink) == [0, 1, 2, 3, "close"]


def test_the_fanout_hands_each_document_to_all(sink, threaded) -> None:
    told: list[int] = []
    fanout = SinkFanout(direct=(lambda document: told.append(document.seq),))
    fanout.accept(document(1))
    fanout.add(threaded)
    fanout.accept(document(2))
    fanout.flush()
    assert told == [1, 2]
    assert numbers(sink) == [2]


def test_sinks_that_hang_cost_one_wait_at_the_end(monkeypatch) -> None:
    monkeypatch.setattr(fanout_module, "CLOSE_PATIENCE_S", 1.0)
    hanging, sound = [Recording() for _ in range(8)], Recording()
    for one in hanging:
        one.go_on.clear()
    fanout = SinkFanout(threaded=[ThreadedSink(one, flush_every_s=1000.0) for one in (*hanging, sound)])
    fanout.accept(document(1))
    for one in hanging:
        assert one.begun.wait(PATIENCE_S)
    began_s = time.monotonic()
    fanout.flush()
    fanout.close()
    assert time.monotonic() - began_s < 4 * 1.0
    assert [*numbers(sound), sound.events[-1]] == [1, "close", "close"]
    for one in hanging:
        one.go_on.set()
