"""The two stages: sources to features, which needs no other frame; features and numbers to classes, fault scores, cause
and an honest "unknown".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..documents.vocabulary import CAUSES_OF_CLASS
from ..errors import GradeFailed, ModelError
from ..inference import IDENTITY_DIGITS, Model
from ..records import (
    CLASSES,
    FAULTS,
    Baseline,
    Detections,
    Frame,
    Grade,
    Measurements,
    SourceFeatures,
    Stars,
)
from .domain import in_domain
from .inputs import INPUTS, HeadInputs, head_inputs
from .known import FIRM_BASELINE
from .profile import profile_numbers
from .sources import Sources, mean_image, sources

SOURCE_PREPROCESSING_VERSION = "quality-2"
"""Changed whenever the source part would see other numbers for the same frame."""
PREPROCESSING_VERSION = "quality-3"
"""The same of the head."""

SOURCE_INPUTS = ("sources", "valid")
SOURCE_OUTPUTS = ("source_features", "quantisation_error", "clusters")
OUTPUTS = ("class", "fault", "cause", "familiar")
SOURCE_PART_SHA256 = "source_part_sha256"
"""Parameter on the card of the head: the hash of the source part that it was cut from."""

LEAST_STARS = 3
"""With fewer stars a class is named only where the rig is known and the model certain; with none, never ``good``."""

PLAIN, PLAIN_DOMAIN = 0.95, 0.95
"""Bad seeing of this probability, in stars as the map knows them so well, is named without a baseline, also for a
single star: the rings of a defocused star are like nothing else."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the network said of one frame."""

    probabilities: NDArray[np.float64]
    faults: NDArray[np.float64]
    causes: NDArray[np.float64]
    familiar: float


def require_pair(source_part: Model, head: Model) -> None:
    """Raise an error unless the source part and the head were cut from one quality model.

    Raises:
        ModelError: they were not.
    """
    if head.card.parameters.get(SOURCE_PART_SHA256) != source_part.card.sha256:
        raise ModelError(
            f"models {source_part.identity} and {head.identity} do not belong together; install both again"
        )


class SourceGrader:
    """The part of the quality model that sees the sources of a frame; keeps nothing from one to the next.

    Parameters:
        model: the source part of the quality model.

    Raises:
        ModelError: the model does not belong to this program.
    """

    def __init__(self, model: Model) -> None:
        model.require(preprocessing_version=SOURCE_PREPROCESSING_VERSION, inputs=SOURCE_INPUTS, outputs=SOURCE_OUTPUTS)
        self._model = model

    def features(self, frame: Frame, detections: Detections, stars: Stars) -> SourceFeatures:
        """Describe the sources of a frame as the head of the quality model needs them.

        Parameters:
            frame: for its shape; its pixels are not read.
            detections: for the sky mesh.
            stars: with their cut-outs.

        Raises:
            GradeFailed: the model gave up.
        """
        shape = (frame.pixels.shape[0], frame.pixels.shape[1])
        table = sources(stars, detections.sky, shape)
        return self.features_of(table, stars.stamp_bin, profile_numbers(table, stars, shape))

    def features_of(self, table: Sources, stamp_bin: int, profile: Sequence[float | None]) -> SourceFeatures:
        """Describe the sources from what :func:`sources` and :func:`profile_numbers` made; the evaluation enters here.

        Parameters:
            table: of the frame.
            stamp_bin: binning of the cut-outs.
            profile: one number for each of ``PROFILE_NUMBERS``.
        """
        answer = _run(self._model, {"sources": table.rows[None], "valid": table.valid[None]})
        count = int(table.valid.sum())
        return SourceFeatures(
            features=_frozen(answer["source_features"][0]),
            clusters=_frozen(answer["clusters"][0]),
            quantisation_error=float(answer["quantisation_error"][0, 0]),
            source_count=count,
            stamp_bin=stamp_bin,
            profile=tuple(profile),
            mean_image=_frozen(mean_image(table)),
            model=self._model.identity,
        )


