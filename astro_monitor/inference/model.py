"""An opened model: run it with named arrays, get named arrays."""

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
    """A model that fits its card and has run once. Safe to call from several threads.

    Parameters:
        card, session, provider, workers: as opened.
        on_cpu: opens the same model on the CPU, for when the device is lost; ``None`` where the user wants no other.

    Attributes:
        card: what it is.
        provider: ``cpu`` or ``cuda``; ``cpu`` once the device is lost.
        workers: how many threads of the caller should call :meth:`run` at once for best speed.
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
        """``name.version+hash``: what documents say about which model made them."""
        return f"{self.card.name}.{self.card.version}+{self.card.sha256[:IDENTITY_DIGITS]}"

    def require(self, *, preprocessing_version: str, inputs: Iterable[str], outputs: Iterable[str]) -> None:
        """Make sure that the caller's code and this model belong together.

        Parameters:
            preprocessing_version: name of the caller's preprocessing.
            inputs, outputs: names that the caller uses.

        Raises:
            ModelError: they do not fit.
        """
        if self.card.preprocessing_version != preprocessing_version:
            raise ModelError(
                f"model {self.card.name} wants preprocessing {self.card.preprocessing_version}, this program has "
                f"{preprocessing_version}; install the model that belongs to this version"
            )
        there = {spec.name for spec in (*self.card.inputs, *self.card.outputs)}
        missing = sorted({*inputs, *outputs} - there)
        if missing:
            raise ModelError(f"model {self.card.name} lacks {', '.join(missing)}; install the model that fits")

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the model once.

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
        """Leave a device that was lost for good, and run there what failed; whatever failed on the CPU is no such."""
        with self._changing:
            if self._session is failed:
                if self._on_cpu is None:
                    raise ModelError(f"model {self.card.name} failed: {error}") from error
                said = str(error).strip().partition("\n")[0][:200]
                log.warning(
                    "%s is lost (%s); model %s runs on the CPU from now on", self.provider, said, self.card.name
                )
                # The card of a device whose context has failed may answer nonsense that looks fine: never again.
                self._session, self._on_cpu, self.provider = self._on_cpu(), None, "cpu"
        try:
            return list(self._session.run(self._outputs, dict(inputs)))
        except Exception as again:
            raise ModelError(f"model {self.card.name} failed: {again}") from again

    def warm_up(self) -> None:
        """Run once on zeros, so that the first frame of the night is as quick as the others."""
        self.run({spec.name: np.zeros(_example(spec), spec.dtype) for spec in self.card.inputs})


def open_model(name: str, *, folder: Path | None = None, provider: Provider = "auto", threads: int = 0) -> Model:
    """Find a model, check it against its card, open it and warm it up.

    Parameters:
        name: such as ``star-unet``.
        folder: another folder of models; ``None``: that of ``ASTRO_MONITOR_MODELS__FOLDER``, else the shipped ones.
        provider: ``auto``, ``cpu`` or ``cuda``.
        threads: cores to use; 0 for all that this process may use.

    Raises:
        ModelError: missing, altered, does not fit its card, or the wanted provider is not there.
    """
    card, content = store.load(name, folder)
    cores = threads or _usable_cores()
    callers = card.concurrency == "callers"
    threads_inside = 1 if callers else cores
    session, chosen = open_session(content, choose(provider), provider, threads_inside)
    _compare(card, "input", card.inputs, session.get_inputs())
    _compare(card, "output", card.outputs, session.get_outputs())

    def on_cpu() -> onnxruntime.InferenceSession:
        return open_session(content, choose("cpu"), "cpu", threads_inside)[0]

    may_change = chosen == "cuda" and provider == "auto"
    model = Model(card, session, chosen, cores if callers and chosen == "cpu" else 1, on_cpu if may_change else None)
    model.warm_up()
    return model


def verify_model(name: str, folder: Path | None = None) -> Card:
    """Open a model on the CPU, run it once and compare it with its card.

    Returns:
        Its card.

    Raises:
        ModelError: anything does not fit.
    """
    return open_model(name, folder=folder, provider="cpu", threads=1).card


def _usable_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _compare(card: Card, what: str, specs: tuple[TensorSpec, ...], found: list[onnxruntime.NodeArg]) -> None:
    """Names, element types and shapes must be those of the card; free dimensions stay free."""
    told = {spec.name: (spec.dtype, _pattern(spec.shape)) for spec in specs}
    seen = {node.name: (_DTYPES.get(node.type, node.type), _pattern(node.shape)) for node in found}
    if told != seen:
        raise ModelError(
            f"model {card.name} does not fit its card: the {what}s are {seen}, the card says {told}; "
            "install the model again"
        )


def _pattern(shape: Iterable[int | str | None]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in shape)


def _example(spec: TensorSpec) -> tuple[int, ...]:
    if spec.example is not None:
        return spec.example
    return tuple(size if isinstance(size, int) else 1 for size in spec.shape)
