"""What changes under a sink at work: its secrets, which come late or are renewed, and its place on the bus."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aoc_common.bus import sink_slots
from aoc_exporter import catching_up, intake, lanes
from exporter_bench import splunk
from reader_bench import sign_ins


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_REREAD_S", 0.1)
    monkeypatch.setattr(intake, "_PATIENCE_S", 0.3)


@pytest.mark.slow
async def test_a_token_that_is_renewed_in_its_file_is_used_without_a_restart_and_a_missing_one_holds_up_nobody(
    bench, eventually, quick
) -> None:
    token = bench.folder / "token"
    async with splunk() as (receiver, url), bench.exporter():
        await bench.splunk("siem", url, per_tenant={"fabrikam": {"token": f"file:{bench.folder}/late"}})
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(3), tenant="fabrikam")
        await bench.publish(*sign_ins(5))
        await eventually(lambda: len(receiver.taken.times) == 5)

        async def said() -> bool:
            return "late" in (await bench.state("siem")).health.words

        await eventually(said)
        (bench.folder / "late").write_text(token.read_text())
        await eventually(lambda: len(receiver.taken.times) == 8, 30)

        receiver.token = "renewed"
        await bench.publish(*sign_ins(5))

        async def refused() -> bool:
            tally = await bench.tally("siem")
            return tally is not None and "Invalid token" in tally.error

        await eventually(refused)
        token.write_text("renewed")
        # Not only when the minute is over for which a destination is left alone that refuses us.
        await eventually(lambda: len(receiver.taken.times) == 13, 30)
        token.unlink()
        await bench.publish(*sign_ins(2))
        await eventually(lambda: len(receiver.taken.times) == 15)
    tally = await bench.tally("siem")

    assert receiver.taken.doubled == 0
    assert (tally.delivered, tally.refused, tally.missing) == (12, 0, 0)


@pytest.mark.slow
async def test_a_sink_whose_place_was_given_away_takes_another_one_and_shares_none(bench, eventually) -> None:
    """As it is for a replica that stood still while another one saw the sink gone, and come again."""
    async with splunk() as (receiver, url), bench.exporter():
        await bench.splunk("siem", url)
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(4))
        await eventually(lambda: len(receiver.taken.times) == 4)
        before = (await bench.state("siem")).slot
        await sink_slots.vacate(await bench.broker("exporter"), before, bench.checkpoints)
        await bench.states.free("siem")
        other = await bench.states.place("quicker", "file", {"kind": "folder"}, datetime.now(UTC))

        async def elsewhere() -> bool:
            state = await bench.state("siem")
            return state is not None and state.slot != other.slot and state.health.life == "running"

        await eventually(elsewhere, 30)
        await bench.publish(*sign_ins(4))
        await eventually(lambda: len(receiver.taken.times) == 8)

    assert other.slot == before


@pytest.mark.slow
async def test_a_tenant_that_is_gone_for_good_is_left_out_and_what_waits_for_it_with_it(
    bench, eventually, quick, monkeypatch
) -> None:
    monkeypatch.setattr(catching_up, "CLOSING_S", 0.3)
    none = {"fabrikam": {"token": f"file:{bench.folder}/none"}}
    async with splunk() as (receiver, url), bench.exporter():
        await bench.splunk("siem", url, per_tenant=none)
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(3), tenant="fabrikam")
        await bench.publish(*sign_ins(2))

        async def waits() -> bool:
            return "1 tenants are behind: fabrikam" in (await bench.state("siem")).health.words

        await eventually(waits)
        await bench.splunk("siem", url, per_tenant=none, exclude=[{"tenants": ["fabrikam"]}])

        async def well() -> bool:
            state = await bench.state("siem")
            return state.health.life == "running" and "exclude" in state.settings and state.health.waiting == 0

        await eventually(well, 30)
        await bench.publish(*sign_ins(2))
        await eventually(lambda: len(receiver.taken.times) == 4)
    tally = await bench.tally("siem", "fabrikam")

    assert (tally.delivered, tally.refused) == (0, 0)
    assert tally.filtered >= 3
