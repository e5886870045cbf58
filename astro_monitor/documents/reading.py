"""Reads the body of a document into its view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import BadDocument, Document
from .views import VIEWS, View


@dataclass(frozen=True, slots=True)
class OtherView:
    """The body of a kind that this version does not know."""

    kind: str
    body: Mapping[str, Any]


def view(document: Document) -> View | OtherView:
    """Return a typed view of a document's body.

    Raises:
        BadDocument: a field is missing that documents of this kind have had since the first version.
    """
    of_kind = VIEWS.get(document.kind)
    if of_kind is None:
        return OtherView(document.kind, document.body)
    try:
        return of_kind.of(document.body)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadDocument(
            f"the body of document {document.seq} does not fit its kind {document.kind} ({error!r}); update the reader"
        ) from error
