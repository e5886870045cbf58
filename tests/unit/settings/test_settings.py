"""One tree of settings: defaults written once, unknown keys refused, each origin overriding the one before."""

from __future__ import annotations

import tomllib

import pytest

from astro_monitor.errors import ConfigError
from astro_monitor.settings import Settings, as_toml, load


def test_default_file_is_generated_from_the_code(repository) -> None:
    written = (repository / "configs" / "default.toml").read_text("utf-8")
    again = "run: astro-monitor config --action default > configs/default.toml"
    assert written == as_toml(Settings(), portable=True), again


def test_default_file_loads_to_the_defaults(repository) -> None:
    assert load(repository / "configs" / "default.toml") == Settings()


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if hasattr(section, "model_fields"):
            assert all(inner.description for inner in section.model_fields.values()), name
        else:
            assert field.description, name


def test_file_environment_and_flags_in_this_order(tmp_path, monkeypatch) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("backlog = 'in_order'\n[watch]\nquiet_s = 3.0\nrescan_s = 20.0\n[judge]\nmin_stars = 7\n")
    monkeypatch.setenv("ASTRO_MONITOR_WATCH__QUIET_S", "4.5")
    monkeypatch.setenv("ASTRO_MONITOR_WATCH__RESCAN_S", "30")
    settings = load(path, {"watch": {"rescan_s": 40}})
    assert settings.backlog == "in_order"
    assert settings.judge.min_stars == 7
    assert settings.watch.quiet_s == 4.5
    assert settings.watch.rescan_s == 40


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[watch]\nquiet = 3\n", "watch.quiet"),
        ("[watch]\nquiet_s = -1\n", "watch.quiet_s"),
        ("[publish]\nheartbeat_s = 'often'\n", "publish.heartbeat_s"),
        ("not toml at all [", "TOML"),
    ],
)
def test_wrong_settings_are_one_sentence_that_names_the_key(tmp_path, text, word) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=word):
        load(path)


def test_missing_file_is_said(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read.*check the path"):
        load(tmp_path / "none.toml")


def test_settings_in_force_can_be_written_and_read_back(tmp_path) -> None:
    settings = load(None, {"models": {"folder": str(tmp_path)}, "watch": {"ignore": ["*_test*", 'a"b']}})
    assert tomllib.loads(as_toml(settings))["models"]["folder"] == str(tmp_path)
    path = tmp_path / "again.toml"
    path.write_text(as_toml(settings), "utf-8")
    assert load(path) == settings
