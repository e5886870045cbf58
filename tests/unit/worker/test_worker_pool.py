"""Files are looked at ahead and in parallel, and end one by one, in the order in which they were taken."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from astro_monitor.errors import WorkerUnavailable
from astro_monitor.records import Arrival, Baseline, BaselineKey, Examined, Failed, FrameMeta, Outcome, Skipped
from astro_monitor.settings import Settings, WorkerSettings
from astro_monitor.testing.inventing import graded, invented_look
from astro_monitor.worker import KeepPreview, Looked, WorkerPool
from astro_monitor.worker.schedule import AHEAD_PER_WORKER
from astro_monitor.worker.supervised import NoProcess

KEY = BaselineKey(rig="r", target="t", filter="f", exposure_s=1.0, gain=0.0, binning=1, height=1, width=1)
WAIT_S = 20.0
"""Longer than anything here takes; what is waited for longer than this never happens."""


def arrival(name: str) -> Arrival:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Arrival(
        path=Path("/night") / name, root=Path("/night"), size_bytes=1, mtime_ns=2, first_seen_utc=moment,
        settled_utc=moment, how="scan",
    )  # fmt: skip


class Shop:
    """Workers without processes, which note what they do. A file waits where the test holds it."""

    def __init__(self) -> None:
        self.waiting: deque[Arrival] = deque()
        self.log: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.begun: dict[str, threading.Event] = {}
        self.faults: dict[str, list[Exception]] = {}
        self.unready: set[int] = set()
        self.lanes: list[FakeLane] = []
        self.asked_in_vain = threading.Event()

    def source(self) -> list[Arrival]:
        if not self.waiting:
            self.asked_in_vain.set()
            return []
        return [self.waiting.popleft()]

    def add(self, *names: str) -> None:
        self.waiting.extend(arrival(name) for name in names)

    def hold(self, *deeds: str) -> None:
        for deed in deeds:
            self.held[deed], self.begun[deed] = threading.Event(), threading.Event()

    def do(self, number: int, deed: str) -> None:
        self.log.append(deed)
        if self.faults.get(deed):
            raise self.faults[deed].pop(0)
        if deed in self.held:
            self.begun[deed].set()
            assert self.held[deed].wait(WAIT_S)
        self.unready.discard(number)

    def begins(self, *deeds: str) -> None:
        for deed in deeds:
            assert self.begun[deed].wait(WAIT_S)

    def go_on(self, *deeds: str) -> None:
        for deed in deeds:
            self.held[deed].set()

    def open_lane(self, settings: Settings, **_named: object) -> FakeLane:
        self.lanes.append(FakeLane(self, len(self.lanes)))
        return self.lanes[-1]


class FakeLane:
    models = ({"name": "fake", "version": "1", "sha256": "00", "provider": "cpu"},)
    process_id = 1
    starting_s = 0.0

    def __init__(self, shop: Shop, number: int) -> None:
        self._shop = shop
        self._number = number

    @property
    def ready(self) -> bool:
        return self._number not in self._shop.unready

    def start(self) -> list[dict[str, str]]:
        return list(self.models)

    def look(self, one: Arrival) -> Looked | Skipped | Failed:
        name = one.path.name
        self._shop.do(self._number, f"look {name}")
        if name.startswith("flat"):
            return Skipped(arrival=one, frame_id=name, sha256=name, meta=FrameMeta(), sensor_shape=(1, 1),
                           sentence="", timings_s={})  # fmt: skip
        return Looked(arrival=one, frame_id=name, key=KEY, look=name.encode())

    def compare(self, looked: Looked, baseline: Baseline) -> Examined | Failed:
        self._shop.do(self._number, f"compare {looked.arrival.path.name}")
        outcome = graded(invented_look(looked.arrival, looked.look), good=0.96)
        return Examined(**{**{name: getattr(outcome, name) for name in outcome.__slots__},
                           "timings_s": {"baseline": float(baseline.size)}})  # fmt: skip

    def show(self, frame_id: str) -> bytes:
        self._shop.do(self._number, f"show {frame_id}")
        return b"" if frame_id.startswith("odd") else f"picture of {frame_id}".encode()

    def close(self) -> None:
        for event in self._shop.held.values():
            event.set()

    def stop(self, grace_s: float = 0.0) -> None:
        return


@pytest.fixture
def shop() -> Shop:
    return Shop()


@contextmanager
def open_pool(shop: Shop, processes: int, keep_preview: KeepPreview | None = None) -> Iterator[WorkerPool]:
    settings = Settings(worker=WorkerSettings(processes=processes))
    with WorkerPool(settings, shop.source, open_lane=shop.open_lane, keep_preview=keep_preview) as pool:
        yield pool
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")] == []


def growing() -> Callable[[BaselineKey], Baseline]:
    """A judge that knows one frame more each time that it is asked."""
    sizes = iter(range(1000))
    return lambda key: Baseline(key=key, size=next(sizes))


def taken(pool: WorkerPool, count: int, baseline_for: Callable[[BaselineKey], Baseline]) -> list[Outcome]:
    return [outcome for _ in range(count) for outcome in pool.take(baseline_for, WAIT_S)]


def names(outcomes: list[Outcome]) -> list[str]:
    return [outcome.arrival.path.name for outcome in outcomes]


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_outcomes_come_in_the_order_of_the_source_and_see_all_that_were_judged_before(
    shop: Shop, processes: int
) -> None:
    every = [f"{'flat' if number % 4 == 3 else 'light'}{number}" for number in range(40)]
    shop.add(*every)
    with open_pool(shop, processes) as pool:
        outcomes = taken(pool, 40, growing())
    assert names(outcomes) == every
    sizes = [outcome.timings_s["baseline"] for outcome in outcomes if isinstance(outcome, Examined)]
    assert sizes == list(range(30))
    assert sorted(shop.log) == sorted(
        [f"look {name}" for name in every] + [f"compare light{n}" for n in range(40) if n % 4 != 3]
    )


def test_while_one_file_takes_long_others_are_looked_at_a_bounded_number_ahead(shop: Shop) -> None:
    shop.hold("look slow")
    shop.add("slow", *(f"quick{number}" for number in range(30)))
    ahead = 2 * AHEAD_PER_WORKER
    last = f"look quick{ahead - 2}"
    shop.hold(last)
    with open_pool(shop, 2) as pool:
        shop.begins("look slow", last)
        assert pool.take(growing(), 0.0) == []
        shop.go_on(last)
        assert pool.take(growing(), 0.0) == []
        assert pool.in_hand == ahead
        assert not any(deed.startswith("compare") for deed in shop.log)
        shop.go_on("look slow")
        assert names(taken(pool, 31, growing())) == ["slow", *(f"quick{number}" for number in range(30))]


def test_a_look_that_is_due_is_compared_before_its_worker_looks_at_the_next_file(shop: Shop) -> None:
    shop.add("a", "b", "c")
    with open_pool(shop, 1) as pool:
        taken(pool, 3, growing())
    assert shop.log == ["look a", "compare a", "look b", "compare b", "look c", "compare c"]


def test_a_preview_is_made_after_the_comparison_and_before_the_next_file(shop: Shop) -> None:
    shop.add("a", "flat", "odd", "b", "c", "end")
    previews: dict[str, bytes] = {}
    shown_all = threading.Event()

    def keep(frame_id: str, jpeg: bytes) -> None:
        previews[frame_id] = jpeg
        if frame_id == "end":
            shown_all.set()

    with open_pool(shop, 1, keep) as pool:
        taken(pool, 6, growing())
        assert shown_all.wait(WAIT_S)
    assert previews == {name: f"picture of {name}".encode() for name in ("a", "b", "c", "end")}
    for name in ("a", "odd", "b", "c", "end"):
        assert [deed for deed in shop.log if deed.endswith(f" {name}")] == [
            f"{step} {name}" for step in ("look", "compare", "show")
        ]
    assert shop.log.index("show a") < shop.log.index("look flat")
    assert shop.log.index("show b") < shop.log.index("look c")


def test_a_preview_that_takes_long_holds_up_no_verdict_of_another_worker(shop: Shop) -> None:
    shop.hold("show a")
    shop.add("a", "b", "c")
    with open_pool(shop, 2, lambda frame_id, jpeg: None) as pool:
        assert names(taken(pool, 3, growing())) == ["a", "b", "c"]
        shop.go_on("show a")


def test_the_worker_that_finishes_the_file_before_compares_what_others_have_looked_at(shop: Shop) -> None:
    shop.hold("look a", "look c")
    shop.add("a", "b", "c", "d", "e")
    with open_pool(shop, 2) as pool:
        shop.begins("look a", "look c")
        shop.go_on("look a")
        assert names(taken(pool, 2, growing())) == ["a", "b"]
        shop.go_on("look c")
        assert names(taken(pool, 3, growing())) == ["c", "d", "e"]
    assert shop.log.index("compare b") < shop.log.index("look d")


def test_what_is_urgent_is_looked_at_by_the_next_worker_that_is_free(shop: Shop) -> None:
    shop.hold("look old1", "look old2")
    shop.add("old1", "old2", "old3", "old4")
    with open_pool(shop, 2) as pool:
        shop.begins("look old1", "look old2")
        shop.waiting.appendleft(arrival("live"))
        shop.go_on("look old1", "look old2")
        assert names(taken(pool, 5, growing())) == ["old1", "old2", "live", "old3", "old4"]


def test_a_file_that_comes_later_is_looked_at_when_the_bell_rings(shop: Shop) -> None:
    with open_pool(shop, 2) as pool:
        assert shop.asked_in_vain.wait(WAIT_S)
        shop.add("late")
        pool.ring()
        assert names(taken(pool, 1, growing())) == ["late"]


def test_without_a_worker_files_keep_their_place_and_none_is_looked_at_in_the_meantime(shop: Shop) -> None:
    shop.faults["look a"] = [WorkerUnavailable("lost with one after another"), NoProcess("none"), NoProcess("none")]
    shop.add("a", "b", "c")
    with open_pool(shop, 1) as pool:
        for _ in range(3):
            with pytest.raises(WorkerUnavailable):
                pool.take(growing(), WAIT_S)
            assert [one.path.name for one in pool.waiting()] == ["a"]
        assert shop.log == ["look a"] * 3
        assert names(taken(pool, 3, growing())) == ["a", "b", "c"]


def test_a_look_waits_for_a_worker_that_compares_it(shop: Shop) -> None:
    shop.faults["compare a"] = [NoProcess("none")]
    shop.add("a", "b")
    with open_pool(shop, 1) as pool:
        with pytest.raises(WorkerUnavailable):
            pool.take(growing(), WAIT_S)
        assert names(taken(pool, 2, growing())) == ["a", "b"]
    assert shop.log.count("look a") == 1


def test_what_waited_for_a_worker_is_compared_with_the_baseline_of_the_moment(shop: Shop) -> None:
    shop.faults["compare a"] = [NoProcess("none")]
    shop.add("a")
    with open_pool(shop, 1) as pool:
        with pytest.raises(WorkerUnavailable):
            pool.take(lambda key: Baseline(key=key, size=8), WAIT_S)
        (outcome,) = pool.take(lambda key: Baseline(key=key, size=7), WAIT_S)
    assert isinstance(outcome, Examined)
    assert outcome.timings_s["baseline"] == 7


def test_where_a_second_process_cannot_be_started_the_first_one_does_all(shop: Shop, caplog) -> None:
    shop.unready = {1}
    shop.hold("look a")
    shop.faults["look b"] = [NoProcess("no memory")]
    shop.add("a", "b", "c")
    with open_pool(shop, 2) as pool:
        shop.begins("look a")
        assert pool.take(growing(), 0.0) == []
        shop.go_on("look a")
        assert names(taken(pool, 3, growing())) == ["a", "b", "c"]
    assert shop.log.count("look b") == 2
    assert "there are fewer workers" in caplog.text


def test_a_second_process_is_started_only_while_more_than_one_file_waits(shop: Shop) -> None:
    shop.unready = {1}
    with open_pool(shop, 2) as pool:
        for number in range(5):
            shop.add(f"single{number}")
            pool.ring()
            taken(pool, 1, growing())
        assert shop.unready == {1}
        shop.hold("look x")
        shop.add("x", "y")
        pool.ring()
        shop.begins("look x")
        shop.go_on("look x")
        taken(pool, 2, growing())


def test_a_defect_in_a_lane_is_one_outcome(shop: Shop) -> None:
    shop.faults["look a"] = [OSError("a pipe")]
    shop.add("a", "b")
    with open_pool(shop, 1) as pool:
        first, second = taken(pool, 2, growing())
    assert isinstance(first, Failed)
    assert (first.kind, first.known) == ("unforeseen", False)
    assert isinstance(second, Examined)


def test_a_frame_is_compared_again_from_its_look(shop: Shop) -> None:
    shop.add("a", "b")
    with open_pool(shop, 2) as pool:
        taken(pool, 2, growing())
        with pool.comparing():
            again = pool.examine_again(arrival("moved"), "a", lambda key: Baseline(key=key, size=77))
    assert isinstance(again, Examined)
    assert (again.arrival.path.name, again.timings_s["baseline"]) == ("moved", 77)
    assert "look moved" not in shop.log


def test_a_frame_whose_look_is_not_kept_is_looked_at_again(shop: Shop) -> None:
    with open_pool(shop, 1) as pool:
        again = pool.examine_again(arrival("a"), "unknown", growing())
    assert isinstance(again, Examined)
    assert shop.log == ["look a", "compare a"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_frame_whose_look_is_not_kept_is_looked_at_again_by_the_only_worker_that_there_is(
    shop: Shop, processes: int
) -> None:
    shop.add("ahead")
    shop.hold("look b", "look ahead")
    with open_pool(shop, processes) as pool:
        shop.begins("look ahead")
        shop.go_on("look ahead")
        again: list[Outcome] = []

        def look_again() -> None:
            with pool.comparing():
                again.append(pool.examine_again(arrival("b"), "unknown", growing()))

        judge = threading.Thread(target=look_again, daemon=True)
        judge.start()
        shop.begins("look b")
        shop.go_on("look b")
        judge.join(WAIT_S)
        assert names(again) == ["b"]
        assert names(taken(pool, 1, growing())) == ["ahead"]


def test_a_second_look_does_not_wait_for_the_next_file_that_no_worker_can_take(shop: Shop) -> None:
    shop.faults["look a"] = [NoProcess("none")]
    shop.add("a", "c")
    with open_pool(shop, 1) as pool:
        assert names([pool.examine_again(arrival("b"), "unknown", growing())]) == ["b"]
        with pytest.raises(WorkerUnavailable):
            pool.take(growing(), WAIT_S)


def test_a_closed_pool_finishes_what_it_has_and_takes_nothing_else(shop: Shop) -> None:
    shop.hold("look a")
    shop.add("a", "b")
    with open_pool(shop, 1) as pool:
        shop.begins("look a")
        pool.close()
        shop.go_on("look a")
        assert names(taken(pool, 1, growing())) == ["a"]
        assert pool.take(growing(), 0.0) == []
        assert pool.in_hand == 0
    assert len(shop.waiting) == 1


def test_a_stopped_pool_gives_nothing_more_and_says_so_of_a_second_look(shop: Shop) -> None:
    shop.add("a")
    with open_pool(shop, 1) as pool:
        taken(pool, 1, growing())
        pool.stop()
        assert pool.take(growing()) == []
        outcome = pool.examine_again(arrival("a"), "a", growing())
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retryable) == ("stopped", True)
