"""With keys, known clients get everything and all others not one byte."""

from __future__ import annotations

import os
import stat

import pytest
import zmq

from astro_monitor.clock import SystemClock
from astro_monitor.errors import PublishError
from astro_monitor.publish import ClientKeys, Publisher, Subscription, client_keys, how_it_is, make_keys, revise
from astro_monitor.testing.bodies import body_of

WAIT_MS = 20_000


@pytest.fixture
def keys(tmp_path):
    folder = tmp_path / "keys"
    make_keys(folder, ["alice", "bob"])
    return folder


@pytest.fixture
def guarded(log, settings, keys):
    with Publisher(settings(keys_folder=keys), log, SystemClock()) as publisher:
        yield publisher


def curve(keys: ClientKeys) -> dict[str, bytes]:
    return {
        "curve_publickey": keys.public, "curve_secretkey": keys.secret, "curve_serverkey": keys.server_public
    }  # fmt: skip


def beats(socket: zmq.Socket[bytes], count: int = 6) -> None:
    """Wait for some heartbeats."""
    for _ in range(count):
        assert socket.poll(WAIT_MS)
        socket.recv_multipart()


def test_a_known_client_receives_and_asks(guarded, keys, listen, log):
    listener = listen(guarded, after_seq=0, keys=client_keys(keys, "alice"))
    log.append(
        "list.written",
        body_of("list.written", {"folder": "/", "files": [], "kept": 0, "review": 0, "rejected": 0, "generation": 1}),
    )
    assert listener.next().document.seq == 1


def test_all_others_receive_nothing(guarded, keys, subscriber, tmp_path):
    make_keys(tmp_path / "other", ["mallory"])
    right = curve(client_keys(keys, "bob"))
    mallory = curve(client_keys(tmp_path / "other", "mallory"))
    address = guarded.addresses[0]
    refused = {
        "no key": subscriber(address),
        "unknown client": subscriber(address, **mallory | {"curve_serverkey": right["curve_serverkey"]}),
        "wrong server key": subscriber(address, **right | {"curve_serverkey": mallory["curve_serverkey"]}),
        "wrong secret": subscriber(address, **right | {"curve_secretkey": mallory["curve_secretkey"]}),
        "password": subscriber(address, plain_username=b"bob", plain_password=b"bob"),
    }
    beats(subscriber(address, **right))
    assert [why for why, socket in refused.items() if socket.poll(0)] == []


def followed(publisher, keys=None):
    """Return the sentence with which a client gives up, long before its time limit."""
    with pytest.raises(PublishError) as caught:
        next(iter(Subscription(*publisher.addresses, keys=keys, patience_s=60.0)))
    return str(caught.value)


def test_a_refused_client_gets_the_reason(guarded, keys, tmp_path, log, settings):
    make_keys(tmp_path / "other", ["mallory"])
    right, other = client_keys(keys, "bob"), client_keys(tmp_path / "other", "mallory")
    assert "accepts no connection without keys; set publish.keys_folder" in followed(guarded)
    unknown = ClientKeys(other.public, other.secret, right.server_public)
    assert "does not know this client's key" in followed(guarded, unknown)
    wrong_server = ClientKeys(right.public, right.secret, other.server_public)
    assert "has another key than server.public" in followed(guarded, wrong_server)
    with Publisher(settings(), log, SystemClock()) as open_to_all:
        assert "unset for it" in followed(open_to_all, right)


def test_a_question_to_a_daemon_with_keys_says_that_keys_are_needed(guarded, settings):
    asked = settings(address=guarded.addresses[0], control_address=guarded.addresses[1])
    with pytest.raises(PublishError, match="accepts no connection without keys"):
        how_it_is(asked)
    with pytest.raises(PublishError, match="accepts no connection without keys"):
        revise(asked, "0" * 16, "keep", by="ana", why="")


def test_the_control_socket_is_guarded_too(guarded, keys):
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger, context.socket(zmq.DEALER) as known:
        for name, key in curve(client_keys(keys, "alice")).items():
            setattr(known, name, key)
        for socket in (stranger, known):
            socket.linger = 0
            socket.connect(guarded.addresses[1])
            socket.send(b'{"request":"ping"}')
        assert known.poll(WAIT_MS)
        assert not stranger.poll(0)


