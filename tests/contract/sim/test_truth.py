from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from aoc_sim.activity.subscriptions import CONTENT_TYPES
from aoc_sim.app import create_app
from aoc_sim.records.base import STATES
from aoc_sim.settings import SimSettings
from aoc_sim.stories import STORIES

LISTS = {
    "graph-directory-audits": ("/v1.0/auditLogs/directoryAudits", ""),
    "graph-signins": ("/v1.0/auditLogs/signIns", ""),
    "graph-signins-noninteractive": ("/beta/auditLogs/signIns", "nonInteractiveUser"),
    "graph-signins-serviceprincipal": ("/beta/auditLogs/signIns", "servicePrincipal"),
    "graph-signins-managedidentity": ("/beta/auditLogs/signIns", "managedIdentity"),
    "graph-intune": ("/v1.0/deviceManagement/auditEvents", ""),
    "graph-alerts": ("/v1.0/security/alerts_v2", ""),
    "graph-risk-detections": ("/v1.0/identityProtection/riskDetections", ""),
    "graph-risk-detections-serviceprincipal": ("/v1.0/identityProtection/servicePrincipalRiskDetections", ""),
    "graph-risky-users": ("/v1.0/identityProtection/riskyUsers", ""),
    "graph-risky-serviceprincipals": ("/v1.0/identityProtection/riskyServicePrincipals", ""),
    "graph-pim-alerts": ("/beta/identityGovernance/roleManagementAlerts/alerts", ""),
}
SCOPE = "scopeId eq '/' and scopeType eq 'DirectoryRole'"


#: So seldom that a small world may have none.
RARE = ["graph-alerts", *(source for source in LISTS if source.startswith(("graph-risk", "graph-pim")))]


def identity(source, record):
    """As the truth names records: a state of somebody's risk by when it began, too."""
    if source not in STATES:
        return record["id"]
    since = datetime.fromisoformat(record.get("riskLastUpdatedDateTime") or record["lastModifiedDateTime"])
    return f"{record['id']}|{int(since.timestamp()) * 1000 + since.microsecond // 1000}"


