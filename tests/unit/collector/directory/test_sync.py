"""Directories against a Microsoft made of canned answers and a store in memory: what goes wrong."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from aoc_collector.directory.sync import DirectorySync, Stores, Target
from aoc_common.contracts.jobs import DirectoryJob
from aoc_common.errors import Throttled, Transient, Unreachable
from directory_answers import DELTA, GRAPH, NEXT, USERS, answers, page, refusal, user


def outcome(kind, name, tenant="contoso"):
    labels = {"tenant": tenant, "kind": kind, "outcome": name}
    return REGISTRY.get_sample_value("aoc_collector_directory_reads_total", labels) or 0


async def test_a_429_in_the_middle_of_a_reading_is_waited_out(keep, microsoft, store, clock):
    microsoft.respond = answers(
        (NEXT, [refusal(429, headers={"Retry-After": "7"}), page(user("b"), delta=DELTA)]),
        (USERS, page(user("a"), following=NEXT)),
    )

    await keep()

    assert store.ids() == {"a", "b"}
    assert sum(clock.slept) >= 7


async def test_a_tenant_that_left_while_its_directory_was_read_has_no_failure_and_no_other_kind_is_read(
    context, microsoft, store, clock, stopping
):
    targets = {"contoso": Target("contoso", context(GRAPH).api, ("user", "group"))}

    def leaves(_request):
        targets.clear()
        return refusal(403)

    microsoft.respond = leaves
    sync = DirectorySync(targets.get, Stores(store, store, store), clock, stopping)
    await sync.run(DirectoryJob(tenant="contoso"))

    assert {urlsplit(url).path for url in microsoft.urls} == {"/v1.0/users/delta"}
    assert (await store.state("contoso", "user")).last_error is None


async def test_a_429_that_does_not_end_puts_the_whole_job_off_and_spares_the_other_kinds(keep, microsoft, store):
    microsoft.respond = lambda _: refusal(429, headers={"Retry-After": "600"})

    with pytest.raises(Throttled) as raised:
        await keep("user", "group")

    assert raised.value.retry_after == 600
    assert {urlsplit(url).path for url in microsoft.urls} == {"/v1.0/users/delta"}
    assert "Throttled" in (await store.state("contoso", "user")).last_error


@pytest.mark.parametrize(
    ("status", "code"),
    [(410, "resyncRequired"), (410, ""), (400, "BadRequest"), (404, "syncStateNotFound"), (409, "SyncStateNotFound")],
)
async def test_an_expired_delta_token_means_reading_all_again_and_no_moment_without_a_directory(
    keep, microsoft, store, status, code
):
    microsoft.respond = answers((USERS, page(user("stays"), user("goes"), delta=DELTA)))
    await keep()
    microsoft.respond = answers(
        (DELTA, refusal(status, code)),
        (NEXT, page(user("new"), delta=DELTA)),
        (USERS, page(user("stays"), following=NEXT)),
    )
    store.smallest.clear()
    await keep()

    assert store.ids() == {"stays", "new"}
    assert store.smallest["contoso"] == 2


async def test_a_refused_reading_from_the_beginning_is_an_error_and_sweeps_nothing(keep, microsoft, store):
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    await keep()
    microsoft.respond = lambda _: refusal(410)
    await keep()

    assert store.ids() == {"a"}
    assert "410" in (await store.state("contoso", "user")).last_error


async def test_a_permission_that_is_missing_for_one_kind_leaves_the_others_and_is_told_once(keep, microsoft, store):
    microsoft.respond = answers(
        (f"{GRAPH}/v1.0/groups/delta", refusal(403, "Authorization_RequestDenied")),
        (USERS, page(user("a"), delta=DELTA)),
        (f"{GRAPH}/v1.0/devices/delta", page({"id": "d"}, delta=DELTA)),
    )
    before = outcome("group", "refused")
    with capture_logs() as logs:
        for _ in range(3):
            await keep("user", "group", "device")
    told = [entry for entry in logs if entry["event"] == "directory.failed"]

    assert store.ids() == {"a", "d"}
    assert "Authorization_RequestDenied" in (await store.state("contoso", "group")).last_error
    assert outcome("group", "refused") == before + 3
    assert len(told) == 1


async def test_a_permission_that_is_granted_later_clears_the_error(keep, microsoft, store):
    microsoft.respond = lambda _: refusal(403, "Authorization_RequestDenied")
    await keep()
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    await keep()
    state = await store.state("contoso", "user")

    assert (state.last_error, state.delta_link) == (None, DELTA)


async def test_a_permission_that_is_taken_away_keeps_what_is_known(keep, microsoft, store):
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    await keep()
    microsoft.respond = lambda _: refusal(403, "Authorization_RequestDenied")
    await keep()

    assert store.ids() == {"a"}
    assert (await store.state("contoso", "user")).delta_link == DELTA


@pytest.mark.parametrize("link", [None, DELTA])
async def test_a_store_that_goes_away_between_two_pages_moves_no_state(keep, microsoft, store, link):
    if link:
        microsoft.respond = answers((USERS, page(user("a"), delta=link)))
        await keep()

    def respond(request):
        if str(request.url) == NEXT:
            store.away = True
            return page(user("c"), delta=f"{DELTA}-2")
        return page(user("b"), following=NEXT)

    microsoft.respond = respond
    with pytest.raises(Unreachable, match="store away"):
        await keep()
    store.away = False

    assert (await store.state("contoso", "user")).delta_link == link

    microsoft.respond = answers((NEXT, page(user("c"), delta=f"{DELTA}-2")), (USERS, page(user("b"), following=NEXT)))
    await keep()

    assert {"b", "c"} <= store.ids()
    assert (await store.state("contoso", "user")).delta_link == f"{DELTA}-2"


async def test_a_collector_that_is_killed_between_two_pages_leaves_the_state_and_its_successor_sweeps(
    keep, microsoft, store
):
    class Killed(BaseException):
        pass

    def respond(request):
        if str(request.url) == NEXT:
            raise Killed
        return page(user("a"), user("went"), following=NEXT)

    microsoft.respond = respond
    with pytest.raises(Killed):
        await keep()
    left = await store.state("contoso", "user")
    microsoft.respond = answers((NEXT, page(user("b"), delta=DELTA)), (USERS, page(user("a"), following=NEXT)))
    await keep()

    assert (left.delta_link, left.last_success, left.last_error) == (None, None, None)
    assert store.ids() == {"a", "b"}


async def test_a_collector_that_stops_between_two_pages_hands_the_job_on_and_notes_no_error(
    keep, microsoft, store, stopping
):
    stopping.set()
    microsoft.respond = answers((NEXT, page(delta=DELTA)), (USERS, page(user("a"), following=NEXT)))

    with pytest.raises(Transient) as raised:
        await keep()

    assert raised.value.retry_after == 0
    assert len(microsoft.requests) == 1
    assert (await store.state("contoso", "user")).last_error is None


@pytest.mark.parametrize(
    "body", [b'{"value":[{"id":"1"}', b"<html>", b'{"value":{}}', b'{"value":[\xff]}', b'{"value":["\\ud800"]}', b"{}"]
)
async def test_an_answer_that_is_cut_short_or_no_page_is_an_error_and_moves_nothing(keep, microsoft, store, body):
    microsoft.respond = answers(
        (NEXT, httpx.Response(200, content=body)),
        (USERS, page(user("a"), following=NEXT)),
    )

    await keep()
    state = await store.state("contoso", "user")

    assert (state.delta_link, state.last_success) == (None, None)
    assert "unreadable answer" in state.last_error


@pytest.mark.parametrize(
    "odd",
    [
        b'{"id":"odd","displayName":7}',
        b'{"id":""}',
        b'{"id":null}',
        b'"text"',
        b'{"id":"odd","assignedLicenses":"E5"}',
    ],
)
async def test_an_object_that_cannot_be_read_costs_itself_only_and_counts_as_there(keep, microsoft, store, odd):
    microsoft.respond = answers((USERS, page(user("a"), user("odd"), delta=DELTA)))
    await keep()
    microsoft.respond = answers((DELTA, refusal(410)), (USERS, page(raw=b"[" + odd + b',{"id":"b"}]', delta=DELTA)))
    await keep()

    assert store.ids() == {"a", "odd", "b"}
    assert (await store.state("contoso", "user")).last_error is None


async def test_a_next_link_that_repeats_ends_and_is_noted(keep, microsoft, store):
    microsoft.respond = lambda _: page(user("a"), following=NEXT)

    await keep()

    assert len(microsoft.requests) == 2
    assert "repeats" in (await store.state("contoso", "user")).last_error


async def test_a_next_link_to_another_host_gets_no_token(keep, microsoft, store):
    microsoft.respond = lambda _: page(user("a"), following="https://evil.example/v1.0/users/delta?$skiptoken=x")

    await keep()

    assert {request.url.host for request in microsoft.requests} == {"graph.microsoft.com"}
    assert "evil.example" in (await store.state("contoso", "user")).last_error


async def test_a_last_page_without_a_delta_link_is_not_the_end(keep, microsoft, store):
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    await keep()
    microsoft.respond = answers((USERS, page(user("b"))))
    await keep()
    state = await store.state("contoso", "user")

    assert (state.delta_link, store.ids()) == (DELTA, {"a", "b"})
    assert "no delta link" in state.last_error


async def test_a_skip_token_that_is_always_refused_leads_to_one_reading_from_the_beginning(keep, microsoft, store):
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    await keep()
    microsoft.requests.clear()
    microsoft.respond = answers(
        (DELTA, page(following=NEXT)), (NEXT, refusal(400)), (USERS, page(user("b"), delta=f"{DELTA}-2"))
    )
    await keep()

    assert store.ids() == {"b"}
    assert [("deltatoken" in url, "skiptoken" in url) for url in microsoft.urls] == [
        *[(True, False), (False, True)] * 3,
        (False, False),
    ]


async def test_a_reading_that_starts_again_because_of_a_skip_token_sweeps_what_went_meanwhile(keep, microsoft, store):
    microsoft.respond = answers(
        (NEXT, [refusal(410), page(user("b"), delta=DELTA)]),
        (USERS, [page(user("a"), user("went"), following=NEXT), page(user("a"), following=NEXT)]),
    )
    await keep()

    assert store.ids() == {"a", "b"}


async def test_a_job_for_a_tenant_that_is_not_configured_here_asks_nothing(sync, microsoft):
    await sync("user").run(DirectoryJob(tenant="elsewhere"))

    assert microsoft.requests == []


async def test_two_tenants_with_the_same_object_id_are_never_mixed(keep, microsoft, store):
    microsoft.respond = answers((USERS, page(user("a", department="Ours"), delta=DELTA)))
    await keep()
    microsoft.respond = answers((USERS, page(user("a", department="Theirs"), user("b"), delta=DELTA)))
    await keep(tenant="fabrikam")
    microsoft.respond = answers((USERS, page({"id": "a", "@removed": {"reason": "deleted"}}, delta=DELTA)))
    await keep(tenant="fabrikam")

    assert (store.ids(), store.ids("fabrikam")) == ({"a"}, {"b"})
    assert store.facts("a")["department"] == "Ours"


async def test_a_defect_of_ours_is_not_swallowed(keep, microsoft, store, monkeypatch):
    async def put(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(store, "put", put)
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))

    with pytest.raises(ZeroDivisionError):
        await keep()

    assert "ZeroDivisionError" in (await store.state("contoso", "user")).last_error


async def test_a_microsoft_that_is_down_is_asked_for_each_kind_and_fails_no_job(keep, microsoft):
    microsoft.respond = lambda _: refusal(503)

    await keep("user", "group")

    assert {urlsplit(url).path for url in microsoft.urls} == {"/v1.0/users/delta", "/v1.0/groups/delta"}
