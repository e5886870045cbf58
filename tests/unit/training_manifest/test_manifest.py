"""What the models are made from is listed, and nothing of it is on two sides."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from astro_monitor.testing.looks import small_look
from training.iqa.lookset import store_looks
from training.manifest import Entry, overlaps, read_manifest, write_manifest
from training.manifest.collect import collect
from training.manifest.command import main
from training.manifest.entries import ManifestError, sha256_of
from training.manifest.overlap import duplicates
from training.manifest.real import import_folder
from training.manifest.splits import split_of_group, together

names = st.sampled_from([f"key {number}" for number in range(12)])


def entry(file: str, split: str = "train", **more: Any) -> Entry:
    return Entry.model_validate(
        {"file": file, "kind": "simulated", "split": split, "source": "here", "licence": "BSD-3-Clause",
         "sha256": hashlib.sha256(file.encode()).hexdigest()} | more
    )  # fmt: skip


def write_frame(path: Path, seed: int, **cards: Any) -> None:
    pixels = np.random.default_rng(seed).integers(900, 1100, (80, 96)).astype(np.uint16)
    header = fits.Header({"IMAGETYP": "LIGHT", "EXPTIME": 30.0} | cards)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(pixels, header).writeto(path)


def write_labels(folder: Path, rows: list[dict[str, str]]) -> None:
    keys = ("file", "label", "confidence", "source", "licence", "sha256")
    lines = [",".join(keys)] + [",".join(row.get(key, "") for key in keys) for row in rows]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Two rigs on one target, and a third rig elsewhere."""
    shots = (
        ("a1.fits", "Camera A", "M 51", "2025-03-01T22:00:00"),
        ("a2.fits", "Camera A", "M 81", "2025-03-02T02:00:00"),
        ("b1.fits", "Camera B", "m51", "2025-06-01T22:00:00"),
        ("c1.fits", "Camera C", "M 13", "2025-06-01T22:00:00"),
    )
    for seed, (name, camera, target, when) in enumerate(shots):
        write_frame(tmp_path / name, seed, INSTRUME=camera, OBJECT=target, **{"DATE-OBS": when})
    write_labels(
        tmp_path, [{"file": name, "label": "good", "source": "a friend", "licence": "CC0"} for name, *_ in shots]
    )
    return tmp_path


@pytest.mark.parametrize("key", ["rigs", "nights", "targets", "content"])
def test_nothing_may_be_in_two_splits(key):
    apart = [entry("a", "train", **{key: ("one",)}), entry("b", "test", **{key: ("two",)})]
    assert overlaps(apart) == []
    (found,) = overlaps([*apart, entry("c", "validation", **{key: ("one",)})])
    assert found.value == "one"
    assert found.files == (("train", "a"), ("validation", "c"))
    assert "a" in str(found)


def test_a_copied_file_is_an_overlap_whatever_its_name():
    first = entry("a", "train")
    copy = entry("b", "test", sha256=first.sha256)
    assert [found.key for found in overlaps([first, copy])] == ["content"]
    assert duplicates([first, copy]) == [("a", "b")]


@given(st.lists(st.lists(names, max_size=3), max_size=20))
def test_frames_that_share_anything_are_in_one_group(keys):
    groups = together(keys)
    for mine, group in zip(keys, groups, strict=True):
        for others, other in zip(keys, groups, strict=True):
            if set(mine) & set(others):
                assert group == other
    assert all(bool(group) == bool(mine) for mine, group in zip(keys, groups, strict=True))


def test_groups_are_shared_out():
    splits = [split_of_group(f"group {number}") for number in range(4000)]
    assert splits.count("test") / 4000 == pytest.approx(0.15, abs=0.03)
    assert splits.count("train") / 4000 == pytest.approx(0.70, abs=0.03)


def test_a_manifest_is_written_and_read_back(tmp_path):
    entries = [entry("b", rigs=("r",)), entry("a", label="good", confidence=0.9)]
    write_manifest(tmp_path / "deep" / "m.jsonl", entries)
    assert read_manifest(tmp_path / "deep" / "m.jsonl") == sorted(entries, key=lambda one: one.file)


def test_a_broken_manifest_names_its_line(tmp_path):
    with pytest.raises(ManifestError, match="collect"):
        read_manifest(tmp_path / "none.jsonl")
    bad = entry("a").model_dump() | {"split": "both"}
    (tmp_path / "m.jsonl").write_text(json.dumps(bad) + "\n", "utf-8")
    with pytest.raises(ManifestError, match="line 1: split"):
        read_manifest(tmp_path / "m.jsonl")


