from __future__ import annotations

import time

import pytest

from aoc_sim.faults import PROFILES


@pytest.mark.parametrize(
    ("faults", "status", "code", "retry_after"),
    [
        ({"http_429_rate": 1}, 429, "TooManyRequests", "1"),
        ({"http_429_rate": 1, "retry_after_s": 7}, 429, "TooManyRequests", "7"),
        ({"http_429_no_retry_after_rate": 1}, 429, "TooManyRequests", None),
        ({"http_403_license_rate": 1}, 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", None),
    ],
)
async def test_graph_fails_as_told(make_sim, faults, status, code, retry_after):
    sim = make_sim(faults=faults)
    answer = await sim.graph("auditLogs/signIns")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == retry_after


@pytest.mark.parametrize(
    ("faults", "status", "retry_after"),
    [
        ({"http_429_rate": 1}, 429, "1"),
        ({"http_429_no_retry_after_rate": 1}, 429, None),
        ({"http_403_af429_rate": 1}, 403, None),
    ],
)
async def test_the_management_api_throttles_as_told(make_sim, faults, status, retry_after):
    sim = make_sim(faults=faults)
    answer = await sim.start("Audit.Exchange")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "AF429")
    assert answer.headers.get("Retry-After") == retry_after


async def test_server_errors_are_in_each_apis_own_form(make_sim):
    sim = make_sim(faults={"http_5xx_rate": 1})
    graph = await sim.graph("auditLogs/signIns")
    activity = await sim.start("Audit.Exchange")

    assert graph.status_code >= 500
    assert activity.json()["error"]["code"] == "AF50000"


async def test_an_empty_page_still_has_a_next_link_and_nothing_is_lost(make_sim):
    sim = make_sim(faults={"empty_page_rate": 1, "max_per_kind": 2})
    answers = [await sim.graph("auditLogs/signIns")]
    while link := answers[-1].json().get("@odata.nextLink"):
        answers.append(await sim.get("graph", link))

    sizes = [len(answer.json()["value"]) for answer in answers]
    assert sizes == [0, 0, len(await sim.truth("contoso", "graph-signins"))]


async def test_an_empty_listing_still_has_the_header_and_nothing_is_lost(make_sim):
    sim = make_sim(faults={"empty_page_rate": 1, "max_per_kind": 1})
    await sim.start("Audit.Exchange")
    empty = await sim.content("Audit.Exchange")
    following = await sim.get("activity", empty.headers["NextPageUri"])

    assert empty.json() == []
    assert following.json()


async def test_a_good_skip_token_can_be_refused_and_the_slice_can_be_started_again(make_sim):
    sim = make_sim(faults={"broken_skiptoken_rate": 1, "max_per_kind": 1})
    link = (await sim.graph("auditLogs/signIns", top=10)).json()["@odata.nextLink"]

    assert (await sim.get("graph", link)).status_code == 400
    link = (await sim.graph("auditLogs/signIns", top=10)).json()["@odata.nextLink"]
    assert (await sim.get("graph", link)).status_code == 200


async def test_pages_can_overlap_but_never_skip(make_sim):
    sim = make_sim(faults={"resend_rate": 0.5})
    answer = await sim.graph("auditLogs/signIns", top=6)
    seen = [r["id"] for r in answer.json()["value"]]
    while link := answer.json().get("@odata.nextLink"):
        answer = await sim.get("graph", link)
        seen += [r["id"] for r in answer.json()["value"]]

    truth = await sim.truth("contoso", "graph-signins")
    assert set(seen) == set(truth)
    assert len(seen) > len(truth)


async def test_blobs_are_listed_again_later_under_another_id_with_the_same_records(make_sim):
    sim = make_sim(faults={"resend_rate": 1})
    await sim.start("Audit.SharePoint")

    async def fetch():
        return [
            (item["contentId"], sorted(r["Id"] for r in (await sim.get("activity", item["contentUri"])).json()))
            for item in await sim.listing("Audit.SharePoint")
        ]

    before = await fetch()
    sim.clock.advance(60)
    after = await fetch()

    relisted = [records for key, records in after if key not in dict(before)]
    assert relisted
    assert sorted(relisted) == sorted(records for _, records in before)
    assert len(await sim.truth("contoso", "o365-sharepoint")) == sum(len(records) for _, records in before)


