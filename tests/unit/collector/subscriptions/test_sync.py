from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from aoc_collector.subscriptions.graph import ExistingSubscription, compare
from aoc_collector.subscriptions.sync import SubscriptionSync, Target, address, desired_subscriptions
from aoc_common.contracts.jobs import PollJob, SubscriptionJob
from aoc_common.contracts.webhooks import Sealed, Seals
from aoc_common.errors import Refused, Throttled, Unreachable

GRAPH = "https://graph.microsoft.com"
TENANT_ID = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
SEALS = Seals(["s" * 32])
URL = address("https://aoc.example", SEALS)
WANTED = desired_subscriptions("contoso", TENANT_ID, {"users", "groups", "alerts"}, URL, SEALS)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LIFETIME = timedelta(days=3)


def held(key="1", resource="users", days=3.0, **changes):
    members = {
        "change_type": "updated,deleted",
        "notification_url": URL,
        "lifecycle_notification_url": URL,
    } | changes
    return ExistingSubscription(key, resource, (NOW + timedelta(days=days)).isoformat(), **members)


def differ(*found, wanted=WANTED[:1]):
    difference = compare(wanted, found, URL, NOW + LIFETIME / 2)
    return {
        "create": [subscription.kind for subscription in difference.create],
        "renew": [one.id for _, one in difference.renew],
        "delete": [subscription.id for subscription in difference.delete],
    }


def test_what_is_wanted_is_made_with_the_seal_of_tenant_and_kind():
    assert [subscription.resource for subscription in WANTED] == ["users", "groups", "security/alerts_v2"]
    assert [SEALS.open(subscription.state) for subscription in WANTED] == [
        Sealed(kind, "contoso", TENANT_ID) for kind in ("users", "groups", "alerts")
    ]
    assert "secret" not in repr(WANTED)
    assert WANTED[0].state not in repr(WANTED)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], {"create": ["users"]}),
        ([held()], {}),
        ([held(days=1.4)], {"renew": ["1"]}),
        ([held(days=1), held("2", days=2)], {"delete": ["1"]}),
        ([held(), held("2")], {"delete": ["1"]}),
        ([held(resource="/Users")], {}),
        ([held(change_type="deleted, updated")], {}),
        ([held(notification_url=URL.replace("https://aoc", "HTTPS://AOC"))], {}),
        ([held(change_type="updated")], {"create": ["users"], "delete": ["1"]}),
        ([held(lifecycle_notification_url=None)], {}),
        ([held(change_type="")], {}),
        ([held(lifecycle_notification_url=URL[:-1])], {"create": ["users"], "delete": ["1"]}),
        ([held(resource="groups")], {"create": ["users"], "delete": ["1"]}),
        ([held(notification_url=URL[:-1])], {"create": ["users"], "delete": ["1"]}),
        ([held(notification_url="https://other.example/hook")], {"create": ["users"]}),
        ([held(notification_url=None)], {"create": ["users"]}),
    ],
)
def test_the_difference_is_what_is_missing_ending_double_or_old(found, expected):
    assert {"create": [], "renew": [], "delete": []} | expected == differ(*found)


def test_what_is_not_collected_any_more_is_deleted_even_the_last():
    assert differ(held(), wanted=[])["delete"] == ["1"]


class Graph:
    """Graph's subscriptions. `refuse`: (method, end of path) -> answer."""

    def __init__(self):
        self.held = []
        self.done = []
        self.refuse = {}

    def __call__(self, request):
        path = request.url.path.removeprefix("/v1.0/subscriptions")
        for (method, end), answer in self.refuse.items():
            if (request.method, path.endswith(end)) == (method, True):
                return answer
        if request.method == "GET":
            return httpx.Response(200, json={"value": self.held})
        self.done.append((request.method, path))
        return httpx.Response(204) if request.method == "DELETE" else httpx.Response(201, json={})

    def hold(self, key, resource="users", **delta):
        expires = (NOW + timedelta(**delta)).isoformat()
        self.held.append(
            {
                "id": key,
                "resource": resource,
                "changeType": "updated,deleted",
                "notificationUrl": URL,
                "lifecycleNotificationUrl": URL,
                "expirationDateTime": expires,
                "clientState": None,
            }
        )


def refusal(status, code="Request_ResourceNotFound", message="made up"):
    return httpx.Response(status, json={"error": {"code": code, "message": message}})


@pytest.fixture
def graph(microsoft):
    microsoft.respond = Graph()
    return microsoft.respond


@pytest.fixture
def published():
    return []


@pytest.fixture
def sync(context, clock, published):
    """`sync(wanted)`: keeps contoso."""

    def make(wanted=WANTED[:1]):
        target = Target("contoso", context(GRAPH).api, URL, wanted)

        async def publish(job):
            published.append(job)
            return True

        return SubscriptionSync({"contoso": target}.get, publish, LIFETIME, clock)

    return make