def test_real_frames_of_one_rig_night_or_target_stay_together(night):
    before = {path: path.read_bytes() for path in night.iterdir()}
    entries = {one.file: one for one in import_folder(night)}
    assert entries["a1.fits"].split == entries["a2.fits"].split == entries["b1.fits"].split
    assert entries["a1.fits"].nights == entries["a2.fits"].nights != entries["b1.fits"].nights
    assert entries["a1.fits"].targets == entries["b1.fits"].targets == ("target m51",)
    assert entries["c1.fits"].rigs != entries["a1.fits"].rigs
    assert overlaps(entries.values()) == []
    assert {path: path.read_bytes() for path in night.iterdir()} == before


def test_a_folder_may_be_for_testing_alone(night):
    assert {one.split for one in import_folder(night, split="test")} == {"test"}


def test_a_file_that_is_no_frame_is_grouped_by_its_folder(tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "x.fits").write_bytes(b"no frame")
    write_labels(tmp_path, [{"file": "odd/x.fits", "label": "odd_input", "source": "us", "licence": "CC0"}])
    (only,) = import_folder(tmp_path)
    assert only.rigs == ("folder odd",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"licence": ""}, "no licence"),
        ({"sha256": "0" * 64}, "not the file that was labelled"),
        ({"file": "gone.fits"}, "No such file"),
    ],
)
def test_a_label_that_cannot_be_trusted_is_refused(tmp_path, change, sentence):
    write_frame(tmp_path / "a.fits", 1)
    row = {"file": "a.fits", "label": "good", "source": "us", "licence": "CC0"}
    write_labels(tmp_path, [row])
    assert import_folder(tmp_path)[0].sha256 == sha256_of(tmp_path / "a.fits")
    write_labels(tmp_path, [row | change])
    with pytest.raises(ManifestError, match=sentence):
        import_folder(tmp_path)


def test_pools_and_looks_of_rigs_are_listed_and_checked(tmp_path):
    data = tmp_path / "data"
    for split, seed in (("train", 1), ("test", 2)):
        frames = [(small_look(), {}), (small_look(), {})]
        store_looks(data / "looks" / split / f"{seed:08d}.looks", {"seed": seed}, frames)
    pool = data / "pool"
    pool.mkdir()
    np.savez(pool / "validation-00000001.npz", seen=np.zeros(3))
    (pool / "validation-00000001.rows.txt").write_text(
        json.dumps([{"seed": 1, "rig": 9}, {"seed": 2, "rig": 9}]), "utf-8"
    )
    listed = collect(data)
    assert {(one.split, one.rigs) for one in listed} == {
        ("train", ("simulated 1",)), ("test", ("simulated 2",)), ("validation", ("simulated 9",)),
    }  # fmt: skip
    manifest = ["--manifest", str(tmp_path / "m.jsonl")]
    assert main([*manifest, "collect", str(data)]) == 0
    assert main([*manifest, "check"]) == 0
    (pool / "train-00000003.rows.txt").write_text(json.dumps([{"seed": 3, "rig": 2}]), "utf-8")
    np.savez(pool / "train-00000003.npz", seen=np.zeros(3))
    assert main([*manifest, "collect", str(data)]) == 1
    assert main([*manifest, "check"]) == 1


def test_a_pool_of_no_known_split_is_refused_in_a_sentence(tmp_path, caplog):
    (tmp_path / "extra-00000001.rows.txt").write_text(json.dumps([{"seed": 1, "rig": 9}]), "utf-8")
    assert main(["--manifest", str(tmp_path / "m.jsonl"), "collect", str(tmp_path)]) == 1
    assert "'extra' is no split" in caplog.text


def test_an_import_replaces_itself_and_survives_a_collect(night, tmp_path):
    manifest = tmp_path / "m.jsonl"
    arguments = ["--manifest", str(manifest)]
    for _ in range(2):
        assert main([*arguments, "import", str(night), "--split", "test"]) == 0
    assert len(read_manifest(manifest)) == 4
    store_looks(tmp_path / "data" / "looks" / "train" / "00000001.looks", {"seed": 1}, [(small_look(), {})])
    assert main([*arguments, "collect", str(tmp_path / "data")]) == 0
    assert {one.kind for one in read_manifest(manifest)} == {"real", "simulated"}
    (tmp_path / "empty").mkdir()
    assert main([*arguments, "collect", str(tmp_path / "empty")]) == 1
