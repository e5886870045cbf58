"""The report as a page of Markdown beside its pictures."""

from __future__ import annotations

from typing import Any

from training.unet.rivals import markdown

_BARS: tuple[tuple[str, str, float, bool], ...] = (
    ("accuracy", "five-class accuracy", 0.98, True),
    ("macro_f1", "macro-F1", 0.975, True),
    ("good_rejected", "good frames rejected", 0.005, False),
    ("bad_kept", "bad frames kept", 0.01, False),
    ("good_kept", "good frames kept", 0.92, True),
    ("review", "frames put up for review", 0.08, False),
    ("cause_given_class", "cause, given the class is right", 0.88, True),
    ("very_bad_called_bad", "very bad tracking called bad", 0.08, False),
    ("calibration_error", "calibration error of the model (ECE)", 0.02, False),
)
_LEARNT_ONLY = ("calibration_error", "cause_given_class", "review")
"""Figures that limits do not have."""


def write_page(scores: dict[str, Any], pictures: list[str]) -> str:
    """Give the text of the report.

    Parameters:
        scores: the document of scores.
        pictures: names of the failure pictures.
    """
    lines = ["# What the shipped models can do", "", scores["preface"], ""]
    if scores.get("quality"):
        lines += _quality(scores["quality"], scores.get("ablation"), pictures)
    if scores.get("stars"):
        lines += _stars(scores["stars"])
    return "\n".join(lines).rstrip() + "\n"


