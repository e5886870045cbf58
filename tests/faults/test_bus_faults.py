"""The bus under a crowd, hanging readers, cut lines and strangers: no gap goes unnoticed, nobody unknown is served.

Long form: ``pytest --long tests/faults/test_bus_faults.py`` (about ten minutes).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
import zmq

from astro_monitor.clock import SystemClock
from astro_monitor.nightlog import NightLog
from astro_monitor.publish import ClientKeys, Publisher, Subscription, client_keys, make_keys, wire
from astro_monitor.settings import PublishSettings
from astro_monitor.testing.bodies import body_of

BODY = {"folder": "/", "files": ["x" * 1500], "kept": 0, "review": 0, "rejected": 0, "generation": 1}
PATIENCE_S = 120.0

CROWD = """
import os, sys
from astro_monitor.publish import Subscription, wire
import zmq, threading
wire._OPTIONS[zmq.RCVHWM] = 50
last = int(sys.argv[3])
def follow(number):
    expected = 1
    for received in Subscription(sys.argv[1], sys.argv[2], after_seq=0, patience_s=120).received():
        assert received.document.seq == expected, (number, received.document.seq, expected)
        if expected == 1:
            os.write(1, b"hears\\n")
        if expected == last:
            os.write(1, b"whole\\n")
            return
        expected += 1
threads = [threading.Thread(target=follow, args=(n,)) for n in range(int(sys.argv[4]))]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def local(**fields: object) -> PublishSettings:
    chosen = {"address": "tcp://127.0.0.1:0", "control_address": "tcp://127.0.0.1:0", "heartbeat_s": 0.1}
    return PublishSettings.model_validate(chosen | fields)


@pytest.fixture
def log():
    with NightLog.open(":memory:", "session-1", SystemClock()) as opened:
        yield opened


@pytest.mark.slow
def test_hanging_clients_slow_no_other_client_and_every_gap_is_found(log, rounds, figures, monkeypatch):
    """64 subscribers in processes of their own; 16 of them are stopped most of the time; buffers are small."""
    monkeypatch.setitem(wire._OPTIONS, zmq.SNDHWM, 100)
    documents, limit_s = rounds(1500, 20_000), PATIENCE_S * rounds(1, 10)
    took_s = []
    with Publisher(local(), log, SystemClock()) as publisher:
        healthy = [crowd(publisher, documents, 12) for _ in range(4)]
        hung = [crowd(publisher, documents, 4) for _ in range(4)]
        try:
            publisher.announce(log.append("list.written", body_of("list.written", BODY)))
            for process, size in [*((one, 12) for one in healthy), *((one, 4) for one in hung)]:
                assert [process.stdout.readline() for _ in range(size)] == ["hears\n"] * size
            for process in hung:
                process.send_signal(signal.SIGSTOP)
            for _ in range(documents - 1):
                document = log.append("list.written", body_of("list.written", BODY))
                began = time.perf_counter()
                publisher.announce(document)
                took_s.append(time.perf_counter() - began)
            # Those who read have everything while the others hang.
            assert [process.communicate(timeout=limit_s)[0].split() for process in healthy] == [["whole"] * 12] * 4
            for process in hung:
                process.send_signal(signal.SIGCONT)
            assert [process.communicate(timeout=limit_s)[0].split() for process in hung] == [["whole"] * 4] * 4
        finally:
            for process in (*healthy, *hung):
                process.kill()
                process.communicate()
    assert [process.returncode for process in (*healthy, *hung)] == [0] * 8
    took_s.sort()
    figures(
        f"64 subscribers, 16 stopped, {documents} documents: 0 gaps undetected; handing a document over took "
        f"{1000 * took_s[int(0.999 * len(took_s))]:.2f} ms (99.9 %)"
    )