class Grader:
    """The head of the quality model: learned quality of one frame at a time; keeps nothing from one to the next.

    Parameters:
        model: the head of the quality model.
        normal_fwhm_arcsec: FWHM of a good frame at this site, used while there is no baseline.

    Raises:
        ModelError: the model does not belong to this program.
    """

    def __init__(self, model: Model, normal_fwhm_arcsec: float) -> None:
        model.require(preprocessing_version=PREPROCESSING_VERSION, inputs=INPUTS, outputs=OUTPUTS)
        self._model = model
        self._causes = model.card.class_names["cause"]  # those that were known when it was trained
        self._normal_fwhm_arcsec = normal_fwhm_arcsec

    def fits(self, features: SourceFeatures) -> bool:
        """Return whether the features come from the source part that this head was cut from.

        Parameters:
            features: of any frame, perhaps looked at with other models.
        """
        expected = str(self._model.card.parameters.get(SOURCE_PART_SHA256, ""))
        return features.model.endswith(f"+{expected[:IDENTITY_DIGITS]}")

    def grade(self, features: SourceFeatures, measurements: Measurements, baseline: Baseline) -> Grade:
        """Grade a frame.

        Parameters:
            features: of its sources.
            measurements: of the same frame, those relative to the baseline included.
            baseline: of this rig; size 0 when nothing is known yet.

        Raises:
            GradeFailed: the model gave up, or the features are those of another source part.
        """
        if not self.fits(features):
            raise GradeFailed(
                f"the frame was looked at with {features.model or 'no model'}, which the quality model "
                f"{self._model.identity} does not know; grade the frame again"
            )
        inputs = head_inputs(features, measurements, baseline, self._normal_fwhm_arcsec)
        separation = measurements.values["star_separation_fwhm"]
        return self.grade_inputs(measurements.frame_id, features, inputs, separation, baseline.size)

    def grade_inputs(
        self,
        frame_id: str,
        features: SourceFeatures,
        inputs: HeadInputs,
        separation_fwhm: float | None,
        baseline_size: int,
    ) -> Grade:
        """Grade from features and what :func:`~.inputs.head_inputs` made; the evaluation enters here.

        Parameters:
            features: of the sources.
            inputs: all that the head sees.
            separation_fwhm: ``star_separation_fwhm`` of the measurements.
            baseline_size: frames in the baseline.
        """
        answer = self._ask(inputs)
        star_count = features.source_count
        domain = in_domain(
            features.quantisation_error, star_count, separation_fwhm, answer.familiar, self._model.card.calibration
        )
        best = int(np.argmax(answer.probabilities))
        label = CLASSES[best]
        why = self._why_unknown(answer, label, star_count, baseline_size, domain)
        by_cause = dict(zip(self._causes, answer.causes.tolist(), strict=True))
        of_class = {name: by_cause[name] for name in CAUSES_OF_CLASS[label] if name in by_cause}
        cause = max(of_class, key=lambda name: of_class[name])
        return Grade(
            frame_id=frame_id,
            label="unknown" if why else label,
            probabilities=dict(zip(CLASSES, answer.probabilities.tolist(), strict=True)),
            fault_scores=dict(zip(FAULTS, answer.faults.tolist(), strict=True)),
            cause=cause,
            cause_probability=of_class[cause] / max(sum(of_class.values()), 1e-9),
            in_domain=domain,
            why_unknown=why,
            model=self._model.identity,
            cause_probabilities=by_cause,
        )

    def _ask(self, inputs: HeadInputs) -> _Answer:
        """Run the quality model on a frame; return its class probabilities, fault scores and cause scores."""
        answer = _run(self._model, inputs.batch())
        probabilities = answer["class"][0].astype(np.float64)
        if not np.isfinite(probabilities).all():
            raise GradeFailed("the quality model gave no numbers for this frame; please report this file")
        return _Answer(
            probabilities / probabilities.sum(),
            np.clip(answer["fault"][0].astype(np.float64), 0, 1),
            answer["cause"][0].astype(np.float64),
            float(answer["familiar"][0, 0]),
        )

    def _why_unknown(self, answer: _Answer, label: str, star_count: int, baseline_size: int, domain: float) -> str:
        """Return in one sentence why no class is given; empty when one is."""
        thresholds = self._model.card.thresholds
        probability = float(answer.probabilities.max())
        if star_count < LEAST_STARS:
            tellable = star_count > 0 or label != "good"
            if tellable and baseline_size >= FIRM_BASELINE and probability >= thresholds["few_stars"]:
                return ""
            if star_count and label == "bad_seeing" and probability >= PLAIN and domain >= PLAIN_DOMAIN:
                return ""
            found = "no star" if star_count == 0 else "only one star" if star_count == 1 else "only two stars"
            return f"{found} could be measured, too little to tell what is wrong."
        if domain < thresholds["in_domain"]:
            return "the sources of this frame look like nothing the model was trained on."
        good = float(answer.probabilities[CLASSES.index("good")])
        # Which of two faults it is does not matter to whether the frame is bad.
        if (good if label == "good" else 1 - good) < thresholds[label]:
            return f"no class is certain enough (best: {label.replace('_', ' ')}, {100 * probability:.0f} %)."
        return ""


def _run(model: Model, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Run a model of the grade stage; raise ``GradeFailed`` when it fails on this frame."""
    try:
        return model.run(inputs)
    except ModelError as error:
        first_line = str(error).partition("\n")[0]
        raise GradeFailed(f"the quality model failed on this frame: {first_line}") from error


def _frozen(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the same features of a frame, made read-only."""
    values.flags.writeable = False
    return values
