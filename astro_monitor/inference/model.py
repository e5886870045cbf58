"""An opened model, which maps named arrays to named arrays."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..errors import ModelError
from ..settings import Provider
from . import store
from .card import Card, TensorSpec
from .provider import choose, open_session

log = logging.getLogger(__name__)

_DTYPES = {"tensor(float)": "float32", "tensor(uint16)": "uint16", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}

IDENTITY_DIGITS = 12
"""Hex digits of the hash of a model in its identity: enough that no two models share it."""


class Model:
    """A model that matches its card and has run once. It may be called from several threads.

    Parameters:
        card, session, provider, workers: as opened.
        on_cpu: opens the same model on the CPU after a loss of the device; ``None`` where the user requires the device.

    Attributes:
        card: its description.
        provider: ``cpu`` or ``cuda``; ``cpu`` once the device is lost.
        workers: number of threads of the caller that should call :meth:`run` in parallel for best speed.
    """

    def __init__(
        self,
        card: Card,
        session: onnxruntime.InferenceSession,
        provider: str,
        workers: int,
        on_cpu: Callable[[], onnxruntime.InferenceSession] | None = None,
    ) -> None:
        self.card = card
        self.provider = provider
        self.workers = workers
        self._session = session
        self._on_cpu = on_cpu
        self._changing = threading.Lock()
        self._outputs = [spec.name for spec in card.outputs]

    @property
    def identity(self) -> str:
        """``name.version+hash``, by which documents identify the model."""
        return _card_identity(self.card)

    def require(self, *, preprocessing_version: str, inputs: Iterable[str], outputs: Iterable[str]) -> None:
        """Raise an error unless the model fits the caller's code.

        Parameters:
            preprocessing_version: version of the caller's preprocessing.
            inputs, outputs: names that the caller uses.

        Raises:
            ModelError: the model does not fit.
        """
        if self.card.preprocessing_version != preprocessing_version:
            raise ModelError(
                f"model {self.card.name} wants preprocessing {self.card.preprocessing_version}, this program has "
                f"{preprocessing_version}; install the model that belongs to this version"
            )
        available = {spec.name for spec in (*self.card.inputs, *self.card.outputs)}
        missing = sorted({*inputs, *outputs} - available)
        if missing:
            raise ModelError(f"model {self.card.name} lacks {', '.join(missing)}; install the model that fits")

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs of the model.

        Parameters:
            inputs: one array for each input of the card.

        Returns:
            One array for each output of the card.

        Raises:
            ModelError: the runtime refused the arrays or failed, also on the CPU.
        """
        session = self._session
        try:
            values = session.run(self._outputs, dict(inputs))
        except Exception as error:  # onnxruntime raises its own, unrelated classes
            values = self._run_on_cpu(session, inputs, error)
        return dict(zip(self._outputs, values, strict=True))

    def _run_on_cpu(
        self, failed: onnxruntime.InferenceSession, inputs: Mapping[str, NDArray[Any]], error: Exception
    ) -> Sequence[Any]:
        """Switch to the CPU after a loss of the device, and run there what failed; a failure on the CPU is final."""
        with self._changing:
            if self._session is failed:
                if self._on_cpu is None:
                    raise ModelError(f"model {self.card.name} failed: {error}") from error
                reason = str(error).strip().partition("\n")[0][:200]
                log.warning(
                    "%s is lost (%s); model %s runs on the CPU from now on", self.provider, reason, self.card.name
                )
                # A device whose context has failed may return wrong results without an error, so it is not used again.
                self._session, self._on_cpu, self.provider = self._on_cpu(), None, "cpu"
        try:
            return list(self._session.run(self._outputs, dict(inputs)))
        except Exception as again:
            raise ModelError(f"model {self.card.name} failed: {again}") from again

    def warm_up(self) -> None:
        """Run once on zeros, so that the first frame of the night is as fast as the others."""
        self.run({spec.name: np.zeros(_example_shape(spec), spec.dtype) for spec in self.card.inputs})


def open_model(name: str, *, folder: Path | None = None, provider: Provider = "auto", threads: int = 0) -> Model:
    """Return an opened model that matches its card and is warmed up.

    Parameters:
        name: such as ``star-unet``.
        folder: another folder of models; ``None`` for that of ``ASTRO_MONITOR_MODELS__FOLDER``, else the shipped one.
        provider: ``auto``, ``cpu`` or ``cuda``.
        threads: cores to use; 0 for all that this process may use.

    Raises:
        ModelError: the model is missing, altered or does not match its card, or the provider is not available.
    """
    card, content = store.load(name, folder)
    cores = threads or _usable_cores()
    callers = card.concurrency == "callers"
    threads_inside = 1 if callers else cores
    session, chosen = open_session(content, choose(provider), provider, threads_inside)
    _check_tensors(card, "input", card.inputs, session.get_inputs())
    _check_tensors(card, "output", card.outputs, session.get_outputs())

    def on_cpu() -> onnxruntime.InferenceSession:
        return open_session(content, choose("cpu"), "cpu", threads_inside)[0]

    may_change = chosen == "cuda" and provider == "auto"
    model = Model(card, session, chosen, cores if callers and chosen == "cpu" else 1, on_cpu if may_change else None)
    model.warm_up()
    return model


def identity_of(name: str, folder: Path | None = None) -> str:
    """Return the identity that a model would have once it is opened.

    Parameters:
        name: such as ``star-unet``.
        folder: as for :func:`open_model`.

    Raises:
        ModelError: missing or altered.
    """
    return _card_identity(store.load(name, folder)[0])


def _card_identity(card: Card) -> str:
    """Return the identity of a model from its card: name, version, and first digits of its SHA-256."""
    return f"{card.name}.{card.version}+{card.sha256[:IDENTITY_DIGITS]}"


def verify_model(name: str, folder: Path | None = None) -> Card:
    """Open a model on the CPU, run it once and compare it with its card.

    Returns:
        Its card.

    Raises:
        ModelError: the model does not match its card.
    """
    return open_model(name, folder=folder, provider="cpu", threads=1).card


def _usable_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _check_tensors(card: Card, role: str, specs: tuple[TensorSpec, ...], nodes: list[onnxruntime.NodeArg]) -> None:
    """Raise an error unless names, element types and shapes are those of the card; free dimensions match free ones."""
    declared = {spec.name: (spec.dtype, _fixed_sizes(spec.shape)) for spec in specs}
    actual = {node.name: (_DTYPES.get(node.type, node.type), _fixed_sizes(node.shape)) for node in nodes}
    if declared != actual:
        raise ModelError(
            f"model {card.name} does not fit its card: the {role}s are {actual}, the card says {declared}; "
            "install the model again"
        )


def _fixed_sizes(shape: Iterable[int | str | None]) -> tuple[int | None, ...]:
    """Return the shape of a tensor with ``None`` for each dimension of free size."""
    return tuple(size if isinstance(size, int) else None for size in shape)


def _example_shape(spec: TensorSpec) -> tuple[int, ...]:
    """Return the shape of an example input of a model; 1 for dimensions of free size unless the card has an example."""
    if spec.example is not None:
        return spec.example
    return tuple(size if isinstance(size, int) else 1 for size in spec.shape)