def crowd(publisher: Publisher, documents: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CROWD, *publisher.addresses, str(documents), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_publisher_that_is_started_again_is_followed_and_nothing_comes_twice(log, rounds, figures):
    restarts = rounds(6, 500)
    chance = random.Random(3)
    seen: list[int] = []
    stop = threading.Event()
    first = Publisher(local(), log, SystemClock())
    first.start()
    addresses = first.addresses
    first.stop()
    again = local(address=addresses[0], control_address=addresses[1])

    def follow() -> None:
        for received in Subscription(*addresses, after_seq=0, stop=stop, patience_s=PATIENCE_S).received():
            seen.append(received.document.seq)

    with Publisher(again, log, SystemClock()):
        thread = threading.Thread(target=follow)
        thread.start()
        publisher_until_heard(log, seen)
    for restart in range(restarts):
        for _ in range(chance.randrange(4)):
            log.append("list.written", body_of("list.written", BODY))  # while no publisher runs
        log.session_id = f"session-{restart + 2}"
        with Publisher(again, log, SystemClock()) as publisher:
            for _ in range(chance.randrange(4)):
                publisher.announce(log.append("list.written", body_of("list.written", BODY)))
            publisher_until_heard(log, seen)
    stop.set()
    thread.join(PATIENCE_S)
    assert seen == list(range(1, log.last_seq() + 1))
    figures(f"{restarts} restarts of the publisher: {len(seen)} documents, each once and in order")


def publisher_until_heard(log: NightLog, seen: list[int]) -> None:
    log.append("list.written", body_of("list.written", BODY))
    until = time.monotonic() + PATIENCE_S
    while (not seen or seen[-1] < log.last_seq()) and time.monotonic() < until:
        time.sleep(0.002)


@pytest.mark.slow
def test_strangers_are_not_served_a_byte_however_they_come(log, tmp_path, rounds, figures):
    """No key, a foreign key, a password, the wrong server, a revoked client, plain TCP: and the right key always."""
    keys = tmp_path / "keys"
    make_keys(keys, ["alice", "revoked"])
    right, revoked = curve(client_keys(keys, "alice")), curve(client_keys(keys, "revoked"))
    (keys / "revoked.public").unlink()
    make_keys(tmp_path / "other", ["mallory"])
    mallory = curve(client_keys(tmp_path / "other", "mallory"))
    attempts = rounds(60, 1000)
    ways = [
        {}, mallory, revoked, mallory | {"curve_serverkey": right["curve_serverkey"]},
        right | {"curve_serverkey": mallory["curve_serverkey"]},
        right | {"curve_secretkey": mallory["curve_secretkey"]},
        {"plain_username": b"alice", "plain_password": b"alice"},
    ]  # fmt: skip
    served = 0
    with Publisher(local(keys_folder=keys), log, SystemClock()) as publisher, zmq.Context() as context:
        known = connected(context, zmq.SUB, publisher.addresses[0], right)
        for begin in range(0, attempts, 20):
            sockets = []
            for number in range(begin, begin + 20):
                way = ways[number % len(ways)]
                kind = zmq.SUB if number % 2 else zmq.DEALER
                made = connected(context, kind, publisher.addresses[number % 2 == 0], way)
                if kind == zmq.DEALER:
                    made.send(json.dumps({"request": "snapshot"}).encode())
                sockets.append(made)
            for _ in range(3):
                assert known.poll(20_000), "the known client is served all the time"
                known.recv_multipart()
            served += sum(bool(made.poll(0)) for made in sockets)
            for made in sockets:
                made.close()
        known.close()
        last = connected(context, zmq.SUB, publisher.addresses[0], right)
        assert last.poll(20_000)
        last.close()
    assert served == 0
    figures(f"{attempts} connections of strangers: 0 served, the known client heard every heartbeat")


@pytest.mark.slow
def test_rubbish_on_the_ports_neither_stops_nor_fattens_the_daemon(log, rounds, figures):
    """Half-open, oversized and meaningless connections; memory is looked at, the heartbeat must go on."""
    import socket

    import psutil

    chance = random.Random(9)
    count = rounds(150, 10_000)
    with Publisher(local(), log, SystemClock()) as publisher, zmq.Context() as context:
        known = connected(context, zmq.SUB, publisher.addresses[0], {})
        assert known.poll(20_000)
        before = psutil.Process().memory_info().rss
        held: list[socket.socket] = []
        for number in range(count):
            host, port = publisher.addresses[number % 2].removeprefix("tcp://").rsplit(":", 1)
            stranger = socket.create_connection((host, int(port)))
            stranger.settimeout(5)
            try:
                match number % 4:
                    case 0:
                        stranger.sendall(os.urandom(chance.randrange(1, 3000)))
                    case 1:
                        stranger.sendall(b"\xff" + bytes(8) + b"\x01\x7f" + b"\x03\x00NULL" + bytes(60))
                    case 2:
                        # A ZMTP frame that promises 2^62 bytes.
                        stranger.sendall(b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + bytes(48))
                        stranger.sendall(b"\x02" + (1 << 62).to_bytes(8, "big") + bytes(2000))
                    case 3:
                        held.append(stranger)
                        if len(held) > 100:
                            held.pop(0).close()
                        continue
            except OSError:
                pass
            stranger.close()
        for one in held:
            one.close()
        for _ in range(5):
            assert known.poll(20_000)
            known.recv_multipart()
        fattened_mb = (psutil.Process().memory_info().rss - before) / 1e6
        known.close()
    figures(f"{count} connections of rubbish: heartbeats go on, memory grew by {fattened_mb:.0f} MB")


def curve(keys: ClientKeys) -> dict[str, bytes]:
    return {"curve_publickey": keys.public, "curve_secretkey": keys.secret, "curve_serverkey": keys.server_public}


def connected(context: zmq.Context, kind: int, address: str, keys: dict[str, bytes]) -> zmq.Socket[bytes]:
    made = context.socket(kind)
    made.linger = 0
    for name, key in keys.items():
        setattr(made, name, key)
    if kind == zmq.SUB:
        made.setsockopt(zmq.SUBSCRIBE, b"")
    made.connect(address)
    return made