def _quality(quality: dict[str, Any], ablation: dict[str, Any] | None, pictures: list[str]) -> list[str]:
    card, limits = quality["card"], quality["traditional"]
    verdicts, known, alone = card["verdicts"], card["verdicts_with_baseline"], card["model"]
    lines = [
        f"## The quality model ({quality['model']})", "",
        f"{verdicts['frames']} frames with a firm label of {card['rigs']} rigs that training never saw, compared and "
        "judged in the loop from the first frame on, as the program does. Intervals (95 %) draw whole rigs again. "
        "\"Unknown\" counts as a wrong class. Frames that only the moon lights do not count as bad ones kept. *Model "
        "alone*: its class decides. *Tuned limits*: limits on classical numbers, tuned on training rigs, on the same "
        "frames and baselines.", "",
        "| figure | goal | verdicts | baseline of 5 or more | model alone | tuned limits |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for key, name, bar, more in _BARS:
        goal = f"{'≥' if more else '≤'} {bar:g}"
        columns = [_with_interval(scores, key) for scores in (verdicts, known, alone)]
        shown = "–" if key in _LEARNT_ONLY else _with_interval(limits, key)
        lines.append(f"| {name} | {goal} | {' | '.join(columns)} | {shown} |")
    points = 100 * (verdicts["accuracy"] - limits["accuracy"])
    unsure = card["ambiguous_frames"]
    lines += [
        f"| above the tuned limits | ≥ 12 points | {points:.1f} points | | | |", "",
        f"Of {unsure['frames']} ambiguous frames {_percent(unsure['keep'])} were kept, {_percent(unsure['review'])} "
        f"put up for review and {_percent(unsure['reject'])} rejected.", "",
        "![confusion](confusion.png) ![reliability](reliability.png)", "",
        "![by cause](causes.png)", "", "![by rig](rigs.png)", "",
        "| distance from the border | frames | accuracy |", "|---|---|---|",
        *(f"| {row['from']:g} to {row['to']:g} | {row['frames']} | {row['accuracy']:.3f} |"
          for row in quality["by_margin"]), "",
        "| stars seen | frames | right class | good frames kept | review |", "|---|---|---|---|---|",
        *(f"| {_range(row)} | {row['frames']} | {row['right_class']:.3f} | {row['good_kept']:.3f} | "
          f"{row['review']:.3f} |" for row in quality["by_stars"]), "",
        "| kind of night | frames | right class | good frames kept |", "|---|---|---|---|",
        *(f"| {kind} | {row['frames']} | {row['right_class']:.3f} | {row['good_kept']:.3f} |"
          for kind, row in quality["by_kind"].items()), "",
    ]  # fmt: skip
    if quality.get("map"):
        lines += _map(quality["map"])
    if quality.get("strange"):
        lines += _strange(quality["strange"])
    if ablation:
        lines += ["### What each part is worth", "",
                  f"One network each with the same recipe ({ablation['recipe']['epochs']} epochs), a class named for "
                  "every frame of the test rigs, next to the baselines of the running program. *Points*: difference of "
                  "accuracy from the network as shipped, in points, on the same frames.",
                  "", "| network | accuracy | 95 % | macro-F1 | points | 95 % |",
                  "|---|---|---|---|---|---|"]  # fmt: skip
        lines += [
            f"| {name} | {row['accuracy']:.3f} | {row['accuracy_95'][0]:.3f} to {row['accuracy_95'][1]:.3f} | "
            f"{row['macro_f1']:.3f} | {row['points']:+.2f} | {row['points_95'][0]:+.2f} to {row['points_95'][1]:+.2f} |"
            for name, row in ablation["networks"].items()
        ]
        lines.append("")
    if pictures:
        lines += [
            "### Failures",
            "",
            "The frames whose true class was least expected, one of each rig. Left the frame, right its mean star.",
            "",
            *(f"![failure]({name})" for name in pictures),
            "",
        ]
    return lines


def _map(found: dict[str, Any]) -> list[str]:
    return [
        "### The map of sources", "",
        f"15 x 15 units, trained with IntraSOM on {found['vectors']} cut-outs: quantisation error "
        f"{found['quantisation_error']:.2f}, topographic error {found['topographic_error']:.3f}; between "
        f"{found['least_hits']} and {found['most_hits']} hits a unit; each of the 20 clusters has between "
        f"{100 * found['least_share_of_a_cluster']:.1f} and {100 * found['most_share_of_a_cluster']:.1f} % of them.",
        "", "![map](map.png)", "", "![units](map-units.png)", "", "![component planes](map-components.png)", "",
    ]  # fmt: skip


def _range(row: dict[str, Any]) -> str:
    return f"{row['from']} and more" if row["to"] > 500 else f"{row['from']} to {row['to']}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _strange(strange: dict[str, Any]) -> list[str]:
    return [
        "### What is no night sky",
        "",
        f"{strange['each']} pictures of each kind, with seeds that training never saw, as first frames of a rig whose "
        f'headers claim light frames. Called "unknown": {_with_interval(strange, "unknown")}, goal ≥ 0.99.',
        "",
        "| picture | said |",
        "|---|---|",
        *(
            f"| {kind} | {', '.join(f'{name} {count}' for name, count in said.items())} |"
            for kind, said in strange["said"].items()
        ),
        "",
    ]


def _stars(stars: dict[str, Any]) -> list[str]:
    card = stars["card"]
    kinds = ", ".join(f"{name} {value:.2f}" for name, value in card["kind_f1"].items())
    trails = card["trails"]
    every = card["star_finder"]["all"]
    clean = stars["rivals"]["clean"]["star-unet"]
    return [
        f"## The star finder ({stars['model']})",
        "",
        f"{card['frames']} frames of test rigs with more galaxies, trails and cosmic rays than the sky has. Positions "
        "and kinds are those of sources of SNR 10 and more. Intervals (95 %) draw whole frames again.",
        "",
        "| figure | goal | reached |",
        "|---|---|---|",
        f"| kind of detection, macro-F1 | ≥ 0.9 | {_with_interval(card, 'kind_macro_f1')}: {kinds} |",
        f"| artefacts called stars | ≤ 0.01 | {_with_interval(card, 'artefacts_called_stars')} |",
        f"| trails found | ≥ 0.9 | {_with_interval(card, 'trail_recall')}: {trails['found']} of {trails['asked']} |",
        f"| false trails a frame | ≤ 0.02 | {card['false_trails_per_frame']:.3f} |",
        f"| centroid error, px | ≤ 0.15 | {_position(every)}; in clean fields {_position(clean)} |",
        "",
        f"Beside tuned sep and DAOStarFinder, {stars['rival_frames']} frames of each kind of field; every finder at "
        "the setting that was best for that kind of field on validation rigs. "
        "The SNR of 90 % completeness is that of the deepest setting that was 99 % pure on validation rigs; its purity "
        "on these frames stands beside it.",
        "",
        markdown(stars["rivals"]),
        "![completeness](completeness.png)",
        "",
    ]


def _position(row: dict[str, Any]) -> str:
    if row["position_median_px"] is None:
        return "none was found"
    return f"median {row['position_median_px']:.2f}, rms {row['position_rms_px']:.2f}"


def _with_interval(scores: dict[str, Any], key: str) -> str:
    if scores.get(key) is None:
        return "–"
    low, high = scores.get(f"{key}_95") or (None, None)
    return f"{scores[key]:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None else "")
