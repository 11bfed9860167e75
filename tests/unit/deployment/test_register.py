"""deploy/entra/register, against an Azure CLI that notes what it is asked."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from aoc_api.access.tokens.grants import APP_ROLES
from aoc_api.auth_settings import AuthOptions
from aoc_api.settings import ApiSettings
from aoc_common.settings import load
from composed import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY, CLIENT = "11111111-2222-4333-8444-555555555555", "22222222-3333-4444-8555-666666666666"
AZ = f"""#!/bin/sh
{{ for word in "$@"; do printf '%s\\0' "$word"; done; printf '\\036'; }} >>"$NOTES"
case "$*" in
*'account show'*) echo {DIRECTORY} ;;
*'app list'*) printf '%s' "$EXISTING" ;;
*'sp list'*) ;;
*'--query appId'*) echo {CLIENT} ;;
*'--method POST'*) echo object-1 ;;
esac
"""


@pytest.fixture
def register(tmp_path: Path):
    (tmp_path / "az").write_text(AZ)
    (tmp_path / "az").chmod(0o755)
    notes = tmp_path / "notes"

    def run(*arguments: str, existing: str = "") -> tuple[subprocess.CompletedProcess[str], list[tuple[str, str, Any]]]:
        notes.write_text("")
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NOTES": str(notes), "EXISTING": existing}
        script = [str(ROOT / "deploy" / "entra" / "register"), *arguments]
        done = subprocess.run(script, capture_output=True, text=True, check=False, env=environment)
        calls = [call.split("\0")[:-1] for call in notes.read_text().split("\036")[:-1]]
        asked = [dict(itertools.pairwise(call)) for call in calls if call[0] == "rest"]
        return done, [(a["--method"], a["--url"], json.loads(a.get("--body", "null"))) for a in asked]

    return run


def test_the_registration_has_what_the_gateway_asks_of_a_token(register) -> None:
    done, asked = register("https://aoc.example")
    assert done.returncode == 0, done.stderr

    (made,) = [body for method, url, body in asked if (method, url.rsplit("/", 1)[-1]) == ("POST", "applications")]
    assert made["api"]["requestedAccessTokenVersion"] == 2
    assert [scope["value"] for scope in made["api"]["oauth2PermissionScopes"]] == [AuthOptions().scope]
    assert {role["value"] for role in made["appRoles"]} == APP_ROLES.keys()
    assert all(role["allowedMemberTypes"] == ["User", "Application"] for role in made["appRoles"])
    assert [claim["name"] for claim in made["optionalClaims"]["accessToken"]] == ["idtyp"]
    assert made["groupMembershipClaims"] == "ApplicationGroup"
    assert made["web"]["redirectUris"] == ["https://aoc.example/auth/callback"]
    assert made["signInAudience"] == "AzureADMyOrg"
    ids = [part["id"] for part in (*made["appRoles"], *made["api"]["oauth2PermissionScopes"])]
    assert len(set(ids)) == len(ids)


def test_tokens_are_only_for_those_who_were_assigned(register) -> None:
    _, asked = register("https://aoc.example")

    assert asked[-1] == (
        "PATCH",
        "https://graph.microsoft.com/v1.0/servicePrincipals/object-1",
        {"appRoleAssignmentRequired": True},
    )
    assert (
        "PATCH",
        "https://graph.microsoft.com/v1.0/applications/object-1",
        {"identifierUris": [f"api://{CLIENT}"]},
    ) in asked


def test_what_it_prints_is_what_the_gateway_is_set_with(register, monkeypatch) -> None:
    done, _ = register("https://aoc.example", "--customers")
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)

    auth = load(ApiSettings).api.auth

    assert (auth.client_id, auth.home_tenants) == (CLIENT, (DIRECTORY,))


def test_customers_can_sign_in_when_they_may(register) -> None:
    _, asked = register("https://aoc.example", "--customers")

    assert asked[0][2]["signInAudience"] == "AzureADMultipleOrgs"


def test_a_second_run_brings_the_same_registration_in_order(register) -> None:
    _, asked = register("https://aoc.example", existing="object-7\n")

    assert (asked[0][0], asked[0][1].rsplit("/", 1)[-1]) == ("PATCH", "object-7")
    assert not [url for method, url, _ in asked if method == "POST" and url.endswith("/applications")]


def test_several_registrations_of_the_name_change_nothing(register) -> None:
    done, asked = register("https://aoc.example", existing="object-7\nobject-8\n")

    assert (done.returncode, asked) == (2, [])
    assert "several registrations" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("http://aoc.example",),
        ("https://",),
        ("https://aoc.example/",),
        ('https://a"b',),
        ("https://a.example", "--x"),
    ],
)
def test_what_is_asked_wrongly_asks_nothing(register, arguments) -> None:
    done, asked = register(*arguments)

    assert (done.returncode, asked) == (2, [])
    assert done.stderr.startswith("register: ")
    assert len(done.stderr.splitlines()) == 1