class NaiveReader:
    """Reads everything, page by page, and begins again whenever something fails."""

    def __init__(self, sim):
        self.sim = sim
        self.found = defaultdict(set)
        self.fetched = 0

    async def get(self, api, url, slug, **params):
        for _ in range(200):
            answer = await self.sim.get(api, url, slug, **params)
            transient = answer.status_code in {429, 500, 502, 503, 504}
            if answer.status_code == 403:
                transient = answer.json()["error"]["code"] in {
                    "AF429",
                    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                }
            if not transient:
                return answer
        raise AssertionError("the faults never end")

    async def graph(self, slug, source):
        path, kind = LISTS[source]
        params: dict[str, Any] = {"$top": 100}
        if kind:
            params["$filter"] = f"signInEventTypes/any(t: t eq '{kind}')"
        elif source == "graph-pim-alerts":
            params["$filter"] = SCOPE
        answer = await self.get("graph", path, slug, **params)
        while True:
            if answer.status_code == 400:
                answer = await self.get("graph", path, slug, **params)
                continue
            for record in answer.json()["value"]:
                if str(record.get("lastModifiedDateTime")).startswith("0001-"):
                    continue  # an alert that nothing ever happened to
                self.fetched += 1
                self.found[slug, source].add(identity(source, record))
            link = answer.json().get("@odata.nextLink")
            if not link:
                return
            answer = await self.get("graph", link, slug)

    async def activity(self, slug, content_type):
        source = CONTENT_TYPES[content_type]
        root = self.sim.feed(slug)
        while (await self.sim.start(content_type, slug)).status_code != 200:
            pass
        start = self.sim.clock.now() - timedelta(hours=23, minutes=59)
        params = {
            "contentType": content_type,
            "startTime": start.strftime("%Y-%m-%dT%H:%M:%S"),
            "endTime": (self.sim.clock.now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        answer = await self.get("activity", f"{root}/subscriptions/content", slug, **params)
        while True:
            for item in answer.json():
                content = await self.get("activity", item["contentUri"], slug)
                if content.status_code != 200:
                    assert "AF20051" in content.text  # expired before it was ever had: never available
                    continue
                records = content.json()
                self.fetched += len(records)
                self.found[slug, source] |= {(r["Id"], r["Operation"]) for r in records}
            link = answer.headers.get("NextPageUri")
            if not link:
                return
            answer = await self.get("activity", link, slug)

    async def everything(self):
        for slug in ("contoso", "fabrikam"):
            for source in LISTS:
                await self.graph(slug, source)
            for content_type in CONTENT_TYPES:
                await self.activity(slug, content_type)


@pytest.mark.parametrize("profile", ["none", "verify"])
async def test_a_complete_reader_finds_exactly_the_truth(make_sim, profile):
    sim = make_sim(faults_profile=profile, events=1500, history_hours=23, live_rate=5)
    if profile == "verify":
        # a fault that sleeps would only make the test slow
        sim.world.dice.settings = sim.world.dice.settings.model_copy(update={"slow_s": 0.001})
    for slug in ("contoso", "fabrikam"):
        for source in RARE:
            await sim.client.post("/_emit", json={"tenant": slug, "source": source, "count": 3})
    reader = NaiveReader(sim)
    sim.clock.advance(20)
    await reader.everything()
    sim.clock.advance(40)
    await reader.everything()

    truth = (await sim.client.get("/_truth")).json()
    counts = {key: len(ids) for key, ids in reader.found.items()}
    expected = {
        (s, source): body["count"] for s, sources in truth["tenants"].items() for source, body in sources.items()
    }
    assert counts == expected
    for slug, sources in truth["tenants"].items():
        for source, body in sources.items():
            identities = reader.found[slug, source]
            if source.startswith("o365-"):
                identities = {f"{i}|{o}" if f"{i}|{o}" in body["records"] else i for i, o in identities}
            assert identities == set(body["records"])
            assert len(body["records"]) == body["count"]
    # of sixty seconds of live records, those of the last twenty may still be held back
    assert truth["total"] >= 1500 + 5 * 39
    if profile == "verify":
        assert set(truth["faults_injected"]) >= {"late", "resend", "http_429", "http_5xx", "empty_page"}
        assert truth["resent"] > 0
        assert reader.fetched > truth["total"]


async def test_the_records_of_the_truth_can_be_had_with_their_times_and_story(sim):
    plain = (await sim.client.get("/_truth/contoso/graph-directory-audits")).text.splitlines()
    wrapped = (await sim.client.get("/_truth/contoso/graph-directory-audits?envelope=1")).text.splitlines()

    envelopes = [json.loads(line) for line in wrapped]
    assert [json.loads(line)["id"] for line in plain] == await sim.truth("contoso", "graph-directory-audits")
    assert [e["record"]["id"] for e in envelopes] == [e["id"] for e in envelopes]
    assert all(e["time"] <= e["available"] for e in envelopes)
    assert (await sim.client.get("/_truth/contoso/nothing")).status_code == 404


async def test_every_story_is_told_once_and_lies_in_the_truth(make_sim):
    sim = make_sim(history_hours=24)
    stories = (await sim.client.get("/_stories")).json()["stories"]
    truth = (await sim.client.get("/_truth")).json()["tenants"]

    assert [story["name"] for story in stories] == list(STORIES)
    assert {slug for story in stories for slug in story["tenants"]} == {"contoso", "fabrikam"}
    for story in stories:
        assert len(story["records"]) >= 4
        for record in story["records"]:
            assert record["id"] in truth[record["tenant"]][record["source"]]["records"]


async def test_emitted_records_and_stories_join_the_truth_and_the_answers(sim):
    emitted = await sim.client.post("/_emit", json={"tenant": "fabrikam", "source": "graph-signins", "count": 5})
    story = await sim.client.post("/_emit", json={"tenant": "fabrikam", "story": "device-wipe"})
    sim.clock.advance(1)
    answer = await sim.graph("auditLogs/signIns", "fabrikam", filter="createdDateTime ge 2026-01-14T14:50:00Z")

    ids = emitted.json()["records"]["graph-signins"]
    assert len(ids) == 5
    assert set(ids) <= {r["id"] for r in answer.json()["value"]}
    assert set(ids) <= set(await sim.truth("fabrikam", "graph-signins"))
    assert len(story.json()["records"]["graph-intune"]) == 5


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"tenant": "nobody"}, 404),
        ({"tenant": "contoso", "story": "nothing"}, 404),
        ({"tenant": "contoso", "source": "nothing"}, 422),
        ({"tenant": "contoso", "count": 0}, 422),
        ({}, 422),
    ],
)
async def test_an_emission_that_makes_no_sense_is_refused(sim, body, status):
    assert (await sim.client.post("/_emit", json=body)).status_code == status


