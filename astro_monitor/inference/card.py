"""Model cards: identity, inputs and outputs, origin and scores of a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from ..complaints import wrong
from ..errors import ModelError


class TensorSpec(BaseModel):
    """One input or output of a model.

    Attributes:
        name: name in the graph.
        shape: sizes; a text is a free dimension (``"batch"``).
        dtype: numpy name of the element type.
        example: a complete shape that the model accepts, to warm it up and to test parity; inputs only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"
    example: tuple[int, ...] | None = None


class Card(BaseModel):
    """The description of one model. A model that does not match its card is refused.

    Attributes:
        name, version: ``name.version`` identifies the model together with its hash.
        sha256, size_bytes: digest and size of the ``.onnx`` file of the same name.
        preprocessing_version: version of the code that makes the inputs; must be that of the caller.
        concurrency: ``callers``: several threads call it in parallel, each call runs on one core (for tiles);
            ``inside``: one call at a time uses all cores.
        class_names: names of the classes of each output with classes, in order.
        calibration: numbers fitted on the validation rigs, such as a temperature.
        thresholds: decision limits fitted on the validation rigs.
        parameters: fixed numbers that the caller needs, such as scales of statistics.
        recipe: how it was trained.
        data_manifest_sha256: digest of the list of all training data.
        scores: results of the evaluation on rigs that were not used for training.
        parity_max_abs_diff: largest difference between the trained network and this file on the same inputs.
        card_sha256: digest of the other fields, see :func:`seal`, so that damage to a limit is detected like damage to
            the model. Empty in a card that was not written yet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    card_schema: Literal["astro-monitor/model-card/1"] = "astro-monitor/model-card/1"
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(pattern=r"^[0-9][0-9A-Za-z.]*$")
    summary: str
    licence: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    opset: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    preprocessing_version: str
    concurrency: Literal["callers", "inside"] = "inside"
    class_names: dict[str, tuple[str, ...]] = {}
    calibration: dict[str, JsonValue] = {}
    thresholds: dict[str, float] = {}
    parameters: dict[str, JsonValue] = {}
    recipe: dict[str, JsonValue]
    data_manifest_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scores: dict[str, JsonValue] = {}
    parity_max_abs_diff: float = Field(ge=0)
    card_sha256: str = ""

    @classmethod
    def parse(cls, text: str | bytes, origin: str) -> Card:
        """Return the card in a JSON text.

        Parameters:
            text: the JSON.
            origin: name of its file, for the error message.

        Raises:
            ModelError: the card is altered or damaged, or not of this version; the message names the first wrong field.
        """
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError):
            plain = None
        if not isinstance(plain, dict) or plain.get("card_sha256") != seal(plain):
            raise ModelError(f"model card {origin} was altered or damaged; install the model again")
        try:
            return cls.model_validate(plain)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            complaint = wrong(tuple(str(step) for step in first["loc"]), dict(first))
            raise ModelError(f"model card {origin} is not valid ({complaint}); install the model again") from error

    def check_file(self, content: bytes) -> None:
        """Raise an error unless ``content`` is the file that this card describes.

        Raises:
            ModelError: the hash differs.
        """
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise ModelError(
                f"model {self.name} was altered or damaged: its SHA-256 is {digest[:12]}…, its card says "
                f"{self.sha256[:12]}…; install the model again"
            )


def seal(plain: Mapping[str, Any]) -> str:
    """Return the digest of a card: SHA-256 of its JSON without ``card_sha256``, with sorted keys, without blanks."""
    fields = {key: value for key, value in plain.items() if key != "card_sha256"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
