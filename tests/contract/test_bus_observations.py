"""Observations of other programs come in with the right key, are logged, and go out as documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zmq

from astro_monitor.clock import SystemClock
from astro_monitor.documents import ContextObserved
from astro_monitor.errors import PublishError, TooFrequent
from astro_monitor.monitor.observations import BURST, BYTES_OF_ONE, OBSERVATIONS_PER_S, Observations
from astro_monitor.publish import Publisher, client_keys, make_keys, observe, revise
from astro_monitor.publish.keys import known_clients, role_now
from astro_monitor.testing.bodies import body_of

JUDGED = json.loads((Path(__file__).parent / "goldens/v1.3/frame.judged.json").read_text("utf-8"))["body"]

OBSERVED = {
    "subject": "guider",
    "source": "PHD2",
    "observed_at": "2026-11-20T21:14:03.250Z",
    "values": [{"key": "rms_ra", "value": 0.62, "unit": "arcsec"}],
}


class HandClock(SystemClock):
    """A monotonic clock that stands still until a test moves it."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


def taking(publisher, log):
    """Let a publisher take in observations and decisions, as the daemon does."""
    publisher.observe = Observations(log, publisher.announce, SystemClock()).take
    publisher.revise = lambda wish: log.revise(wish.frame_id, wish.decision, wish.by, wish.why)
    return publisher


@pytest.fixture
def keys(tmp_path):
    folder = tmp_path / "keys"
    for name, role in (("ana", "editor"), ("guider", "plugin"), ("wall", "viewer")):
        make_keys(folder, [name], role=role)
    return folder


@pytest.fixture
def guarded(log, settings, keys):
    with Publisher(settings(keys_folder=keys), log, SystemClock()) as publisher:
        yield taking(publisher, log)


@pytest.fixture
def of(guarded, keys, settings, tmp_path):
    """Return the settings of a client that has one key alone, as on its own computer."""

    def of(name):
        folder = tmp_path / f"of {name}"
        folder.mkdir()
        for file in (f"{name}.secret", "server.public"):
            (folder / file).write_bytes((keys / file).read_bytes())
            (folder / file).chmod(0o600)
        address, control_address = guarded.addresses
        return settings(address=address, control_address=control_address, keys_folder=folder)

    return of


def test_an_observation_is_logged_broadcast_and_named_after_its_key(guarded, of, keys, listen, log):
    listener = listen(guarded, after_seq=0, keys=client_keys(keys, "wall"))
    document = observe(of("guider"), ContextObserved.model_validate(OBSERVED | {"by": "somebody else"}))
    assert (document.kind, document.body["by"], document.body["values"][0]["unit"]) == (
        "context.observed", "guider", "arcsec",
    )  # fmt: skip
    assert listener.next().document == document
    assert log.after(0, 10) == [document]


@pytest.mark.parametrize(
    ("name", "role"), [("ana", "editor"), ("wall", "viewer")],
)  # fmt: skip
def test_only_a_plugin_reports_observations(of, name, role):
    with pytest.raises(PublishError, match=f"the key of {name} has the role {role}; 'observe' needs the role plugin"):
        observe(of(name), ContextObserved.model_validate(OBSERVED))


@pytest.mark.parametrize(("name", "role"), [("guider", "plugin"), ("wall", "viewer")])
def test_only_an_editor_decides_on_frames(of, name, role):
    with pytest.raises(PublishError, match=f"the key of {name} has the role {role}; 'revise' needs the role editor"):
        revise(of(name), "5e884898da280471", "keep", by="ana", why="fine")


def test_an_editor_decides_on_frames(of, log, guarded):
    log.append("frame.judged", body_of("frame.judged", JUDGED))
    assert revise(of("ana"), "5e884898da280471", "keep", by="ana", why="fine").body["new_decision"] == "keep"


def test_a_role_that_is_changed_or_withdrawn_counts_at_once(of, keys, log):
    log.append("frame.judged", body_of("frame.judged", JUDGED))
    wall = of("wall")
    make_keys(keys, ["wall"], role="editor")
    revise(wall, "5e884898da280471", "keep", by="wall", why="")
    make_keys(keys, ["wall"], role="viewer")
    with pytest.raises(PublishError, match="has the role viewer"):
        revise(wall, "5e884898da280471", "reject", by="wall", why="")