RECONCILE = SubscriptionJob(tenant="contoso")
REAUTHORISE = SubscriptionJob(tenant="contoso", subscription="76619225-ff6b-4489-96ca-4ef547e78b22")


async def test_what_is_missing_is_created_and_what_was_missed_meanwhile_is_looked_at(sync, graph, published, microsoft):
    await sync(WANTED).run(RECONCILE)

    assert graph.done == [("POST", "")] * 3
    assert [job.source for job in published] == ["directory", "directory", "graph-alerts"]
    sent = httpx.Response(200, content=microsoft.requests[1].content).json()
    assert sent == {
        "changeType": "updated,deleted",
        "notificationUrl": URL,
        "lifecycleNotificationUrl": URL,
        "resource": "users",
        "expirationDateTime": "2026-11-26T08:00:00Z",
        "clientState": WANTED[0].state,
    }


async def test_what_is_there_and_lives_on_is_left_alone(sync, graph, published):
    graph.hold("1", days=2)
    await sync().run(RECONCILE)

    assert (graph.done, published) == ([], [])


async def test_what_ends_soon_is_renewed(sync, graph, published):
    graph.hold("1", days=1)
    await sync().run(RECONCILE)

    assert (graph.done, published) == ([("PATCH", "/1")], [])


@pytest.mark.parametrize("status", [404, 403, 400])
async def test_what_cannot_be_renewed_is_created_anew(sync, graph, published, status):
    graph.hold("1", days=1)
    graph.refuse = {("PATCH", "/1"): refusal(status)}
    await sync().run(RECONCILE)

    assert graph.done == [("POST", "")]
    assert published == [PollJob(tenant="contoso", source="directory")]


async def test_doubles_are_deleted_also_when_they_are_gone_already(sync, graph):
    for key in ("1", "2", "3"):
        graph.hold(key, days=2)
    graph.refuse = {("DELETE", "/1"): refusal(404)}
    await sync().run(RECONCILE)

    assert graph.done == [("DELETE", "/2")]


async def test_a_refused_resource_leaves_the_others_running_and_is_told_of_once(sync, graph, caplog):
    graph.refuse = {("POST", ""): refusal(403, "Authorization_RequestDenied")}
    kept = sync(WANTED)
    for _ in range(2):
        await kept.run(RECONCILE)

    assert graph.done == []
    assert list(kept._last_refusals) == [("contoso", "users"), ("contoso", "groups"), ("contoso", "alerts")]


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "ValidationError", "Subscription validation request failed. It answered 502."),
        refusal(400, "InvalidRequest", "Subscription validation request timed out."),
    ],
)
async def test_a_gateway_that_does_not_answer_graph_yet_is_waited_for(sync, graph, answer):
    graph.refuse = {("POST", ""): answer}

    with pytest.raises(Unreachable, match=r"https://aoc\.example/api/webhooks/graph does not answer Graph"):
        await sync().run(RECONCILE)


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (503, Unreachable), (403, Refused)])
async def test_a_list_that_cannot_be_had_puts_the_job_off(sync, graph, status, error):
    graph.refuse = {("GET", ""): refusal(status)}

    with pytest.raises(error):
        await sync().run(RECONCILE)
    assert graph.done == []


async def test_reauthorising_says_so_to_graph_and_does_nothing_else(sync, graph, published):
    await sync().run(REAUTHORISE)

    assert graph.done == [("POST", f"/{REAUTHORISE.subscription}/reauthorize")]
    assert published == []


async def test_a_subscription_that_is_gone_when_it_is_to_be_reauthorised_is_looked_into(sync, graph, published):
    graph.refuse = {("POST", "/reauthorize"): refusal(404)}
    await sync().run(REAUTHORISE)

    assert published == [RECONCILE]


async def test_a_tenant_of_another_collector_is_passed_over(sync, graph, microsoft):
    await sync().run(SubscriptionJob(tenant="fabrikam"))

    assert microsoft.requests == []


async def test_subscriptions_are_read_over_all_pages_of_this_host_only(sync, graph, microsoft):
    graph.hold("1", days=2)
    pages = iter([f"{GRAPH}/v1.0/subscriptions?$skiptoken=1", "https://evil.example/v1.0/subscriptions"])
    whole = graph.__call__

    def respond(request):
        answer = whole(request)
        return httpx.Response(200, json={**answer.json(), "@odata.nextLink": next(pages)})

    microsoft.respond = respond
    with pytest.raises(Refused, match="evil"):
        await sync().run(RECONCILE)
    assert len(microsoft.requests) == 2
