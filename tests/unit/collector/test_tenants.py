from __future__ import annotations

import json

import pytest

from aoc_collector.tenants import read_tenants
from aoc_common.errors import BadConfiguration

GUID = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
GOOD = {"name": "contoso", "tenant_id": GUID, "client_id": GUID, "client_secret": "env:CONTOSO"}
KNOWN = ("graph-signins", "o365-dlp")


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        file = tmp_path / "tenants.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_tenants(file, KNOWN)

    return write_and_read


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "no JSON"),
        (GOOD, "expected a list"),
        (["contoso"], "tenant 1"),
        ([GOOD, GOOD], "two tenants have the name contoso"),
        ([GOOD, GOOD | {"name": "Fab rikam"}], "tenant Fab rikam, name"),
        ([GOOD | {"tenant_id": "contoso.com"}], "tenant contoso, tenant_id"),
        ([GOOD | {"client_secret": "hunter2"}], "tenant contoso, client_secret.*reference"),
        ([GOOD | {"client_certificate": "x.pem"}], "tenant contoso.*not both"),
        ([{name: GOOD[name] for name in GOOD if name != "client_secret"}], "needs client_secret or"),
        ([GOOD | {"cloud": "moon"}], "tenant contoso, cloud"),
        ([GOOD | {"graph": "http://graph.example"}], "tenant contoso, graph.*https"),
        ([GOOD | {"graph": "graph.microsoft.com"}], "tenant contoso, graph.*base address"),
        ([GOOD | {"sources": ["graph-signin"]}], "tenant contoso, sources.*graph-signins"),
        ([GOOD | {"secret": "x"}], "tenant contoso, secret"),
    ],
)
def test_a_wrong_entry_stops_the_start_with_one_line_that_names_it(read, content, says):
    with pytest.raises(BadConfiguration, match=says) as caught:
        read(content)

    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(BadConfiguration, match=r"AOC_TENANTS_FILE.*nowhere\.json"):
        read_tenants(tmp_path / "nowhere.json", KNOWN)


def test_without_a_file_there_are_no_tenants():
    assert read_tenants(None, KNOWN) == ()


@pytest.mark.parametrize(
    ("cloud", "graph", "management"),
    [
        ("commercial", "https://graph.microsoft.com", "https://manage.office.com"),
        ("gcc", "https://graph.microsoft.com", "https://manage-gcc.office.com"),
        ("gcc-high", "https://graph.microsoft.us", "https://manage.office365.us"),
        ("dod", "https://dod-graph.microsoft.us", "https://manage.protection.apps.mil"),
    ],
)
def test_each_cloud_has_hosts_of_its_own(read, cloud, graph, management):
    tenant = read([GOOD | {"cloud": cloud}])[0]

    assert (graph, management) == (tenant.hosts.graph, tenant.hosts.management)


def test_another_address_changes_where_and_not_what_a_token_is_for(read):
    tenant = read([GOOD | {"graph": "http://127.0.0.1:8365/"}])[0]

    assert (tenant.hosts.graph, tenant.resources.graph) == ("http://127.0.0.1:8365", "https://graph.microsoft.com")
