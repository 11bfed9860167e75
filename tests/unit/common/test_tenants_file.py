from __future__ import annotations

import json

import pytest

from aoc_common.environment import WEBHOOKS_TENANTS_FILE
from aoc_common.errors import BadConfiguration
from aoc_common.tenants.file import read_tenants, written
from aoc_common.tenants.tenant import Tenant

GUID = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
GOOD = {"name": "contoso", "tenant_id": GUID, "client_id": GUID, "client_secret": "env:CONTOSO"}
OTHER = GOOD | {"name": "fabrikam", "tenant_id": GUID.replace("c0a7", "fab0")}
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
        ([GOOD, OTHER, GOOD], "two tenants have the name contoso: entries 1 and 3"),
        (
            [OTHER, GOOD, GOOD | {"name": "again", "client_id": GUID.upper()}],
            r"tenants contoso and again \(entries 2 and 3\) have the same tenant_id and client_id",
        ),
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
        ([GOOD | {"display_name": ""}], "tenant contoso, display_name"),
        ([GOOD | {"retention": {"*": 30}}], "tenant contoso, retention: only tenants of the registry"),
        ([GOOD | {"time_zone": "Mars/Olympus"}], "tenant contoso, time_zone.*IANA"),
        ([GOOD | {"time_zone": "Europe"}], "tenant contoso, time_zone.*IANA"),
        ([GOOD | {"time_zone": "../etc/passwd"}], "tenant contoso, time_zone.*IANA"),
        ([GOOD | {"time_zone": 2}], "tenant contoso, time_zone.*IANA"),
        ([GOOD | {"working_hours": {"days": ["monday"]}}], r"tenant contoso, working_hours\.days\.0"),
        ([GOOD | {"working_hours": {"days": ["mon", "mon"]}}], r"tenant contoso, working_hours\.days.*twice"),
        ([GOOD | {"working_hours": {"days": []}}], r"tenant contoso, working_hours\.days"),
        ([GOOD | {"working_hours": {"start": "8 am"}}], r"tenant contoso, working_hours\.start.*08:30"),
        ([GOOD | {"working_hours": {"end": 18}}], r"tenant contoso, working_hours\.end.*08:30"),
        ([GOOD | {"trusted_networks": ["203.0.113.9/24"]}], r"tenant contoso, trusted_networks\.0.*host bits"),
        ([GOOD | {"trusted_networks": ["10.0.0.0/8", "office"]}], r"tenant contoso, trusted_networks\.1"),
        ([GOOD | {"trusted_networks": ["::/0"]}], r"tenant contoso, trusted_networks\.0.*every address"),
        ([GOOD | {"trusted_networks": [167772160]}], r"tenant contoso, trusted_networks\.0"),
        ([GOOD | {"groups": ["Retail EU"]}], r"tenant contoso, groups\.0"),
        ([GOOD | {"groups": ["retail", "retail"]}], "tenant contoso, groups.*twice"),
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


def test_what_a_tenant_leaves_out_has_a_default(read):
    tenant = read([GOOD])[0]

    assert (tenant.title, str(tenant.time_zone), tenant.trusted_networks, tenant.groups) == ("contoso", "UTC", (), ())
    assert tenant.working_hours.days == ("mon", "tue", "wed", "thu", "fri")


@pytest.mark.parametrize(
    ("given", "reference"),
    [
        ("certs/app.pem", "file:certs/app.pem"),
        ("file:/run/secrets/app.pem", "file:/run/secrets/app.pem"),
        ("env:APP_PEM", "env:APP_PEM"),
    ],
)
def test_a_certificate_is_named_by_a_path_or_a_reference(read, given, reference):
    tenant = read([{name: GOOD[name] for name in GOOD if name != "client_secret"} | {"client_certificate": given}])[0]

    assert tenant.client_certificate == reference


def test_ids_are_one_however_they_are_spelt(read):
    tenant = read([GOOD | {"tenant_id": "{" + GUID.upper() + "}", "client_id": GUID.replace("-", "")}])[0]

    assert (tenant.tenant_id, tenant.client_id) == (GUID, GUID)


def test_the_gateways_file_needs_no_credential_and_whatever_else_is_in_it_is_not_read(tmp_path):
    file = tmp_path / "tenants.json"
    entry = {name: GOOD[name] for name in ("name", "tenant_id", "client_id")} | {"cloud": "gcc-high"}
    unread = {"client_secret": "hunter2", "client_certificate": "x", "sources": ["any"], "graph": "?", "note": "ours"}
    file.write_text(json.dumps([entry | unread]))

    tenants = read_tenants(file, setting=WEBHOOKS_TENANTS_FILE)

    assert tenants == (Tenant.model_validate(entry),)
    assert tenants[0].issuers == (
        f"https://sts.windows.net/{GUID}/",
        f"https://login.microsoftonline.us/{GUID}/v2.0",
    )


def test_an_error_names_the_setting_that_names_the_file(tmp_path):
    with pytest.raises(BadConfiguration, match=r"^AOC_WEBHOOKS__TENANTS_FILE: .*nowhere\.json"):
        read_tenants(tmp_path / "nowhere.json", setting=WEBHOOKS_TENANTS_FILE)


def test_what_is_written_is_read_as_it_was(read):
    described = GOOD | {
        "display_name": "Contoso Works",
        "time_zone": "Europe/Amsterdam",
        "working_hours": {"days": ["sun", "mon"], "start": "22:00", "end": "06:30"},
        "trusted_networks": ["203.0.113.0/24", "2001:db8::1"],
        "groups": ["retail", "eu"],
    }
    tenants = read([described, OTHER])

    assert read(written(tenants)) == tenants
    assert json.loads(written(tenants))[1] == OTHER