def test_a_connection_made_with_a_key_that_was_renewed_may_only_ask(guarded, of, keys, log):
    log.append("frame.judged", body_of("frame.judged", JUDGED))
    stolen = client_keys(of("ana").keys_folder)
    question = {"request": "revise", "frame_id": "5e884898da280471", "decision": "reject"}
    with zmq.Context() as context, context.socket(zmq.DEALER) as control:
        control.linger = 0
        control.curve_publickey, control.curve_secretkey = stolen.public, stolen.secret
        control.curve_serverkey = stolen.server_public
        control.connect(guarded.addresses[1])

        def ask(asked):
            control.send(json.dumps(asked).encode())
            assert control.poll(20_000), "no answer"
            return json.loads(control.recv())

        assert ask({"request": "ping"})["reply"] == "ping"
        make_keys(keys, [], renew=["ana"])
        assert ask(question)["error"] == "refused"
        assert ask({"request": "ping"})["reply"] == "ping"
    assert log.last_seq() == 1


def test_a_key_file_that_is_removed_while_it_is_read_is_an_error_of_our_own(keys, monkeypatch):
    read = Path.read_bytes

    def once(path):
        content = read(path)
        path.unlink()
        return content

    monkeypatch.setattr(Path, "read_bytes", once)
    assert role_now(keys, "wall", b"another key") is None
    assert role_now(keys, "wall", b"another key") is None


def test_a_key_of_an_earlier_version_decides_on_frames_as_it_did(keys):
    public = keys / "wall.public"
    public.write_bytes(public.read_bytes().splitlines()[0] + b"\n")
    assert {client.name: client.role for client in known_clients(keys)} == {
        "ana": "editor", "guider": "plugin", "wall": "editor",
    }  # fmt: skip


def test_keys_keep_their_role_when_they_are_renewed_and_a_new_key_is_a_viewer(keys):
    make_keys(keys, ["new"], renew=["guider"])
    roles = {client.name: client.role for client in known_clients(keys)}
    assert (roles["new"], roles["guider"]) == ("viewer", "plugin")


@pytest.mark.parametrize("line", [b"role: admin", b"role: editor\nrole: plugin", b"editor"])
def test_a_key_file_with_an_odd_role_is_refused(keys, line):
    public = keys / "wall.public"
    public.write_bytes(public.read_bytes().splitlines()[0] + b"\n" + line)
    with pytest.raises(PublishError, match="names no role"):
        known_clients(keys)


def test_without_keys_every_program_on_this_computer_may_report(bus, log):
    taking(bus.publisher, log)
    reply = bus.ask({"request": "observe", "id": "8", "observation": OBSERVED}, zmq.REQ)
    (document,) = reply["documents"]
    assert (reply["reply"], reply["last_seq"], document["body"]["by"]) == ("observe", 1, "")


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"observation": None}, "bad_request"),
        ({"observation": OBSERVED | {"subject": "dome"}}, "bad_request"),
        ({"observation": OBSERVED | {"values": [{"key": "x", "value": "long" * 100}]}}, "bad_request"),
    ],
)
def test_an_odd_observation_is_refused_and_not_logged(bus, log, question, error):
    taking(bus.publisher, log)
    assert bus.ask({"request": "observe", **question})["error"] == error
    assert log.last_seq() == 0


def test_a_daemon_that_takes_no_observations_says_so(bus):
    assert bus.ask({"request": "observe", "observation": OBSERVED})["error"] == "refused"


def test_a_flood_is_refused_and_the_pace_that_is_allowed_goes_on(bus, log):
    clock = HandClock()
    bus.publisher.observe = Observations(log, bus.publisher.announce, clock).take
    question = {"request": "observe", "observation": OBSERVED}
    assert all(bus.ask(question)["reply"] == "observe" for _ in range(BURST))
    reply = bus.ask(question)
    assert (reply["error"], "send means over some seconds" in reply["sentence"]) == ("refused", True)
    clock.now_s += 1.0 / OBSERVATIONS_PER_S
    assert bus.ask(question)["reply"] == "observe"
    assert log.last_seq() == BURST + 1


def test_long_observations_count_as_several(log):
    taking = Observations(log, lambda document: None, HandClock())
    values = [{"key": f"k{number}", "value": "x" * 200} for number in range(64)]
    long = ContextObserved.model_validate(OBSERVED | {"values": values})
    for _ in range(BURST // (1 + len(long.model_dump_json()) // BYTES_OF_ONE)):
        taking.take(long)
    with pytest.raises(TooFrequent):
        taking.take(long)
    assert 1 <= log.last_seq() <= BURST // 15


def test_the_snapshot_holds_the_last_observation_of_each_source(bus, log):
    for source in ("PHD2", "other", "PHD2"):
        bus.log_only("context.observed", source=source)
    assert [document["seq"] for document in bus.ask({"request": "snapshot"})["documents"]] == [2, 3]
