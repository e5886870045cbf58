"""The report says what was measured, and the cards say the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.inference import list_models
from astro_monitor.records import CLASSES, Grade

pytest.importorskip("keras", reason="needs the 'train' extra")
pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training

from training.iqa.evaluate import Judged, all_scores, firm_frames, scores_of  # noqa: E402
from training.iqa.grouping import SourceMap  # noqa: E402
from training.iqa.map_pictures import hits, u_matrix  # noqa: E402
from training.report import command, gather, plots, slices  # noqa: E402
from training.report.page import write_page  # noqa: E402
from training.unet.rivals import FIELDS, FINDERS, SNR_EDGES  # noqa: E402

REPORT = Path(__file__).parents[3] / "docs" / "reports" / "models"


def judged(
    truth: str, said: str, chance: float = 0.9, rig: int = 0, cause: str = "none", margin: float = 0.3
) -> Judged:
    best = max(CLASSES, key=lambda name: name == said)
    probabilities = {name: chance if name == best else (1 - chance) / 4 for name in CLASSES}
    grade = Grade(
        frame_id="", label=said, probabilities=probabilities, fault_scores={}, cause=cause, cause_probability=1.0,
        in_domain=1.0, why_unknown="", model="",
    )  # fmt: skip
    truths = {"label": truth, "cause": cause, "margin": margin, "light_lost": False}
    return Judged(
        rig=rig, index=0, truth=truths, grade=grade, label=said, decision="keep" if said == "good" else "reject",
        cause=cause, baseline_size=9, stars=20 + rig,
    )  # fmt: skip


FRAMES = [
    *(judged("good", "good", rig=number) for number in range(6)),
    judged("good", "bad_seeing", 0.7, rig=6, margin=0.05),
    judged("bad_seeing", "bad_seeing", rig=7, cause="defocus"),
    judged("bad_seeing", "good", 0.99, rig=8, cause="defocus"),
    judged("ambiguous", "good", rig=9),
]


def test_slices_are_over_firm_frames():
    firm = firm_frames(FRAMES)
    assert len(firm) == 9
    (stars,) = slices.by_stars(firm)
    assert (stars["from"], stars["to"], stars["frames"]) == (20, 59, 9)
    assert stars["right_class"] == pytest.approx(7 / 9, abs=1e-3)
    causes = slices.by_cause(firm)
    assert causes["defocus"] == {"frames": 2, "right_class": 0.5, "kept": 0.5, "right_cause": 1.0}
    margins = {row["from"]: row["accuracy"] for row in slices.by_margin(firm)}
    assert margins == {0.0: 0.0, 0.25: pytest.approx(7 / 8, abs=1e-3)}
    assert slices.by_rig(firm)[:3] == [0.0, 0.0, 1.0]
    kinds = slices.by_kind(firm, {rig: "night" if rig < 7 else "bad start" for rig in range(10)})
    assert kinds["night"] == {"frames": 7, "right_class": pytest.approx(6 / 7, abs=1e-3), "good_kept": 0.8571}


def test_reliability_compares_confidence_with_accuracy():
    bins = {row["confidence"]: (row["accuracy"], row["frames"]) for row in slices.reliability(firm_frames(FRAMES))}
    assert bins[0.7] == (0.0, 1)
    assert sum(frames for _, frames in bins.values()) == 9


def test_the_worst_failures_come_first_and_one_of_each_rig():
    again = judged("bad_seeing", "good", 0.95, rig=8, cause="defocus")
    found = slices.worst([*firm_frames(FRAMES), again], 5)
    assert [(one.rig, one.truth["label"]) for one in found] == [(8, "bad_seeing"), (6, "good")]


def test_a_report_is_written_with_all_its_pictures(tmp_path, monkeypatch):
    firm = firm_frames(FRAMES)
    card = all_scores(FRAMES, "test")
    quality = {
        "model": "quality.9", "card": card, "traditional": scores_of(firm), "by_cause": slices.by_cause(firm),
        "by_stars": slices.by_stars(firm),
        "by_kind": slices.by_kind(firm, dict.fromkeys(range(10), "night")),
        "by_margin": slices.by_margin(firm),
        "by_rig": slices.by_rig(firm), "reliability": slices.reliability(firm),
    }  # fmt: skip
    row = {"product_snr_3_10": 0.5, "purity": 0.9, "completeness_snr_3_10": 0.6, "position_rms_px": 0.2,
           "position_median_px": 0.1, "snr_at_90_percent": None, "pure_purity": None, "best_setting": "5 sigma",
           "completeness_by_snr": [0.5] * (len(SNR_EDGES) - 1)}  # fmt: skip
    stars = {
        "model": "star-unet.9", "rival_frames": 3, "rivals": {kind: dict.fromkeys(FINDERS, row) for kind in FIELDS},
        "card": {
            "frames": 3, "kind_f1": {"star": 0.9}, "kind_macro_f1": 0.9, "kind_macro_f1_95": [0.8, 0.95],
            "artefacts_called_stars": 0.01, "artefacts_called_stars_95": [0.0, 0.02], "trail_recall": 0.5,
            "trail_recall_95": [0.1, 0.9], "trails": {"found": 1, "asked": 2}, "false_trails_per_frame": 0.01,
            "star_finder": {"all": {"position_median_px": 0.1, "position_rms_px": 0.2}},
        },
    }  # fmt: skip
    failure = gather.Failure(title="a frame", pixels=np.ones((40, 60), np.uint16), stack=np.ones((49, 49)))
    monkeypatch.setattr(gather, "quality_scores", lambda *_: (quality, FRAMES))
    monkeypatch.setattr(gather, "failures", lambda *_: [failure])
    strange = {"each": 2, "said": {"planet": {"unknown": 2}}, "unknown": 1.0, "unknown_95": [0.9, 1.0]}
    monkeypatch.setattr(gather, "strange_scores", lambda *_: strange)
    monkeypatch.setattr(gather, "star_scores", lambda *_: stars)
    rng = np.random.default_rng(1)
    codebook = rng.random((225, 636), np.float32)
    drawn = SourceMap(
        scale=np.ones(636, np.float32), offset=np.zeros(636, np.float32), codebook=codebook,
        cluster_of_unit=np.arange(225) % 20, centres=codebook[:20], quantisation_error=1.5, topographic_error=0.25,
    )  # fmt: skip
    (tmp_path / "data" / "som").mkdir(parents=True)
    drawn.save(tmp_path / "data" / "map.npz")
    np.save(tmp_path / "data" / "som" / "vectors.npy", rng.random((500, 636), np.float32))
    row_of = {"accuracy": 0.9, "accuracy_95": [0.8, 0.95], "macro_f1": 0.9, "points": -1.5, "points_95": [-2.0, -1.0]}
    parts = {"recipe": {"epochs": 3}, "networks": {"without the kernel": row_of}}
    (tmp_path / "data" / "ablation.json").write_text(json.dumps(parts), "utf-8")
    out = tmp_path / "report"
    assert command.main(["--folder", str(tmp_path / "data"), "--out", str(out)]) == 0
    text = (out / "README.md").read_text("utf-8")
    for picture in out.glob("*.png"):
        assert picture.name in text
    assert len(list(out.glob("*.png"))) == 9
    assert "| five-class accuracy | ≥ 0.98 | 0.778" in text
    assert "quantisation error 1.50, topographic error 0.250" in text
    assert "| nebulous | sep | 0.500 | 0.900 | 0.600 | 0.1, 0.2 | never | – | 5 sigma |" in text
    assert "| planet | unknown 2 |" in text
    assert "| without the kernel | 0.900 | 0.800 to 0.950 | 0.900 | -1.50 | -2.00 to -1.00 |" in text
    before = (out / "scores.json").read_text("utf-8")
    assert command.main(["--folder", str(tmp_path / "data"), "--out", str(out), "--only", "stars"]) == 0
    assert (out / "scores.json").read_text("utf-8") == before


def test_the_u_matrix_is_high_where_groups_part_and_every_vector_hits_one_unit():
    codebook = np.zeros((225, 3), np.float32)
    codebook[:, 0] = np.arange(225) // 15 >= 8
    ridge = u_matrix(codebook).reshape(15, 15)
    assert ridge[7:9].min() > 0.2
    assert ridge[:6].max() == ridge[10:].max() == 0
    vectors = np.repeat(np.arange(225, dtype=np.float32)[:, None], 3, axis=1)
    assert hits(vectors[:40], vectors).tolist() == [1] * 40 + [0] * 185


def test_a_failure_without_its_frame_is_shown_by_its_stars(tmp_path):
    plots.draw_failure(tmp_path / "a.png", None, np.zeros((49, 49)), "nothing was found")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_the_report_that_ships_is_that_of_the_shipped_models():
    scores = json.loads((REPORT / "scores.json").read_text("utf-8"))
    cards = {card.name: card for card in list_models()}
    for part, name in (("quality", "quality"), ("stars", "star-unet")):
        assert scores[part]["model"] == f"{name}.{cards[name].version}+{cards[name].sha256[:12]}"
        assert scores[part]["card"] == cards[name].scores
    pictures = sorted(path.name for path in REPORT.glob("failure-*.png"))
    assert (REPORT / "README.md").read_text("utf-8") == write_page(scores, pictures)
