"""Questions that clients may ask, and the answers. Two of them change something: ``revise`` and ``observe``."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..complaints import wrong
from ..documents import PROTOCOL, SCHEMA, ContextObserved, Decision, Document, encode
from ..errors import AstroMonitorError, NotKept, TooFrequent
from .chunks import BeyondEnd, Busy, Chunk, FileKind
from .roles import LOCAL, Sender
from .wire import MAX_REPLAY, MAX_REPLY_BYTES

log = logging.getLogger(__name__)

_PAGE = 50
"""Documents fetched at a time, since a reply is mostly full before it holds the number that was asked for."""


class History(Protocol):
    """What the publisher needs of the night log."""

    session_id: str
    log_id: str

    def last_seq(self) -> int:
        """Return the number of the newest document."""
        ...

    def after(self, seq: int, limit: int) -> Sequence[Document]:
        """Return the documents after ``seq``, in order, at most ``limit``."""
        ...

    def snapshot(self) -> Sequence[Document]:
        """Return the documents that describe the present state, in order."""
        ...


class ControlRequest(BaseModel):
    """A question. Fields that are not known are ignored.

    Attributes:
        request: ``hello`` and ``ping`` ask who is there, ``snapshot`` what holds now, ``replay`` what was; ``revise``
            decides on a frame by hand; ``observe`` reports what another program has observed; ``look`` and ``preview``
            fetch what is kept of a frame.
        id: any text; comes back with the answer.
        after_seq: ``replay``: only documents with a higher number.
        limit: ``replay``: at most so many.
        frame_id: ``revise``, ``look``, ``preview``: of the ``frame.judged`` document.
        decision: ``revise``: what holds from now on.
        why: ``revise``: one sentence.
        by: ``revise``: who says so.
        offset: ``look``, ``preview``: the first byte that is wanted.
        observation: ``observe``: the body of the ``context.observed`` document; its ``by`` is replaced.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    request: Literal["hello", "ping", "snapshot", "replay", "revise", "observe", "look", "preview"]
    id: Annotated[str, Field(max_length=200)] = ""
    after_seq: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_REPLAY)] = MAX_REPLAY
    frame_id: Annotated[str, Field(max_length=64)] = ""
    decision: Decision = "review"
    why: Annotated[str, Field(max_length=500)] = ""
    by: Annotated[str, Field(max_length=100)] = "client"
    observation: ContextObserved | None = None
    offset: Annotated[int, Field(ge=0, lt=2**63)] = 0


Revise = Callable[[ControlRequest], Document]
"""Carries out a ``revise``, returns its ``frame.revised`` document; ``KeyError``: the frame has no verdict."""

Observe = Callable[[ContextObserved], Document]
"""Logs and broadcasts an observation, returns its document; ``TooFrequent``: more came than may be logged."""

Fetch = Callable[[FileKind, str, int], Chunk]
"""Returns the chunk of a look or preview at an offset; raises ``NotKept``, ``BeyondEnd`` or ``Busy``."""


