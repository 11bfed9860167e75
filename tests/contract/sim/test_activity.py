from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

ALL_TYPES = ("Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", "Audit.General", "DLP.All")


def code(answer):
    return answer.json()["error"]["code"]


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S")


async def test_without_a_subscription_there_is_no_content(sim):
    answer = await sim.content("Audit.Exchange")

    assert (answer.status_code, code(answer)) == (400, "AF20022")


async def test_a_content_type_must_be_named_and_known(sim):
    assert code(await sim.content("Audit.Everything")) == "AF20020"
    assert code(await sim.get("activity", f"{sim.feed()}/subscriptions/content")) == "AF20001"


async def test_the_tenant_of_the_url_must_be_a_guid_known_and_the_tokens(sim):
    async def listed(tenant):
        return await sim.get("activity", f"/api/v1.0/{tenant}/activity/feed/subscriptions/list")

    assert code(await listed("contoso.example")) == "AF20013"
    assert code(await listed(uuid4())) == "AF20011"
    assert code(await listed(sim.tenant("fabrikam").tenant_id)) == "AF20010"


@pytest.mark.parametrize(
    ("start_h", "end_h"),
    [(-25, 0), (-7 * 24 - 1, -7 * 24 + 5), (-1, -2), (None, 0), (-1, None)],
    ids=["over 24 hours", "over 7 days ago", "ends before it starts", "no start", "no end"],
)
async def test_a_window_beyond_the_limits_is_refused(sim, start_h, end_h):
    await sim.start("Audit.Exchange")
    bounds = {"startTime": start_h, "endTime": end_h}
    now = sim.clock.now()
    params = {k: stamp(now + timedelta(hours=h)) for k, h in bounds.items() if h is not None}

    answer = await sim.content("Audit.Exchange", **params)
    assert (answer.status_code, code(answer)) == (400, "AF20030")


async def test_a_wide_window_is_answered_in_part_if_so_set(make_sim):
    sim = make_sim(history_hours=72, activity_wide_windows="partial")
    await sim.start("Audit.Exchange")
    now = sim.clock.now()

    items = await sim.listing("Audit.Exchange", startTime=stamp(now - timedelta(hours=60)), endTime=stamp(now))
    created = [item["contentCreated"] for item in items]
    assert created
    assert max(created) < stamp(now - timedelta(hours=36))


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-01-14T25:00:00", "14/01/2026"])
async def test_a_time_that_is_none_is_refused(sim, text):
    await sim.start("Audit.Exchange")

    assert code(await sim.content("Audit.Exchange", startTime=text, endTime=text)) == "AF20002"


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.000Z"])
async def test_the_documented_forms_of_time_are_taken(sim, form):
    await sim.start("Audit.Exchange")
    now = sim.clock.now()

    answer = await sim.content(
        "Audit.Exchange", startTime=(now - timedelta(hours=20)).strftime(form), endTime=now.strftime(form)
    )
    assert answer.status_code == 200


async def test_a_bad_next_page_is_refused(sim):
    await sim.start("Audit.Exchange")

    assert code(await sim.content("Audit.Exchange", nextPage="seven")) == "AF20031"


async def test_subscriptions_are_listed_with_their_status(sim):
    started = await sim.start("Audit.Exchange")
    await sim.start("Audit.General")
    stopped = await sim.stop("Audit.General")
    listed = (await sim.get("activity", f"{sim.feed()}/subscriptions/list")).json()

    assert started.json() == {"contentType": "Audit.Exchange", "status": "enabled", "webhook": None}
    assert (stopped.status_code, stopped.content) == (200, b"")
    assert [(s["contentType"], s["status"]) for s in listed] == [
        ("Audit.Exchange", "enabled"),
        ("Audit.General", "disabled"),
    ]
    assert code(await sim.content("Audit.General")) == "AF20022"
    assert code(await sim.stop("Audit.General")) == "AF20022"


@pytest.mark.parametrize("content_type", ALL_TYPES)
async def test_a_listing_and_its_blobs_hold_exactly_the_truth(make_sim, content_type):
    sim = make_sim(events=2500)
    await sim.start(content_type)
    items = await sim.listing(content_type)
    fetched = []
    for item in items:
        records = (await sim.get("activity", item["contentUri"], PublisherIdentifier=str(uuid4()))).json()
        assert len(records) >= 1
        fetched += records

    source = {"Audit.AzureActiveDirectory": "azuread", "DLP.All": "dlp"}.get(content_type, content_type[6:].lower())
    truth = await sim.truth("contoso", f"o365-{source}")
    assert len(truth) == len(fetched)
    assert {key.split("|")[0] for key in truth} == {record["Id"] for record in fetched}
    assert {item["contentType"] for item in items} == {content_type}


async def test_a_listing_is_cut_into_pages_by_a_header(make_sim):
    sim = make_sim(pages={"activity_listing": 4})
    await sim.start("Audit.Exchange")
    first = await sim.content("Audit.Exchange", PublisherIdentifier="p")
    items = await sim.listing("Audit.Exchange")

    assert len(first.json()) == 4
    assert "PublisherIdentifier=p" in first.headers["nextpageuri"]
    assert len({item["contentId"] for item in items}) == len(items) > 8
    assert [i["contentCreated"] for i in items] == sorted(i["contentCreated"] for i in items)


