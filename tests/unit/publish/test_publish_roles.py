"""What each role may ask for."""

from __future__ import annotations

from typing import get_args

import pytest

from astro_monitor.publish.control import ControlRequest
from astro_monitor.publish.roles import CHANGES, LOCAL, ROLES, Sender

REQUESTS = get_args(ControlRequest.model_fields["request"].annotation)


def test_every_request_that_changes_something_is_one_of_the_requests():
    assert set(CHANGES) < set(REQUESTS)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_ask_and_follow(role):
    assert all(Sender("ana", role).may(request) for request in REQUESTS if request not in CHANGES)


@pytest.mark.parametrize(
    ("role", "changes"), [("viewer", set()), ("editor", {"revise"}), ("plugin", {"observe"})]
)  # fmt: skip
def test_a_role_may_change_what_is_its_own(role, changes):
    assert {request for request in CHANGES if Sender("ana", role).may(request)} == changes


def test_a_key_that_was_removed_after_its_client_connected_may_only_ask():
    gone = Sender("ana", None)
    assert gone.may("snapshot")
    assert not any(gone.may(request) for request in CHANGES)
    assert gone.refusal("revise") == "the key of ana is not known here any more, so it may only ask"


def test_without_keys_everything_may_be_asked():
    assert all(LOCAL.may(request) for request in REQUESTS)
