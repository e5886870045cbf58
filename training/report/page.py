"""The report as a page of Markdown beside its pictures."""

from __future__ import annotations

from typing import Any

from training.unet.rivals import markdown

_BARS: tuple[tuple[str, str, float, bool], ...] = (
    ("accuracy", "five-class accuracy", 0.98, True),
    ("macro_f1", "macro-F1", 0.98, True),
    ("good_rejected", "good frames called bad", 0.01, False),
    ("bad_kept", "bad frames called good", 0.02, False),
    ("calibration_error", "calibration error (ECE)", 0.02, False),
    ("cause_given_class", "cause, given the class is right", 0.90, True),
)


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
    every, firm = card["all_frames"], card["with_baseline"]
    lines = [
        f"## The quality model ({quality['model']})", "",
        f"{every['frames']} frames with a firm label of {card['rigs']} rigs that training never saw, graded in the "
        "order of time, each beside what had been accepted before. Intervals (95 %) draw whole rigs anew. \"Unknown\" "
        "counts as a wrong class and as neither kept nor rejected. These are scores of the model alone; what the "
        "program decides with it is in [the benchmarks](../../../benchmarks/README.md).", "",
        "| figure | goal | all frames | baseline of 5 or more | tuned limits |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for key, name, bar, more in _BARS:
        goal = f"{'≥' if more else '≤'} {bar:g}"
        shown = limits[key] if key not in ("calibration_error", "cause_given_class") else "–"
        lines.append(f"| {name} | {goal} | {_with_interval(every, key)} | {_with_interval(firm, key)} | {shown} |")
    points = 100 * (every["accuracy"] - limits["accuracy"])
    lines += [
        f"| above the tuned limits | ≥ 10 points | {points:.1f} points | | |", "",
        "![confusion](confusion.png) ![reliability](reliability.png)", "",
        "![by cause](causes.png)", "", "![by rig](rigs.png)", "",
        "| distance from the border | frames | accuracy |", "|---|---|---|",
        *(f"| {row['from']:g} to {row['to']:g} | {row['frames']} | {row['accuracy']:.3f} |"
          for row in quality["by_margin"]), "",
    ]  # fmt: skip
    found = quality["map"]
    lines += [
        "### The map of sources", "",
        f"15 x 15 units, trained with IntraSOM on {found['vectors']} cut-outs: quantisation error "
        f"{found['quantisation_error']:.2f}, topographic error {found['topographic_error']:.3f}; between "
        f"{found['least_hits']} and {found['most_hits']} hits a unit; each of the 20 clusters has between "
        f"{100 * found['least_share_of_a_cluster']:.1f} and {100 * found['most_share_of_a_cluster']:.1f} % of them.",
        "", "![map](map.png)", "", "![units](map-units.png)", "", "![component planes](map-components.png)", "",
    ]  # fmt: skip
    if quality.get("strange"):
        lines += _strange(quality["strange"])
    if ablation:
        lines += ["### What each part is worth", "",
                  f"One network each with the same recipe ({ablation['recipe']['epochs']} epochs, "
                  f"{ablation['recipe']['variants']} variants of each frame), a class named for every frame beside "
                  "four random baselines.",
                  "", "| network | accuracy | 95 % | macro-F1 |", "|---|---|---|---|"]  # fmt: skip
        lines += [
            f"| {name} | {row['accuracy']:.3f} | {row['accuracy_95'][0]:.3f} to {row['accuracy_95'][1]:.3f} | "
            f"{row['macro_f1']:.3f} |"
            for name, row in ablation["networks"].items()
        ]
        lines.append("")
    if pictures:
        lines += [
            "### Failures",
            "",
            "The frames whose true class was least expected, one of each rig. Left the frame,"
            " right cut-outs as the model sees them.",
            "",
            *(f"![failure]({name})" for name in pictures),
            "",
        ]
    return lines


def _strange(strange: dict[str, Any]) -> list[str]:
    return [
        "### What is no night sky",
        "",
        f"{strange['each']} pictures of each kind, made here and never trained on, as first frames of a rig whose "
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
        "and kinds are those of sources of SNR 10 and more. Intervals (95 %) draw whole frames anew.",
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