class ControlReply(BaseModel):
    """An answer. That to ``look`` and ``preview`` is followed by a frame with the bytes.

    Attributes:
        schema_: as in documents.
        protocol: major and minor version that the daemon speaks.
        reply: the question's own word, or ``error``.
        id: as in the question.
        log_id: identity of the night log; numbers of another one cannot be compared.
        session_id: the running session.
        last_seq: number of the newest document when the answer was made.
        documents: of ``snapshot`` and ``replay``, in order; of ``revise`` and ``observe`` the one that was made.
        more: ``replay``: there are further documents; ask again after the last one. ``look``, ``preview``: there are
            further bytes.
        error: ``bad_request``, ``unknown_frame``, ``not_kept``, ``refused``, ``busy`` or ``failed``; empty when all is
            well.
        sentence: what was wrong.
        frame_id: ``look``, ``preview``: as in the question.
        offset: ``look``, ``preview``: of the first byte.
        size_bytes: ``look``, ``preview``: of all of it.
        sha256: ``look``, ``preview``: of all of it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_: Literal["astro-monitor/1"] = Field(default=SCHEMA, alias="schema")
    protocol: str = "1.0"
    reply: Literal["hello", "ping", "snapshot", "replay", "revise", "observe", "look", "preview", "error"]
    id: str = ""
    log_id: str = ""
    session_id: str = ""
    last_seq: int = 0
    documents: list[Document] = []
    more: bool = False
    error: str = ""
    sentence: str = ""
    frame_id: str = ""
    offset: int = 0
    size_bytes: int = 0
    sha256: str = ""


def answer(
    history: History,
    data: bytes,
    revise: Revise | None = None,
    observe: Observe | None = None,
    sender: Sender = LOCAL,
    fetch: Fetch | None = None,
) -> tuple[bytes, ...]:
    """Answer one question; never raises for what the client sent.

    Parameters:
        history: the night log.
        data: the question, JSON.
        revise: carries out what a person decides; ``None`` refuses it.
        observe: takes in an observation; ``None`` refuses it.
        sender: who asks.
        fetch: finds looks and previews; ``None`` refuses them.

    Returns:
        a :class:`ControlReply` as JSON, and the bytes of a look or preview after it.
    """
    try:
        request = ControlRequest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if not first["loc"]:
            return (_reply("error", error="bad_request", sentence="a question is one JSON object"),)
        path = tuple(str(step) for step in first["loc"])
        return (_reply("error", error="bad_request", sentence=wrong(path, dict(first))),)
    head: dict[str, Any] = {"id": request.id, "log_id": history.log_id, "session_id": history.session_id}
    try:
        if not sender.may(request.request):
            return (_reply("error", **head, error="refused", sentence=sender.refusal(request.request)),)
        if request.request in ("look", "preview"):
            return _answer_fetch(request.request, request, fetch, head | {"last_seq": history.last_seq()})
        if request.request == "observe":
            return (_answer_observe(request, observe, sender, head, history),)
        if request.request == "revise":
            return (_answer_revise(request, revise, head, history),)
        documents, more = _asked_documents(history, request)
        return (_reply(request.request, documents, **head, last_seq=history.last_seq(), more=more),)
    except AstroMonitorError as error:
        log.error("a %s could not be answered: %s", request.request, error)
        return (_reply("error", **head, error="failed", sentence="the night log cannot be read now; ask again later"),)


def _answer_fetch(
    kind: FileKind, request: ControlRequest, fetch: Fetch | None, head: dict[str, Any]
) -> tuple[bytes, ...]:
    """Return the reply to a request for a part of a look or preview: header and bytes, or an error."""
    if fetch is None:
        return (_reply("error", **head, error="refused", sentence="looks and previews are not sent from here"),)
    try:
        chunk = fetch(kind, request.frame_id, request.offset)
    except NotKept as error:
        word = "failed" if error.reason == "unreadable" else "not_kept"
        return (_reply("error", **head, error=word, sentence=str(error)),)
    except BeyondEnd as error:
        return (_reply("error", **head, error="bad_request", sentence=str(error)),)
    except Busy as error:
        return (_reply("error", **head, error="busy", sentence=str(error)),)
    reply = _reply(
        kind, **head, frame_id=request.frame_id, offset=chunk.offset, size_bytes=chunk.size_bytes, sha256=chunk.sha256,
        more=chunk.more,
    )  # fmt: skip
    return reply, chunk.data


def _answer_revise(request: ControlRequest, revise: Revise | None, head: dict[str, Any], history: History) -> bytes:
    """Return the reply to a decision by hand: the document of the revision, or an error."""
    if revise is None:
        return _reply("error", **head, error="refused", sentence="decisions by hand are not taken here")
    try:
        document = revise(request)
    except KeyError:
        said = f"frame {request.frame_id!r} was never judged here; take frame_id from its frame.judged document"
        return _reply("error", **head, error="unknown_frame", sentence=said)
    return _reply("revise", [encode(document)], **head, last_seq=history.last_seq(), more=False)


def _answer_observe(
    request: ControlRequest, observe: Observe | None, sender: Sender, head: dict[str, Any], history: History
) -> bytes:
    """Return the reply to an observation of a client: its document, or an error."""
    if request.observation is None:
        return _reply("error", **head, error="bad_request", sentence="'observe' needs an 'observation'")
    if observe is None:
        return _reply(
            "error",
            **head,
            error="refused",
            sentence="observations are not taken here; set publish.accept_observations",
        )
    try:
        document = observe(request.observation.model_copy(update={"by": sender.name}))
    except TooFrequent as error:
        return _reply("error", **head, error="refused", sentence=str(error))
    return _reply("observe", [encode(document)], **head, last_seq=history.last_seq(), more=False)


def _asked_documents(history: History, request: ControlRequest) -> tuple[list[bytes], bool]:
    """Return the encoded documents of a snapshot or replay, and whether the night log has more."""
    if request.request == "snapshot":
        return [encode(document) for document in history.snapshot()], False
    found: list[bytes] = []
    if request.request != "replay":
        return found, False
    seq, size = request.after_seq, 0
    while len(found) < request.limit:
        page = history.after(seq, min(_PAGE, request.limit - len(found)))
        if not page:
            return found, False
        for document in page:
            found.append(encode(document))
            seq, size = document.seq, size + len(found[-1])
            if size >= MAX_REPLY_BYTES:
                return found, seq < history.last_seq()
    return found, seq < history.last_seq()


def _reply(reply: str, documents: Sequence[bytes] = (), **fields: Any) -> bytes:
    """Return a reply to a client as JSON bytes, with encoded documents inserted unchanged."""
    head = json.dumps({"schema": SCHEMA, "protocol": PROTOCOL, "reply": reply, **fields}, separators=(",", ":"))
    return head[:-1].encode() + b',"documents":[' + b",".join(documents) + b"]}"