def test_a_client_can_be_let_in_and_shut_out_without_a_restart(guarded, keys, subscriber):
    make_keys(keys, ["carol"])
    carol = curve(client_keys(keys, "carol"))
    beats(subscriber(guarded.addresses[0], **carol), 1)
    (keys / "carol.public").unlink()
    shut_out = subscriber(guarded.addresses[0], **carol)
    beats(subscriber(guarded.addresses[0], **curve(client_keys(keys, "alice"))))
    assert not shut_out.poll(0)


def test_unreadable_keys_admit_no_client(guarded, keys, subscriber):
    alice, bob = (curve(client_keys(keys, name)) for name in ("alice", "bob"))
    inside = subscriber(guarded.addresses[0], **bob)
    beats(inside, 1)
    (keys / "broken.public").write_text("no key")
    outside = subscriber(guarded.addresses[0], **alice)
    beats(inside)
    assert not outside.poll(0)


def test_with_keys_an_address_beyond_this_computer_may_be_used(log, settings, keys, subscriber):
    with Publisher(settings(address="tcp://0.0.0.0:0", keys_folder=keys), log, SystemClock()) as publisher:
        port = publisher.addresses[0].rsplit(":", 1)[1]
        beats(subscriber(f"tcp://127.0.0.1:{port}", **curve(client_keys(keys))), 1)


def test_keys_without_any_known_client_are_refused(log, settings, tmp_path):
    make_keys(tmp_path / "keys", [])
    with pytest.raises(PublishError, match="no client is known"):
        Publisher(settings(keys_folder=tmp_path / "keys"), log, SystemClock()).start()


def test_a_missing_keys_folder_is_refused(log, settings, tmp_path):
    with pytest.raises(PublishError, match="cannot be read"):
        Publisher(settings(keys_folder=tmp_path / "none"), log, SystemClock()).start()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_secrets_are_private_from_the_first_moment_and_refused_when_not(keys, log, settings):
    assert stat.S_IMODE((keys / "server.secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    (keys / "server.secret").chmod(0o640)
    with pytest.raises(PublishError, match="can be read by others"):
        Publisher(settings(keys_folder=keys), log, SystemClock()).start()


def test_making_keys_again_keeps_those_that_are_there(keys):
    before = (keys / "server.secret").read_bytes()
    assert make_keys(keys, ["alice"]) == []
    assert [path.name for path in make_keys(keys, ["dora"])] == ["dora.secret", "dora.public"]
    assert (keys / "server.secret").read_bytes() == before


def test_secrets_do_not_show_in_text(keys):
    loaded = client_keys(keys, "alice")
    assert loaded.secret.decode() not in repr(loaded)


@pytest.mark.parametrize("name", ["server", "../x", "A", "", "a b", "a" * 41, "-a"])
def test_odd_client_names_are_refused(tmp_path, name):
    with pytest.raises(PublishError, match="cannot name a client"):
        make_keys(tmp_path, [name])
    assert list(tmp_path.iterdir()) == []


def test_a_client_without_keys_gets_advice(tmp_path, keys):
    with pytest.raises(PublishError, match="no client's secret key"):
        client_keys(tmp_path)
    (keys / "alice.secret").write_bytes(b"short")
    (keys / "alice.secret").chmod(0o600)
    with pytest.raises(PublishError, match="holds no CURVE key"):
        client_keys(keys)


def test_renewed_keys_of_a_client_count_at_once(guarded, keys, subscriber):
    old = curve(client_keys(keys, "alice"))
    assert [path.name for path in make_keys(keys, [], ["alice"])] == ["alice.secret", "alice.public"]
    assert stat.S_IMODE((keys / "alice.secret").stat().st_mode) == 0o600
    shut_out = subscriber(guarded.addresses[0], **old)
    beats(subscriber(guarded.addresses[0], **curve(client_keys(keys, "alice"))))
    assert not shut_out.poll(0)


def test_renewed_keys_of_the_daemon_count_from_its_next_start(log, settings, keys, subscriber):
    old = curve(client_keys(keys, "alice"))
    make_keys(keys, [], ["server"])
    with Publisher(settings(keys_folder=keys), log, SystemClock()) as publisher:
        shut_out = subscriber(publisher.addresses[0], **old)
        beats(subscriber(publisher.addresses[0], **curve(client_keys(keys, "alice"))))
        assert not shut_out.poll(0)


def test_only_keys_that_are_there_can_be_renewed(keys):
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    with pytest.raises(PublishError, match="no key of 'nobody'"):
        make_keys(keys, [], ["alice", "nobody"])
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
