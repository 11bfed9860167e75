"""The gateway's configuration: loopback only, and one clear line when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from aoc_api.app import create_app
from aoc_api.settings import ApiSettings, is_loopback
from aoc_common.errors import BadConfiguration
from aoc_common.settings import load


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AOC_API__HOST", "0.0.0.0"),
        ("AOC_API__PORT", "65536"),
        ("AOC_API__CURSOR_KEY", "the key itself"),
        ("AOC_API__DEFAULT_TENANT", "Contoso Ltd"),
        ("AOC_API__UNKNOWN", "x"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadConfiguration, match=f"^{variable}: ") as caught:
        load(ApiSettings)
    assert "\n" not in str(caught.value)
    assert "the key itself" not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "fe80::1", "gateway.example", "localhost.example", "127.0.0.1.example", ""]
)
def test_a_host_that_is_not_loopback_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("AOC_API__HOST", host)

    with pytest.raises(BadConfiguration, match=r"^AOC_API__HOST: .*loopback"):
        load(ApiSettings)
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1"])
def test_in_a_container_whose_port_is_published_on_loopback_any_address_will_do(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("AOC_API__HOST", host)
    monkeypatch.setenv("AOC_API__PUBLISHED_ON_LOOPBACK", "true")

    assert load(ApiSettings).api.host == host


@pytest.mark.parametrize(
    ("host", "listened_on"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.9.9.9", "127.9.9.9"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("Localhost", "Localhost"),
    ],
)
def test_a_loopback_host_is_taken_as_something_to_listen_on(
    monkeypatch: pytest.MonkeyPatch, host: str, listened_on: str
) -> None:
    monkeypatch.setenv("AOC_API__HOST", host)

    assert load(ApiSettings).api.host == listened_on


@pytest.mark.parametrize("key", [None, "fifteen letters"])
def test_a_cursor_key_that_is_missing_or_short_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("AOC_API__CURSOR_KEY", "env:AOC_TEST_CURSOR_KEY")
    if key is not None:
        monkeypatch.setenv("AOC_TEST_CURSOR_KEY", key)

    with pytest.raises(BadConfiguration, match=r"^AOC_API__CURSOR_KEY: "):
        create_app(load(ApiSettings))


def test_the_gateway_reads_the_collectors_tenants_file_unless_another_one_is_named(monkeypatch) -> None:
    for name in ("AOC_TENANTS_FILE", "AOC_WEBHOOKS__TENANTS_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert ApiSettings().named_tenants_file == (None, "AOC_TENANTS_FILE")

    monkeypatch.setenv("AOC_TENANTS_FILE", "/etc/aoc/all.json")
    assert ApiSettings().named_tenants_file == (Path("/etc/aoc/all.json"), "AOC_TENANTS_FILE")
    monkeypatch.setenv("AOC_WEBHOOKS__TENANTS_FILE", "/etc/aoc/hooks.json")
    assert ApiSettings().named_tenants_file == (Path("/etc/aoc/hooks.json"), "AOC_WEBHOOKS__TENANTS_FILE")
