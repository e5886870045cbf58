"""The card beside each model: what it is, what goes in and out, how it was made and how good it is."""

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
        name: as in the graph.
        shape: sizes; a text is a free dimension (``"batch"``).
        dtype: numpy name of the element type.
        example: a complete shape that the model accepts; used to warm it up and to test parity. Inputs only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"
    example: tuple[int, ...] | None = None


class Card(BaseModel):
    """Everything a user or a program should know of one model. A model that does not fit its card is refused.

    Attributes:
        name, version: ``name.version`` identifies the model together with its hash.
        sha256, size_bytes: of the ``.onnx`` file of the same name.
        preprocessing_version: name of the code that makes the inputs; must be the one the caller has.
        concurrency: ``callers``: several threads call it at once, each call runs on one core (good for tiles);
            ``inside``: one call at a time uses all cores.
        class_names: for each output with classes, their names in order.
        calibration: numbers found on the validation rigs, such as a temperature.
        thresholds: decision limits found on the validation rigs.
        parameters: fixed numbers the caller needs, such as scales of statistics.
        recipe: how it was trained.
        data_manifest_sha256: digest of the list of everything it was trained on.
        scores: as measured by the evaluation on rigs that training never saw.
        parity_max_abs_diff: largest difference between the trained network and this file on the same inputs.
        card_sha256: of the other fields, see :func:`seal`: a digit that fell over in a limit is found like one in the
            model. Empty in a card that was not written yet.
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
        """Read a card.

        Parameters:
            text: its JSON.
            origin: where it came from, for the error sentence.

        Raises:
            ModelError: altered or damaged, or not a card of this version; the sentence names the first wrong field.
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
            said = wrong(tuple(str(step) for step in first["loc"]), dict(first))
            raise ModelError(f"model card {origin} is not valid ({said}); install the model again") from error

    def check_file(self, content: bytes) -> None:
        """Make sure that ``content`` is the file this card describes.

        Raises:
            ModelError: the hash differs.
        """
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ModelError(
                f"model {self.name} was altered or damaged: its SHA-256 is {found[:12]}…, its card says "
                f"{self.sha256[:12]}…; install the model again"
            )


def seal(plain: Mapping[str, Any]) -> str:
    """Give the digest of a card: SHA-256 of its JSON without ``card_sha256``, keys in order, without blanks."""
    fields = {key: value for key, value in plain.items() if key != "card_sha256"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