async def test_windows_start_inclusive_and_end_exclusive_tile_without_loss_or_repeat(sim):
    await sim.start("Audit.Exchange")
    everything = await sim.listing("Audit.Exchange")
    middle = everything[len(everything) // 2]["contentCreated"].removesuffix("Z")
    now = sim.clock.now()
    first = await sim.listing("Audit.Exchange", startTime=stamp(now - timedelta(hours=24)), endTime=middle)
    second = await sim.listing("Audit.Exchange", startTime=middle, endTime=stamp(now))

    assert second[0]["contentCreated"].removesuffix("Z") == middle
    assert [i["contentId"] for i in first + second] == [i["contentId"] for i in everything]


async def test_content_expires_after_seven_days(sim):
    await sim.start("Audit.Exchange")
    item = (await sim.listing("Audit.Exchange"))[-1]
    sim.clock.advance(7 * 24 * 3600)
    sim._tokens.clear()

    answer = await sim.get("activity", item["contentUri"])
    assert code(answer) == "AF20051"


async def test_content_that_does_not_exist_or_belongs_to_another_tenant_is_not_found(sim):
    await sim.start("Audit.Exchange")
    key = (await sim.listing("Audit.Exchange"))[0]["contentId"]

    assert code(await sim.get("activity", f"{sim.feed()}/audit/2026$2026$x")) == "AF20050"
    assert code(await sim.get("activity", f"{sim.feed()}/audit/no such")) == "AF20052"
    assert code(await sim.get("activity", f"{sim.feed('fabrikam')}/audit/{key}", "fabrikam")) == "AF20050"


async def test_records_have_the_management_apis_time_and_no_zone(sim):
    await sim.start("Audit.SharePoint")
    item = (await sim.listing("Audit.SharePoint"))[0]
    records = (await sim.get("activity", item["contentUri"])).json()

    assert {len(record["CreationTime"]) for record in records} == {19}


async def test_what_is_created_between_stop_and_restart_is_lost_and_not_in_the_truth(sim):
    await sim.start("Audit.Exchange")
    await sim.stop("Audit.Exchange")
    sim.clock.advance(5)
    lost = (await sim.client.post("/_emit", json={"tenant": "contoso", "source": "o365-exchange", "count": 3})).json()
    sim.clock.advance(5)
    await sim.start("Audit.Exchange")
    created = (
        await sim.client.post("/_emit", json={"tenant": "contoso", "source": "o365-exchange", "count": 2})
    ).json()
    sim.clock.advance(5)
    fetched = []
    for item in await sim.listing("Audit.Exchange"):
        fetched += [record["Id"] for record in (await sim.get("activity", item["contentUri"])).json()]

    truth = await sim.truth("contoso", "o365-exchange")
    assert sorted(fetched) == sorted(truth)
    assert not set(lost["records"]["o365-exchange"]) & set(fetched)
    assert set(created["records"]["o365-exchange"]) <= set(fetched)


async def test_the_first_content_takes_the_time_that_is_set(make_sim):
    sim = make_sim(activity_warmup_hours=2)
    await sim.start("Audit.Exchange")

    assert await sim.listing("Audit.Exchange") == []
    sim.clock.advance(2 * 3600)
    sim._tokens.clear()
    assert await sim.listing("Audit.Exchange") != []


@pytest.mark.parametrize(
    ("webhook", "expected"),
    [
        ({"address": "http://collector.test/hook"}, "AF20021"),
        ({"address": "https://collector.test/500"}, "AF20021"),
        ({"authId": "x"}, "AF20001"),
        ({"address": "https://collector.test/hook", "expiration": "2020-01-01T00:00:00"}, "AF20003"),
        ({"address": "https://collector.test/hook", "expiration": "soon"}, "AF20002"),
    ],
)
async def test_a_webhook_that_cannot_be_validated_is_refused(sim, receiver, webhook, expected):
    answer = await sim.start("Audit.Exchange", json={"webhook": webhook})

    assert code(answer) == expected
    assert code(await sim.content("Audit.Exchange")) == "AF20022"


async def test_a_webhook_is_validated_with_a_code_and_shown(sim, receiver):
    webhook = {"address": "https://collector.test/hook", "authId": "ours", "expiration": ""}
    answer = await sim.start("Audit.Exchange", json={"webhook": webhook})

    [request] = receiver
    assert request.headers["Webhook-AuthID"] == "ours"
    assert request.headers["Webhook-ValidationCode"]
    assert answer.json()["webhook"] == webhook | {"status": "enabled", "expiration": None}


@pytest.fixture
def receiver(monkeypatch):
    """Answers 200 to validations, 500 to those of /500; lists the requests."""
    requests = []

    def answer(request):
        requests.append(request)
        return httpx.Response(500 if request.url.path == "/500" else 200)

    class Client(httpx.AsyncClient):
        def __init__(self, **options):
            super().__init__(**options, transport=httpx.MockTransport(answer))

    monkeypatch.setattr("aoc_sim.activity.webhooks.httpx.AsyncClient", Client)
    return requests