async def test_live_records_do_not_depend_on_how_often_one_looks(make_sim):
    often, seldom = make_sim(live_rate=4, events=300), make_sim(live_rate=4, events=300)
    for _ in range(30):
        often.clock.advance(1)
        await often.client.get("/_truth?summary=1")
    seldom.clock.advance(30)

    first = (await often.client.get("/_truth")).json()["tenants"]
    assert first == (await seldom.client.get("/_truth")).json()["tenants"]
    assert sum(source["count"] for slug in first.values() for source in slug.values()) > 300 + 4 * 27


async def test_an_unknown_story_in_the_settings_stops_the_start(signing_key):
    with pytest.raises(ValueError, match="no such story: heist"):
        create_app(SimSettings(stories=["heist"], signing_key_pem=signing_key))


async def test_the_command_serves_on_a_free_port_and_says_so():
    command = [sys.executable, "-m", "aoc_sim", "--port", "0", "--events", "400", "--live-rate", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        line = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with httpx.AsyncClient(base_url=line["url"], trust_env=False) as client:
            tenant = SimSettings().tenants[0]
            form = {
                "grant_type": "client_credentials",
                "client_id": tenant.client_id,
                "client_secret": tenant.client_secret.get_secret_value(),
                "scope": f"{line['url']}/.default",
            }
            token = (await client.post(f"/{tenant.domain}/oauth2/v2.0/token", data=form)).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            page = await client.get("/v1.0/auditLogs/signIns?$top=3", headers=headers)
            following = await client.get(page.json()["@odata.nextLink"], headers=headers)
            truth = (await client.get("/_truth?summary=1")).json()
    finally:
        process.terminate()
        await process.wait()

    assert (line["event"], line["port"]) == ("simulator.started", int(line["url"].rsplit(":", 1)[1]))
    assert len(following.json()["value"]) == 3
    assert truth["total"] == 400


async def test_the_truth_names_twins_that_the_two_apis_told_apart(make_sim):
    sim = make_sim(events=3000)
    truth = (await sim.client.get("/_truth/twins")).json()
    known = (await sim.client.get("/_truth")).json()["tenants"]

    pairs = [(slug, pair) for slug, of_tenant in truth["tenants"].items() for pair in of_tenant]
    assert truth["total"] == len(pairs) > 100
    assert all(item["id"] in known[slug][item["source"]]["records"] for slug, pair in pairs for item in pair)
    assert all({item["source"].partition("-")[0] for item in pair} == {"graph", "o365"} for _, pair in pairs)


async def test_the_books_tell_of_each_record_of_the_truth_and_of_each_list_that_was_read_to_its_end(make_sim):
    sim = make_sim(events=600, faults={"expired_blob_rate": 0.2, "late_rate": 0})
    reader = NaiveReader(sim)
    await reader.graph("contoso", "graph-signins")
    await sim.start("Audit.Exchange")
    for item in await sim.listing("Audit.Exchange", startTime="2026-01-13T15:00:00", endTime="2026-01-14T15:00:00"):
        await sim.get("activity", item["contentUri"])
    deliveries = (await sim.client.get("/_books")).json()["tenants"]["contoso"]
    truth = (await sim.client.get("/_truth")).json()
    lines = (await sim.client.get("/_books/contoso/o365-exchange")).text.splitlines()

    facts = [json.loads(line) for line in lines]
    assert [fact["id"] for fact in facts] == truth["tenants"]["contoso"]["o365-exchange"]["records"]
    assert all(fact["texts"] and fact["actor"] and fact["available"] >= fact["time"] for fact in facts)
    assert len(deliveries["o365-exchange"]["blobs_gone"]) == truth["expired"]["contoso"]["o365-exchange"] > 0
    assert deliveries["o365-exchange"]["blobs_served"] > 0
    [(at, start, end)] = deliveries["o365-exchange"]["deliveries"]
    assert (end - start, at) == (24 * 3600 * 10**6, end)
    # A page is not a list: only its last one ends it.
    assert len(deliveries["graph-signins"]["deliveries"]) == 1
    assert deliveries["graph-signins"]["shown"] == reader.fetched
    assert deliveries["o365-dlp"]["deliveries"] == []
    assert (await sim.client.get("/_books/contoso/nothing")).status_code == 404
