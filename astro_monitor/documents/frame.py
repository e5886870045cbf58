"""Documents about one file: judged, skipped, failed, and revised later."""

from __future__ import annotations

from pydantic import ConfigDict, Field, FiniteFloat

from .base import Body
from .vocabulary import Decision


class ReasonBody(Body):
    """One rule's word on a frame."""

    rule: str
    decision: Decision
    metric: str
    value: FiniteFloat | None
    limit: FiniteFloat | None
    unit: str
    sentence: str


class StreakBody(Body):
    """One trail, sensor pixels."""

    x0_px: FiniteFloat
    y0_px: FiniteFloat
    x1_px: FiniteFloat
    y1_px: FiniteFloat
    angle_deg: FiniteFloat
    length_px: FiniteFloat
    width_px: FiniteFloat


class BaselineBody(Body):
    """What the frame was compared with."""

    size: int
    fwhm_px: FiniteFloat | None
    background_adu: FiniteFloat | None
    star_count: FiniteFloat | None


class FieldGridBody(Body):
    """Numbers over the field, in cells row by row: each list has ``columns`` × ``rows`` entries.

    Attributes:
        star_count: stars in the cell.
        sky_adu: sky level.
        fwhm_px: median FWHM, sensor pixels; ``null`` where there are too few stars, as in the two that follow.
        elongation: median ratio of the axes of the stars.
        angle_deg: mean direction of the long axes, from +x to +y.
    """

    columns: int
    rows: int
    star_count: list[int]
    sky_adu: list[FiniteFloat]
    fwhm_px: list[FiniteFloat | None]
    elongation: list[FiniteFloat | None]
    angle_deg: list[FiniteFloat | None]


class MetaBody(Body):
    """Header facts. ``null`` is unknown. ``sources`` names the keyword behind each.

    Attributes:
        frame_type: as the header spells it.
        ra_deg, dec_deg: where the telescope pointed.
        airmass: by the header, or by the altitude that it gives.
        east_angle_deg: direction of increasing right ascension on the sensor, from +x to +y, by a plate solution.
    """

    kind: str
    frame_type: str | None = None
    program: str | None = None
    date_obs_utc: str | None = None
    exposure_s: FiniteFloat | None = None
    filter: str | None = None
    target: str | None = None
    camera: str | None = None
    telescope: str | None = None
    gain: FiniteFloat | None = None
    offset: FiniteFloat | None = None
    binning: int = 1
    sensor_temp_c: FiniteFloat | None = None
    scale_arcsec_px: FiniteFloat | None = None
    bayer: str | None = None
    altitude_deg: FiniteFloat | None = None
    airmass: FiniteFloat | None = None
    ra_deg: FiniteFloat | None = None
    dec_deg: FiniteFloat | None = None
    east_angle_deg: FiniteFloat | None = None
    pier_side: str | None = None
    focuser_position: FiniteFloat | None = None
    width_px: int | None = None
    height_px: int | None = None
    sources: dict[str, str] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)


class FrameJudged(Body):
    """The verdict on one light frame.

    ``measurements`` has every key of the metric table; a missing number is ``null`` and ``why_missing`` says why.

    Attributes:
        weight: what the frame counts in a stack, 0 to 1, as far as the frames before it tell; 0 unless kept. The lists
            compute it again from ``measurements``, relative to the best frames of the whole list.
        bright_stars_px: places (x, y) of the brightest stars, brightest first, at most 24; lists use them to separate
            the panels of a mosaic. Empty where the header gives the pointing.
        rig: telescope and camera in lower case; frames of one rig have the same text. Empty where the header names
            neither, and in documents from before protocol 1.2.
        field_grid: numbers over the field; ``null`` where there are none, as in documents from before protocol 1.2.
        preview: name of a small picture of the frame, to ask for it; empty where there is none. The picture may have
            been removed since, to save space.
        weight_if_kept: the weight if a person keeps the frame; ``null`` in documents from before protocol 1.1.
        weight_factor: by which rules of plugins lower the weight, also that in the lists; 1 in documents from before
            protocol 1.3.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, populate_by_name=True)

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str
    sha256: str
    class_: str = Field(alias="class")
    class_probabilities: dict[str, FiniteFloat]
    fault_scores: dict[str, FiniteFloat]
    cause: str
    cause_probability: FiniteFloat
    in_domain: FiniteFloat
    flags: list[str]
    decision: Decision
    reasons: list[ReasonBody]
    weight: FiniteFloat
    weight_if_kept: FiniteFloat | None = None
    weight_factor: FiniteFloat = 1.0
    meta: MetaBody
    measurements: dict[str, FiniteFloat | None]
    why_missing: dict[str, str]
    streaks: list[StreakBody]
    bright_stars_px: list[list[FiniteFloat]] = Field(default_factory=list)
    rig: str = ""
    field_grid: FieldGridBody | None = None
    preview: str = ""
    baseline: BaselineBody
    models: list[str]
    rules_version: str
    timings_s: dict[str, FiniteFloat]


class FrameSkipped(Body):
    """A sound file that is no light frame: a dark, a flat, a stacked image. It is noted, never measured or decided on.

    Attributes:
        type: what it is, in lower case: ``dark``, ``flat``, ``bias``, ``product``, and others in later versions.
        why: one sentence.
        keyword: the header keyword that gave the type; empty when the type has another source.
        rig: as in ``frame.judged``.
    """

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str
    sha256: str
    type: str
    why: str
    keyword: str
    rig: str = ""
    meta: MetaBody
    timings_s: dict[str, FiniteFloat]


class FrameFailed(Body):
    """A file that could not be graded: stage, kind, and one sentence.

    Attributes:
        retryable: the trouble may pass: the file stays due, and the document that replaces this one has its ``doc_id``
            as its cause. Otherwise the outcome is final for this content.
    """

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str | None
    stage: str
    kind: str
    known: bool
    retryable: bool
    sentence: str
    timings_s: dict[str, FiniteFloat]


class FrameRevised(Body):
    """A decision was changed later; the first one stays in the log.

    Attributes:
        weight: what the frame counts in a stack from now on: that of the formula, also where a person keeps a frame
            which the rules did not. Absent in documents from before it was recorded; there a kept frame has the weight
            of its first verdict, or 1 where that decision was not *keep*.
        relative_path: as in its ``frame.judged`` document; empty in documents of 1.0.
        class_, cause: as they stand now: a second look may see another class; empty in documents of 1.0.
        replaced_by: frame that its file holds now: another content of the same exposure, such as the whole picture of
            one that was judged too early. Its verdict holds instead; empty in all other revisions.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, populate_by_name=True)

    frame_id: str
    file: str
    old_decision: Decision
    new_decision: Decision
    by: str
    why: str
    weight: float | None = None
    relative_path: str = ""
    replaced_by: str = ""
    class_: str = Field("", alias="class")
    cause: str = ""
