from __future__ import annotations

import pytest

from aoc_sim.settings import DEFAULT_TENANTS
from each import each

AUDITS = "auditLogs/directoryAudits"
SIGNINS = "auditLogs/signIns"


async def all_pages(sim, answer, slug="contoso"):
    """The records of all pages, duplicates kept, and the number of pages."""
    records, pages = list(answer.json()["value"]), 1
    while link := answer.json().get("@odata.nextLink"):
        answer = await sim.get("graph", link, slug)
        assert answer.status_code == 200
        records += answer.json()["value"]
        pages += 1
    return records, pages


@each(
    ("path", "params"),
    [
        (AUDITS, {"filter": "createdDateTime ge 2026-01-14T00:00:00Z"}),
        (SIGNINS, {"filter": "activityDateTime ge 2026-01-14T00:00:00Z"}),
        ("deviceManagement/auditEvents", {"filter": "createdDateTime ge 2026-01-14T00:00:00Z"}),
        ("security/alerts_v2", {"filter": "activityDateTime ge 2026-01-14T00:00:00Z"}),
        (AUDITS, {"filter": "activityDateTime ge '2026-01-14T00:00:00Z'"}),
        (AUDITS, {"filter": "activityDateTime ge yesterday"}),
        (AUDITS, {"filter": "activityDateTime ge 2026-01-14T00:00:00Z or category eq 'Device'"}),
        (AUDITS, {"filter": "activityDateTime has 2026-01-14T00:00:00Z"}),
        (AUDITS, {"filter": "category gt 'A'"}),
        (AUDITS, {"filter": "contains(category,'User')"}),
        (AUDITS, {"filter": "(category eq 'User'"}),
        (AUDITS, {"filter": "startswith(activityDateTime,'2026')"}),
        (SIGNINS, {"filter": "signInEventTypes/any(t: t eq 'nonInteractiveUser')"}),
        (AUDITS, {"orderby": "category"}),
        (AUDITS, {"orderby": "activityDateTime sideways"}),
        (AUDITS, {"top": "0"}),
        (AUDITS, {"top": "many"}),
        (AUDITS, {"skip": "5"}),
        (AUDITS, {"search": "x"}),
        (AUDITS, {"skiptoken": "forged"}),
        ("auditLogs/provisioning", {}),
    ],
)
async def test_what_the_service_does_not_accept_answers_400_in_graphs_form(sim, path, params):
    answer = await sim.graph(path, **params)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "BadRequest")
    assert {"date", "request-id", "client-request-id"} <= error["innerError"].keys()


async def test_pages_are_newest_first_and_together_complete(sim):
    answer = await sim.graph(AUDITS, top=7)
    records, pages = await all_pages(sim, answer)

    times = [record["activityDateTime"] for record in records]
    assert pages == -(-len(records) // 7)
    assert times == sorted(times, reverse=True)
    assert sorted(r["id"] for r in records) == sorted(await sim.truth("contoso", "graph-directory-audits"))


async def test_the_next_link_is_absolute_and_keeps_filter_and_order(sim):
    answer = await sim.graph(SIGNINS, top=5, filter="status/errorCode eq 0", orderby="createdDateTime asc")
    records, _ = await all_pages(sim, answer)

    assert answer.json()["@odata.nextLink"].startswith("http://sim.test/v1.0/auditLogs/signIns?")
    assert {record["status"]["errorCode"] for record in records} == {0}
    assert [r["createdDateTime"] for r in records] == sorted(r["createdDateTime"] for r in records)


async def test_top_above_the_maximum_is_clamped(make_sim):
    sim = make_sim(pages={"graph_max": 20, "graph_default": 10})

    assert len((await sim.graph(SIGNINS, top=999)).json()["value"]) == 20
    assert len((await sim.graph(SIGNINS)).json()["value"]) == 10


async def test_time_bounds_are_inclusive_or_exclusive_as_asked(sim):
    everything, _ = await all_pages(sim, await sim.graph(SIGNINS))
    bound = everything[10]["createdDateTime"]

    async def count(operator):
        records, _ = await all_pages(sim, await sim.graph(SIGNINS, filter=f"createdDateTime {operator} {bound}"))
        return len(records)

    equal = sum(r["createdDateTime"] == bound for r in everything)
    newer = sum(r["createdDateTime"] > bound for r in everything)
    assert [await count(o) for o in ("eq", "ge", "gt", "le", "lt")] == [
        equal,
        newer + equal,
        newer,
        len(everything) - newer,
        len(everything) - newer - equal,
    ]


async def test_filters_join_and_brackets_and_nested_fields_work(sim):
    everything, _ = await all_pages(sim, await sim.graph(AUDITS))
    text = "(activityDateTime ge 2026-01-13T15:00:00Z and activityDateTime le 2026-01-14T15:00:00.0000000Z)"
    text += " and startswith(activityDisplayName,'update') and initiatedBy/user/userPrincipalName ne null"
    refused = await sim.graph(AUDITS, filter=text)
    text = text.removesuffix(" and initiatedBy/user/userPrincipalName ne null") + " and category eq 'UserManagement'"
    records, _ = await all_pages(sim, await sim.graph(AUDITS, filter=text))

    expected = [
        r for r in everything if r["activityDisplayName"].startswith("Update") and r["category"] == "UserManagement"
    ]
    assert refused.status_code == 400
    assert expected
    assert records == expected


async def test_no_page_changes_when_records_arrive_between_pages(make_sim):
    sim = make_sim(live_rate=40)
    answer = await sim.graph(SIGNINS, top=9)
    before = set(await sim.truth("contoso", "graph-signins"))
    seen = [r["id"] for r in answer.json()["value"]]
    while link := answer.json().get("@odata.nextLink"):
        sim.clock.advance(3)
        answer = await sim.get("graph", link)
        seen += [r["id"] for r in answer.json()["value"]]

    assert set(seen) == before
    assert len(seen) == len(before)
    assert len(await sim.truth("contoso", "graph-signins")) > len(before)


async def test_a_skip_token_is_bound_to_its_collection_tenant_and_lifetime(make_sim):
    sim = make_sim(pages={"skiptoken_lifetime_s": 60})
    link = (await sim.graph(SIGNINS, top=3)).json()["@odata.nextLink"]

    elsewhere = await sim.get("graph", link.replace("signIns", "directoryAudits"))
    stranger = await sim.get("graph", link, "fabrikam")
    in_time = await sim.get("graph", link)
    sim.clock.advance(61)
    too_late = await sim.get("graph", link)
    assert [a.status_code for a in (elsewhere, stranger, in_time, too_late)] == [400, 400, 200, 400]


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("interactiveUser", "graph-signins"),
        ("nonInteractiveUser", "graph-signins-noninteractive"),
        ("servicePrincipal", "graph-signins-serviceprincipal"),
        ("managedIdentity", "graph-signins-managedidentity"),
    ],
)
async def test_beta_lists_each_kind_of_sign_in(sim, kind, source):
    text = f"signInEventTypes/any(t: t eq '{kind}') and createdDateTime ge 2026-01-13T00:00:00Z"
    answer = await sim.get("graph", "/beta/auditLogs/signIns", **{"$filter": text, "$top": 100})
    records, _ = await all_pages(sim, answer)

    assert {tuple(record["signInEventTypes"]) for record in records} == {(kind,)}
    assert sorted(r["id"] for r in records) == sorted(await sim.truth("contoso", source))


