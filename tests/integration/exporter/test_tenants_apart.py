"""What goes to one tenant's destination does not wait for another one's: alerts, the audit trail, and events."""

from __future__ import annotations

import orjson
import pytest

from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import subjects
from aoc_common.contracts.alert_message import REVISION_HEADER, RULE_HEADER
from aoc_common.contracts.audit import AuditEntry, Chain, Head
from aoc_exporter import intake, messages
from exporter_bench import splunk
from reader_bench import sign_ins

NOBODY = "http://127.0.0.1:1"


async def alert(bench, tenant: str, revision: int) -> None:
    """Have the alerter publish a revision of one alert of a tenant."""
    body = orjson.dumps({"class_uid": 2004, "time": 1_790_000_000_000, "finding_info": {"uid": f"{tenant}-a"}})
    headers = {REVISION_HEADER: str(revision), RULE_HEADER: "r1"}
    await bench.say("alerter", subjects.ALERTS_STREAM, Outgoing(subjects.alerts(tenant, "high"), body, headers))


async def audited(bench, tenant: str) -> str:
    """Have the gateway publish an entry of the audit trail; its id."""
    event = {
        "class_uid": 3002, "time": 1_790_000_000_000, "status_id": 1, "metadata": {},
        "unmapped": {"action": "session.begin"},
    }  # fmt: skip
    entry = AuditEntry.following(Head.none(Chain(tenant, "gateway-1")), event)
    await bench.say("api", subjects.AUDIT_STREAM, Outgoing(subjects.audit(tenant), entry.text.encode(), {}))
    return entry.id


@pytest.mark.slow
async def test_what_one_tenants_destination_does_not_take_holds_up_no_other_and_comes_when_it_is_back_once(
    bench, eventually, monkeypatch
) -> None:
    monkeypatch.setattr(messages, "_PATIENCE_S", 0.3)
    async with splunk() as (receiver, url), splunk() as (other, theirs), bench.exporter():
        settings = {"data": ["alerts", "audit"]}
        await bench.splunk("siem", url, per_tenant={"fabrikam": {"url": NOBODY}}, **settings)
        await eventually(lambda: bench.runs("siem"))
        for revision in range(1, 6):
            await alert(bench, "fabrikam", revision)
            await alert(bench, "contoso", revision)
        trail = [await audited(bench, tenant) for tenant in ("fabrikam", "contoso")]
        await eventually(lambda: len(receiver.taken.times) == 6)

        async def said() -> bool:
            health = (await bench.state("siem")).health
            return health.life == "failing" and health.words.startswith("fabrikam: splunk")

        await eventually(said)
        # Also by an exporter that is set anew.
        await bench.splunk("siem", url, per_tenant={"fabrikam": {"url": theirs}}, **settings)
        await eventually(lambda: len(other.taken.times) == 6, 30)
        await eventually(lambda: bench.runs("siem"), 30)
    tally = await bench.tally("siem", "fabrikam")

    assert set(receiver.taken.times) == {*(f"contoso-a-{revision}" for revision in range(1, 6)), f"{trail[1]}-1"}
    assert set(other.taken.times) == {*(f"fabrikam-a-{revision}" for revision in range(1, 6)), f"{trail[0]}-1"}
    assert (receiver.taken.doubled, other.taken.doubled) == (0, 0)
    assert (tally.delivered, tally.refused) == (6, 0)


@pytest.mark.slow
async def test_a_sink_that_has_nothing_in_work_but_of_a_dead_destination_goes_on_with_the_others(
    bench, eventually, monkeypatch
) -> None:
    monkeypatch.setattr(intake, "_PATIENCE_S", 0.3)
    async with splunk() as (receiver, url), bench.exporter():
        # With `linger_s` there is one batch at a time, as there is no room for another one when events are many.
        await bench.splunk("siem", url, per_tenant={"fabrikam": {"url": NOBODY}}, linger_s=0.05)
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(3), tenant="fabrikam")

        async def tried() -> bool:
            tally = await bench.tally("siem", "fabrikam")
            return tally is not None and tally.error != ""

        await eventually(tried)
        await bench.publish(*sign_ins(3))
        await eventually(lambda: len(receiver.taken.times) == 3)
        await bench.splunk("siem", url)
        await eventually(lambda: len(receiver.taken.times) == 6, 30)

    assert receiver.taken.doubled == 0
