"""One tree of settings: defaults written once, unknown keys refused, each origin overriding the one before."""

from __future__ import annotations

import logging
import tomllib

import pytest

from astro_monitor.errors import ConfigError
from astro_monitor.settings import Settings, as_toml, load


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


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[judge]\nmax_fwhm_pixel = 3\n", "there is no setting judge.max_fwhm_pixel; did you mean max_fwhm_px?"),
        ("quiet_s = 3\n", "there is no setting quiet_s; did you mean quiet_s in section [watch]?"),
        ("[watch]\nstate_foler = 'x'\n", "did you mean state_folder above all sections?"),
        ("[wach]\nquiet_s = 3\n", "there is no section [wach]; did you mean [watch]?"),
        ("[judge]\nzzz = 3\n", "there is no setting judge.zzz (in "),
        ("watch = 3\n", "watch is a section, not a setting; write [watch]"),
        ("[watch]\nquiet_s = -1\n", "watch.quiet_s must be more than 0, not -1"),
        ("[watch]\nquiet_s = 1e9\n", "watch.quiet_s must be at most 600, not 1000000000.0"),
        ("[watch]\nquiet_s = nan\n", "watch.quiet_s must be "),
        ("[publish]\nheartbeat_s = 'often'\n", "publish.heartbeat_s must be a number, not 'often'"),
        ("[worker]\ntries = 2.5\n", "worker.tries must be a whole number, not 2.5"),
        ("[worker]\ntries = 0\n", "worker.tries must be at least 1, not 0"),
        ("[worker]\ntries = true\n[watch]\nfollow_links = 'perhaps'\n", "follow_links must be true or false"),
        ("backlog = 'newest'\n", "backlog must be one of 'newest_first' or 'in_order', not 'newest'"),
        ("log_level = 'DEBIG'\n", "did you mean 'DEBUG'?"),
        ("[models]\nfolder = 3\n", "models.folder must be a path in quotes, not 3"),
        ("[models]\nquality = 3\n", "models.quality must be text in quotes, not 3"),
        ("[watch]\nignore = 'a'\n", "watch.ignore must be a list such as"),
        ("[watch]\na = 1\nb = 2\nc = 3\n", "(and 2 more problems)"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_said_in_plain_english(tmp_path, text, sentence) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = str(caught.value)
    assert sentence in said
    assert str(path) in said
    assert "\n" not in said
    for word in ("extra inputs", "input should", "permitted", "validation", "pydantic", "literal", "errno"):
        assert word not in said.lower()


def test_a_wrong_variable_and_a_wrong_flag_are_named(monkeypatch) -> None:
    monkeypatch.setenv("ASTRO_MONITOR_WATCH__QUIET_S", "soon")
    with pytest.raises(ConfigError, match=r"number, not 'soon' \(environment variable ASTRO_MONITOR_WATCH__QUIET_S\)"):
        load()
    with pytest.raises(ConfigError, match=r"on the command line"):
        load(None, {"watch": {"quiet_s": -1}})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ASTRO_MONITOR_JUDGE__MAX_FWHM", "did you mean ASTRO_MONITOR_JUDGE__MAX_FWHM_PX?"),
        ("ASTRO_MONITOR_WATCH_QUIET_S", "did you mean ASTRO_MONITOR_WATCH__QUIET_S?"),
        ("ASTRO_MONITOR_STATE_FOLDR", "did you mean ASTRO_MONITOR_STATE_FOLDER?"),
        ("ASTRO_MONITOR_NONSENSE__XYZ", "is no setting; unset it"),
    ],
)
def test_a_variable_that_looks_like_a_setting_and_is_none_is_refused(monkeypatch, name, words) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(ConfigError) as caught:
        load()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "name", ["ASTRO_MONITOR_PORT_5556_TCP_ADDR", "ASTRO_MONITOR_SERVICE_HOST", "ASTRO_MONITOR_WATCH"]
)
def test_a_variable_of_somebody_else_is_only_warned_of(monkeypatch, caplog, name) -> None:
    """Kubernetes gives every program of a pod such variables for a service called astro-monitor."""
    monkeypatch.setenv(name, "10.0.0.1")
    monkeypatch.setattr(logging.getLogger("astro_monitor"), "propagate", True)
    assert load() == Settings()
    assert f"the environment variable {name} is no setting" in caplog.text


def test_a_list_in_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("ASTRO_MONITOR_LISTS__FORMATS", "csv, json")
    monkeypatch.setenv("ASTRO_MONITOR_WATCH__IGNORE", "")
    assert load().lists.formats == ("csv", "json")
    assert load().watch.ignore == ()
