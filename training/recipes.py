"""Change single values of a recipe from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    AnyRecipe = TypeVar("AnyRecipe", bound=DataclassInstance)


def with_changes(recipe: AnyRecipe, changes: Sequence[str]) -> AnyRecipe:
    """Return a recipe with other values.

    Parameters:
        recipe: a frozen dataclass whose values are texts and numbers.
        changes: ``KEY=VALUE`` each; the value is read as the type of the present one.

    Raises:
        ValueError: the recipe has no such key, or the value is not of its type.
    """
    types = {field.name: type(getattr(recipe, field.name)) for field in fields(recipe)}
    changed = {}
    for change in changes:
        key, _, value = change.partition("=")
        if key not in types:
            raise ValueError(f"the recipe has no value {key!r}; it has {', '.join(types)}")
        changed[key] = types[key](value)
    return replace(recipe, **changed)
