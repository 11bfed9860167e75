"""Configuration: one clear line when it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aoc_common.errors import BadConfiguration
from aoc_common.settings import MongoSettings, ServiceSettings, load, resolve_secret

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AOC_HEALTH__PORT", "70000"),
        ("AOC_TELEMETRY__LOG_LEVEL", "loud"),
        ("AOC_NATS__PASSWORD", "hunter2"),
        ("AOC_NATS__UNKNOWN", "x"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadConfiguration, match=f"^{variable}: ") as caught:
        load(ServiceSettings)
    assert "\n" not in str(caught.value)


def test_a_password_in_clear_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AOC_NATS__PASSWORD", "hunter2")

    with pytest.raises(BadConfiguration) as caught:
        load(ServiceSettings)
    assert "hunter2" not in str(caught.value)


def test_a_secret_comes_from_a_file_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")

    assert resolve_secret(f"file:{tmp_path / 'secret'}") == "s3cret"


@pytest.mark.parametrize("reference", ["env:AOC_NO_SUCH", "file:/no/such", "plain"])
def test_a_reference_to_nothing_stops_the_start(reference: str) -> None:
    with pytest.raises(BadConfiguration):
        resolve_secret(reference)


def test_a_connection_string_may_be_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGO", "mongodb://u:p@db")
    settings = MongoSettings(uri="env:MONGO")

    assert settings.resolved_uri() == "mongodb://u:p@db"
    assert "mongodb://" not in repr(MongoSettings(uri="mongodb://u:p@db"))
