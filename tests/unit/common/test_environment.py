"""A variable with our prefix that nothing of AOC knows stops a start."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from aoc_alerter.settings import NotifyOptions
from aoc_api.settings import ApiSettings
from aoc_cli.access.settings import GatewaySettings
from aoc_cli.reference import known_settings
from aoc_cli.reports.settings import ReportSettings
from aoc_collector.settings import CollectorSettings
from aoc_common import environment
from aoc_common.errors import BadConfiguration
from aoc_common.settings import ServiceSettings, load
from aoc_exporter.settings import ExportSettings
from aoc_normalizer.settings import NormalizerSettings
from each import each

if TYPE_CHECKING:
    from pathlib import Path

KINDS = (ServiceSettings, ApiSettings, CollectorSettings, NormalizerSettings, ReportSettings, GatewaySettings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("AOC_MONGODB__URI", "AOC_MONGO__URI"),
        ("AOC_POLL_INTERVALS", "AOC_POLL_INTERVAL_S"),
        ("AOC_BATCH_PAGE", "AOC_BATCH_PAGES"),
        ("AOC_HEALTH_PORT", "AOC_HEALTH__PORT"),
        ("AOC_NATS__URLS", "AOC_NATS__URL"),
        ("AOC_API__LIMITS__SCAN", "AOC_API__LIMITS__SCANS"),
    ],
)
def test_a_setting_that_nothing_knows_is_refused_with_the_nearest_one(kind, variable, meant, monkeypatch) -> None:
    monkeypatch.setenv(variable, "3")

    with pytest.raises(BadConfiguration, match=f"^{variable}: no such setting; is {meant} meant\\?$"):
        load(kind)


def test_one_that_is_near_to_none_is_refused_too_and_its_value_is_not_told(monkeypatch) -> None:
    monkeypatch.setenv("AOC_XYZZY", "geheim")

    with pytest.raises(BadConfiguration, match=re.escape("AOC_XYZZY: no such setting; docs/reference/settings.md")):
        load(ServiceSettings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AOC_POLL_INTERVAL_S", "30"),
        ("AOC_BATCH_PAGES", "50"),
        ("AOC_API__PORT", "8080"),
        ("AOC_REPORTS__KEY", "file:/key"),
        ("AOC_SIM__FAULTS__SLOW_S", "1"),
        ("AOC_RETENTION__BY_TENANT__CONTOSO", "30"),
        ("AOC_TWINS", "{}"),
        ("aoc_batch_pages", "50"),
        ("AOC_ROOT", "/"),
        ("AOC_TEST_ANYTHING", "x"),
        ("OTHER", "x"),
    ],
)
def test_settings_of_every_service_may_share_an_environment(variable, value, monkeypatch) -> None:
    monkeypatch.setenv(variable, value)

    load(ServiceSettings)


@each(
    ("variable", "value"),
    [
        ("AOC_API_SERVICE_HOST", "10.0.0.7"),
        ("AOC_API_SERVICE_PORT", "8080"),
        ("AOC_API_SERVICE_PORT_HTTP", "8080"),
        ("AOC_API_PORT", "tcp://10.0.0.7:8080"),
        ("AOC_API_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
        ("AOC_API_PORT_8080_TCP_PORT", "8080"),
        ("AOC_PORT", "tcp://10.0.0.7:8080"),
    ],
)
def test_what_kubernetes_tells_of_services_of_our_name_is_no_setting(variable, value) -> None:
    environment.check({variable: value})


def test_a_secret_may_be_in_a_variable_of_any_name_that_a_setting_or_tenants_file_names(tmp_path: Path) -> None:
    tenants = tmp_path / "tenants.json"
    tenants.write_text('[{"client_secret": "env:AOC_CONTOSO_SECRET"}]')
    given = {
        "AOC_NATS__PASSWORD": "env:AOC_BUS_PASSWORD",
        "AOC_BUS_PASSWORD": "x",
        "AOC_CONTOSO_SECRET": "y",
        "AOC_TENANTS_FILE": str(tenants),
    }
    environment.check(given)

    for missing in ("AOC_NATS__PASSWORD", "AOC_TENANTS_FILE"):
        with pytest.raises(BadConfiguration, match="no such setting"):
            environment.check({name: value for name, value in given.items() if name != missing})


def test_a_secret_of_a_sink_or_a_route_may_be_in_a_variable_and_a_mistake_for_a_setting_is_none() -> None:
    for options in (ExportSettings(), NotifyOptions()):
        environment.check({f"{options.secret_prefix}MAIL": "x"})

    for mistake in ("AOC_SINK_FILE", "AOC_NOTIFICATION_FILE", "AOC_NOTIFICATION_", "AOC_NOTIFICATIONS_MAIL"):
        with pytest.raises(BadConfiguration, match=f"^{mistake}: no such setting"):
            environment.check({mistake: "x"})


def test_the_list_of_known_settings_is_that_of_the_code() -> None:
    lines = [line for line in known_settings().splitlines() if not line.startswith("#")]

    assert [line.removesuffix("__*") for line in lines] == list(environment.known())
    assert {"AOC_SIM__EVENTS", "AOC_REPORTS__KEY", "AOC_TENANTS_FILE", "AOC_LOCATION_DATABASE"} <= set(
        environment.known()
    )