async def test_late_records_appear_in_a_window_that_was_already_read(make_sim):
    sim = make_sim(faults={"late_rate": 1, "late_event_age_s": 3600}, events=3000)
    window = {"filter": "createdDateTime ge 2026-01-14T14:00:00Z", "top": 1000}
    first = {r["id"] for r in (await sim.graph("auditLogs/signIns", **window)).json()["value"]}
    pending = (await sim.client.get("/_truth?summary=1")).json()
    sim.clock.advance(21)
    second = {r["id"] for r in (await sim.graph("auditLogs/signIns", **window)).json()["value"]}
    settled = (await sim.client.get("/_truth?summary=1")).json()

    assert first == set()
    assert second
    assert pending["pending"] == pending["late"] > 0
    assert (pending["all_available"], settled["all_available"]) == (False, True)
    assert settled["total"] == sim.settings.events


async def test_a_slow_answer_takes_the_time_that_is_set(make_sim):
    sim = make_sim(faults={"slow_rate": 1, "slow_s": 0.05})
    await sim.token("graph")
    began = time.monotonic()
    await sim.graph("auditLogs/signIns", top=1)

    assert time.monotonic() - began >= 0.05


async def test_a_fault_stops_after_its_allowance_and_is_counted(make_sim):
    sim = make_sim(faults={"http_5xx_rate": 1, "max_per_kind": 3})
    statuses = [(await sim.graph("auditLogs/signIns", top=1)).status_code for _ in range(5)]

    assert [status >= 500 for status in statuses] == [True, True, True, False, False]
    assert (await sim.client.get("/_truth?summary=1")).json()["faults_injected"] == {"http_5xx": 3}


async def test_faults_are_replaced_at_run_time(sim):
    replaced = await sim.client.put("/_faults", json={"http_5xx_rate": 1})
    failed = await sim.graph("auditLogs/signIns", top=1)
    await sim.client.put("/_faults", json={"profile": "none"})
    healed = await sim.graph("auditLogs/signIns", top=1)

    assert replaced.json()["http_5xx_rate"] == 1
    assert (failed.status_code >= 500, healed.status_code) == (True, 200)
    assert (await sim.client.get("/_faults")).json() == PROFILES["none"].model_dump()


async def test_in_an_outage_nothing_answers_but_the_control_plane_until_it_is_over(sim):
    await sim.start("Audit.Exchange")
    await sim.token("graph")
    await sim.client.put("/_faults", json={"outage": True, "max_per_kind": 0})
    away = [
        await sim.graph("auditLogs/signIns", top=1),
        await sim.start("Audit.Exchange"),
        await sim.client.post("/oauth2/v2.0/token"),
    ]
    await sim.client.put("/_faults", json={"outage": False})
    back = await sim.graph("auditLogs/signIns", top=1)

    assert [answer.status_code for answer in away] == [503] * 3
    assert back.status_code == 200


async def test_records_can_come_again_in_new_content_after_more_than_a_week(sim):
    await sim.start("Audit.Exchange")
    before = {blob["contentId"] for blob in await sim.listing("Audit.Exchange")}
    known = set(await sim.truth("contoso", "o365-exchange"))
    await sim.client.put("/_faults", json={"resend_rate": 1, "resend_after_s": 8 * 86400})
    sim.later(8 * 86400 + 60)
    after = await sim.listing("Audit.Exchange")

    assert after
    assert not before & {blob["contentId"] for blob in after}
    relisted = {record["Id"] for blob in after for record in (await sim.get("activity", blob["contentUri"])).json()}
    assert relisted <= known


async def test_resending_can_be_switched_on_at_run_time(sim):
    await sim.start("Audit.Exchange")
    before = len(await sim.listing("Audit.Exchange"))
    await sim.client.put("/_faults", json={"resend_rate": 1})
    sim.clock.advance(60)

    assert len(await sim.listing("Audit.Exchange")) > before


@pytest.mark.parametrize("body", ['{"http_5xx_rate": 2}', '{"unknown": 1}', '{"profile": "anarchy"}', "no json", "[]"])
async def test_faults_that_make_no_sense_are_refused(sim, body):
    assert (await sim.client.put("/_faults", content=body)).status_code == 422


async def test_the_same_seed_meets_the_same_faults(make_sim):
    async def walk():
        sim = make_sim(faults={"http_5xx_rate": 0.3, "http_429_rate": 0.3})
        return [(await sim.graph("auditLogs/signIns", top=1)).status_code for _ in range(30)]

    assert await walk() == await walk()
