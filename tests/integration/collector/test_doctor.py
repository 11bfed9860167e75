"""`aoc doctor` against the simulator, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

AOC = Path(sys.executable).with_name("aoc")


@pytest.fixture
def doctor(tmp_path, microsoft):
    """`await doctor(*arguments)`: its exit status and findings by (tenant, check)."""

    async def run(*arguments, tenants=None):
        env = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
        process = await asyncio.create_subprocess_exec(
            *(str(AOC), "doctor", "--json", "--tenants", str(tenants or microsoft.tenants_file), *arguments),
            env=env | {"AOC_ROOT": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode in {0, 1}, err.decode()
        findings = json.loads(out)["findings"]
        return process.returncode, {
            (finding["where"], finding["check"]): finding for finding in findings if finding["grade"] != "ok"
        }

    return run


async def switch(microsoft, **switches):
    answer = await microsoft.client.put("/_switches", json={"tenant": "contoso", **switches})
    assert answer.status_code < 300, answer.text


@pytest.mark.slow
async def test_a_tenant_that_is_well_has_nothing_to_mend(doctor):
    status, wrong = await doctor("--tenant", "contoso")

    # Nothing has collected from it yet, so no subscription runs.
    assert status == 0
    assert set(wrong) == {("contoso", "subscriptions")}


@pytest.mark.slow
async def test_a_revoked_permission_is_named_with_its_sources_and_nothing_else_fails(doctor, microsoft):
    await switch(microsoft, revoked=["AuditLog.Read.All"])

    status, wrong = await doctor()

    failed = {key: one for key, one in wrong.items() if one["grade"] == "fail"}
    assert status == 1
    assert set(failed) == {("contoso", "permissions, Microsoft Graph")}
    assert "AuditLog.Read.All is missing, for graph-directory-audits, graph-signins," in str(failed)


@pytest.mark.slow
async def test_an_expired_secret_is_told_with_what_to_do(doctor, microsoft):
    await switch(microsoft, credentials="expired")

    status, wrong = await doctor("--tenant", "contoso")

    assert status == 1
    assert "AADSTS7000222" in wrong["contoso", "sign-in, Microsoft Graph"]["found"]
    assert "create a new one" in wrong["contoso", "sign-in, Microsoft Graph"]["fix"]


async def test_a_missing_licence_is_a_warning(doctor, microsoft):
    await switch(microsoft, premium=False)

    status, wrong = await doctor("--tenant", "contoso")

    assert status == 0
    assert "Entra ID P1 or P2" in wrong["contoso", "licence, sign-ins"]["fix"]
    assert "Entra ID P2;" in wrong["contoso", "licence, risky users"]["fix"]
    assert "Workload ID Premium" in wrong["contoso", "licence, risky service principals"]["fix"]
    assert "Governance" in wrong["contoso", "licence, PIM alerts"]["fix"]
    assert len([check for _, check in wrong if check.startswith("licence, ")]) == 6


@pytest.mark.slow
async def test_hosts_that_do_not_answer_are_told_in_time(doctor, microsoft, tmp_path):
    described = json.loads(microsoft.tenants_file.read_text())
    for one in described:
        one |= {"authority": "http://127.0.0.1:9", "graph": "http://127.0.0.1:9", "management": "http://127.0.0.1:9"}
    file = tmp_path / "dead.json"
    file.write_text(json.dumps(described))

    status, wrong = await doctor(tenants=file)

    assert status == 1
    assert {check for _, check in wrong} == {
        "reach, sign-in",
        "sign-in, Microsoft Graph",
        "sign-in, Office 365 Management APIs",
    }
