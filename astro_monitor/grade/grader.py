"""The stage: measurements and cut-outs in, classes, fault scores, cause and an honest "unknown" out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..documents.vocabulary import CAUSES_OF_CLASS
from ..errors import GradeFailed, ModelError
from ..inference import Model
from ..records import (
    CAUSES,
    CLASSES,
    FAULTS,
    Baseline,
    Detections,
    Frame,
    Grade,
    Measurements,
    Stars,
)
from .domain import in_domain
from .profile import profile_numbers
from .sources import Sources, sources
from .statistics import FIRM_BASELINE, Context, cells_sky_adu, statistics

PREPROCESSING_VERSION = "quality-2"
"""Changed whenever the network would see other numbers for the same frame."""

INPUTS = ("sources", "valid", "statistics")
OUTPUTS = ("class", "fault", "cause", "quantisation_error", "clusters")

LEAST_STARS = 3
"""With fewer stars only a fault that is plain against the baseline is told; with none, only one of the sky."""

PLAIN, PLAIN_DOMAIN = 0.95, 0.95
"""Bad seeing of this probability, in stars as the map knows them so well, is told without a baseline, of a lone star
too: the rings of a defocused star are like nothing else."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the network said of one frame."""

    probabilities: NDArray[np.float64]
    faults: NDArray[np.float64]
    causes: NDArray[np.float64]
    error: float


class Grader:
    """Learned quality of one frame at a time; keeps nothing from one to the next.

    Parameters:
        model: the quality model.
        normal_fwhm_arcsec: FWHM of a good frame at this site, used while there is no baseline.

    Raises:
        ModelError: the model does not belong to this program.
    """

    def __init__(self, model: Model, normal_fwhm_arcsec: float) -> None:
        model.require(preprocessing_version=PREPROCESSING_VERSION, inputs=INPUTS, outputs=OUTPUTS)
        self._model = model
        self._normal_fwhm_arcsec = normal_fwhm_arcsec

    def grade(
        self, frame: Frame, detections: Detections, stars: Stars, measurements: Measurements, baseline: Baseline
    ) -> Grade:
        """Grade a frame.

        Parameters:
            frame: for its identity and shape; its pixels are not read.
            detections: for the sky mesh.
            stars: with their cut-outs.
            measurements: of the same frame.
            baseline: what is normal for this rig; size 0 when nothing is known yet.

        Raises:
            GradeFailed: the model gave up.
        """
        shape = (frame.pixels.shape[0], frame.pixels.shape[1])
        table = sources(stars, detections.sky, shape)
        context = Context(
            spreads=baseline.spreads,
            size=baseline.size,
            sky_pattern=baseline.sky_pattern,
            sky_stray=baseline.sky_stray,
            normal_fwhm_arcsec=self._normal_fwhm_arcsec,
        )
        numbers = statistics(
            measurements.values,
            cells_sky_adu(measurements.field_grid),
            stars.stamp_bin,
            profile_numbers(table, stars, shape),
            context,
        )
        separation = measurements.values["star_separation_fwhm"]
        return self.grade_inputs(frame.frame_id, table, numbers, separation, baseline.size)

    def grade_inputs(
        self,
        frame_id: str,
        table: Sources,
        numbers: NDArray[np.float32],
        separation_fwhm: float | None,
        baseline_size: int,
    ) -> Grade:
        """Grade from what :func:`sources` and :func:`statistics` made; the evaluation enters here.

        Parameters:
            table: of the frame.
            numbers: (``STATISTICS_LENGTH``,).
            separation_fwhm: ``star_separation_fwhm`` of the measurements.
            baseline_size: frames in the baseline.
        """
        answer = self._ask(table, numbers)
        star_count = int(table.valid.sum())
        domain = in_domain(answer.error, star_count, separation_fwhm, self._model.card.calibration)
        best = int(np.argmax(answer.probabilities))
        label = CLASSES[best]
        why = self._why_unknown(answer, label, star_count, baseline_size, domain)
        causes = np.array([CAUSES.index(cause) for cause in CAUSES_OF_CLASS[label]])
        cause = causes[np.argmax(answer.causes[causes])]
        given_class = answer.causes[cause] / max(float(answer.causes[causes].sum()), 1e-9)
        return Grade(
            frame_id=frame_id,
            label="unknown" if why else label,
            probabilities=dict(zip(CLASSES, answer.probabilities.tolist(), strict=True)),
            fault_scores=dict(zip(FAULTS, answer.faults.tolist(), strict=True)),
            cause=CAUSES[cause],
            cause_probability=float(given_class),
            in_domain=domain,
            why_unknown=why,
            model=self._model.identity,
            cause_probabilities=dict(zip(CAUSES, answer.causes.tolist(), strict=True)),
        )

    def _ask(self, table: Sources, numbers: NDArray[np.float32]) -> _Answer:
        try:
            said = self._model.run(
                {"sources": table.rows[None], "valid": table.valid[None], "statistics": numbers[None]}
            )
        except ModelError as error:
            first_line = str(error).partition("\n")[0]
            raise GradeFailed(f"the quality model failed on this frame: {first_line}") from error
        probabilities = said["class"][0].astype(np.float64)
        if not np.isfinite(probabilities).all():
            raise GradeFailed("the quality model gave no numbers for this frame; please report this file")
        return _Answer(
            probabilities / probabilities.sum(),
            np.clip(said["fault"][0].astype(np.float64), 0, 1),
            said["cause"][0].astype(np.float64),
            float(said["quantisation_error"][0, 0]),
        )

    def _why_unknown(self, answer: _Answer, label: str, star_count: int, baseline_size: int, domain: float) -> str:
        """Say in one sentence why no class is given; empty when one is."""
        thresholds = self._model.card.thresholds
        probability = float(answer.probabilities.max())
        if star_count < LEAST_STARS:
            tellable = label != "good" if star_count else label == "background_issue"
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