async def test_beta_lists_several_kinds_together_and_refuses_unknown_ones(sim):
    text = "signInEventTypes/any(t: t eq 'servicePrincipal' or t eq 'managedIdentity')"
    records, _ = await all_pages(
        sim, await sim.get("graph", "/beta/auditLogs/signIns", **{"$filter": text, "$top": 11})
    )
    odd = await sim.get("graph", "/beta/auditLogs/signIns", **{"$filter": "signInEventTypes/any(t: t eq 'robot')"})

    expected = await sim.truth("contoso", "graph-signins-serviceprincipal")
    expected += await sim.truth("contoso", "graph-signins-managedidentity")
    assert sorted(r["id"] for r in records) == sorted(expected)
    assert odd.status_code == 400


async def test_alerts_filter_and_order_by_their_last_update_too(make_sim):
    sim = make_sim(events=20_000)
    everything, _ = await all_pages(sim, await sim.graph("security/alerts_v2"))
    bound = sorted(a["lastUpdateDateTime"] for a in everything)[len(everything) // 2]
    answer = await sim.graph(
        "security/alerts_v2", filter=f"lastUpdateDateTime ge {bound}", orderby="lastUpdateDateTime asc", top=3
    )
    records, _ = await all_pages(sim, answer)

    assert sorted(a["id"] for a in records) == sorted(a["id"] for a in everything if a["lastUpdateDateTime"] >= bound)
    assert len(records) > 3


async def test_intune_events_are_listed_whichever_way_their_time_is_written(make_sim):
    sim = make_sim(events=12_000)
    records, _ = await all_pages(sim, await sim.graph("deviceManagement/auditEvents", top=50))

    ids = await sim.truth("contoso", "graph-intune")
    assert sorted(r["id"] for r in records) == sorted(ids)
    assert {r["activityDateTime"][-6:] for r in records} > {"-08:00"}


async def test_select_leaves_the_other_properties_out(sim):
    answer = await sim.graph(AUDITS, top=2, select="id,activityDisplayName")

    assert {tuple(r) for r in answer.json()["value"]} == {("id", "activityDisplayName")}


async def test_a_token_opens_its_own_tenant_only(sim):
    ours, _ = await all_pages(sim, await sim.graph(AUDITS))
    theirs, _ = await all_pages(sim, await sim.graph(AUDITS, "fabrikam"), "fabrikam")

    assert not {r["id"] for r in ours} & {r["id"] for r in theirs}


async def test_sign_ins_of_a_tenant_without_premium_answer_403_and_audits_do_not(make_sim):
    plain = DEFAULT_TENANTS[0].model_copy(update={"premium": False})
    sim = make_sim(tenants=(plain,))

    answer = await sim.graph(SIGNINS)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    assert (await sim.graph(AUDITS)).status_code == 200


async def test_intune_and_alerts_need_their_own_roles(make_sim):
    plain = DEFAULT_TENANTS[0].model_copy(update={"graph_roles": ("AuditLog.Read.All",)})
    sim = make_sim(tenants=(plain,))

    answers = [await sim.graph(path) for path in ("deviceManagement/auditEvents", "security/alerts_v2", "organization")]
    assert [a.status_code for a in answers] == [403, 403, 403]


async def test_the_organization_names_the_tenant(sim):
    body = (await sim.graph("organization")).json()

    assert body["value"][0]["id"] == sim.tenant().tenant_id


async def test_links_use_the_public_url_if_one_is_set(make_sim):
    sim = make_sim(public_url="https://m365.test/")

    assert (await sim.graph(SIGNINS, top=1)).json()["@odata.nextLink"].startswith("https://m365.test/v1.0/")
