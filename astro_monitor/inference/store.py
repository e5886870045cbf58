"""Files of models: in the folder inside the package, or in another folder of the user."""

from __future__ import annotations

import importlib.resources
import os
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import IO

from ..errors import ModelError
from ..openfile import NotPlain, open_plain
from ..plain import because
from .card import Card
from .onnxfile import has_external_data

FOLDER_VARIABLE = "ASTRO_MONITOR_MODELS__FOLDER"
"""Environment variable with the path of another folder of models."""

SOURCE_PART = "-sources"
"""The quality model comes in two files: the head has its name, the part that sees the sources has this behind it."""

MAX_MODEL_BYTES = 64 * 1024 * 1024
"""Largest model file; the shipped ones are below 10 MB."""
MAX_CARD_BYTES = 1024 * 1024
"""Largest card; the shipped ones have some kilobytes."""


def model_folder(folder: Path | None = None) -> Traversable:
    """Return the folder of models: the argument, else that of the environment, else that of the package."""
    if folder is not None:
        return folder
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else importlib.resources.files("astro_monitor") / "models"


def source_part_of(name: str) -> str:
    """Return the name of the source part of a quality model."""
    return name + SOURCE_PART


def load(name: str, folder: Path | None = None) -> tuple[Card, bytes]:
    """Return a model and its card, after a check that they match.

    Parameters:
        name: such as ``star-unet``.
        folder: see :func:`model_folder`.

    Returns:
        The card and the bytes of the model.

    Raises:
        ModelError: the model is missing, too large or altered, or needs other files.
    """
    source = model_folder(folder)
    if not name or name != Path(name).name or name.startswith("."):
        raise ModelError(f"'{name}' is not a name of a model; see 'astro-monitor models'")
    card = Card.parse(_read_limited(source / f"{name}.json", MAX_CARD_BYTES, name), f"{name}.json")
    if card.name != name:
        raise ModelError(f"model card {name}.json is for model {card.name}; install the model again")
    content = _read_limited(source / f"{name}.onnx", MAX_MODEL_BYTES, name)
    card.check_file(content)
    if has_external_data(content):
        raise ModelError(f"model {name} wants data from other files, which is not allowed; export it as a single file")
    return card, content


def list_models(folder: Path | None = None) -> tuple[Card, ...]:
    """Return the cards of all models in the folder, by name.

    Raises:
        ModelError: the folder cannot be read, or a card is not valid.
    """
    source = model_folder(folder)
    try:
        names = sorted(entry.name for entry in source.iterdir() if entry.name.endswith(".json"))
    except OSError as error:
        raise ModelError(f"folder of models {source} cannot be read; check models.folder") from error
    return tuple(Card.parse(_read_limited(source / name, MAX_CARD_BYTES, name), name) for name in names)


def _read_limited(path: Traversable, limit_bytes: int, name: str) -> bytes:
    """Return the bytes of a model's file; raise ModelError when it is missing, too large, or no plain file."""
    try:
        with _open_plain_file(path) as file:
            content = file.read(limit_bytes + 1)
    except NotPlain as error:
        raise ModelError(f"model {name} cannot be used: {path}: {because(error)}; install the model again") from error
    except OSError as error:
        raise ModelError(f"model {name} is missing: {path} cannot be read; see 'astro-monitor models'") from error
    if len(content) > limit_bytes:
        raise ModelError(f"model {name} is larger than {limit_bytes // 1024**2} MB and is refused")
    return content


def _open_plain_file(path: Traversable) -> IO[bytes]:
    """Open a file for reading; a pipe or a device, which might never end, is refused."""
    if isinstance(path, Path):
        return os.fdopen(open_plain(path, os.O_RDONLY, follow=True), "rb")
    return path.open("rb")
