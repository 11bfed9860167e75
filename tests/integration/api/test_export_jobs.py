"""Exports in the background: through the whole gateway, over a real database."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aoc_api.access.principal import Principal
from aoc_api.export import files, rights
from aoc_api.export.pages import pages
from aoc_api.export.stream import CutOff
from aoc_api.export_jobs import background, making
from aoc_api.settings import ExportJobOptions, LimitOptions
from aoc_common.clock import SystemClock
from aoc_common.contracts.access import Grant, Hidden
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.export_jobs import MongoExportWork
from aoc_common.store.mongo.tenant_data import MongoTenantData
from signing_in import bearer, make_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from .conftest import Gateway

COUNT = 230
CONTOSO = Grant("reader", frozenset({"contoso"}))


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of many parts, and looks that follow each other at once."""
    for module in (making, files):
        monkeypatch.setattr(module, "PART_BYTES", 5_000)
    monkeypatch.setattr(background, "_SOON_S", 0.02)
    monkeypatch.setattr(making, "_RENEWED_S", 0.05)
    monkeypatch.setattr(rights, "EVERY_S", 0.0)


@pytest.fixture
async def gateway(
    serving: Callable[..., Awaitable[Gateway]], mongo_settings: Any, store: Any, event: Any, database: Any
) -> Gateway:
    """A gateway with events, whose clock is that of its work in the background."""
    await ensure_indexes(database, ("export_jobs", "export_parts"))
    await store(*(event(f"r{number}", hours=number / 10, raw=f'{{"Id":"r{number}"}}') for number in range(COUNT)))
    options = ExportJobOptions(per_caller=3, bytes_per_caller=1 << 20)
    made = await serving(mongo_settings, export_jobs=options, limits=LimitOptions(exports_per_caller=2))
    made.app.state.services = replace(made.app.state.services, clock=SystemClock())
    return made


async def make(gateway: Gateway, **parameters: str) -> str:
    answer = await gateway.client.post("/api/exports", params=parameters)
    assert answer.status_code == 202, answer.text
    assert answer.json()["id"] == answer.headers["x-request-id"]
    assert answer.headers["location"] == f"/api/exports/{answer.json()['id']}?tenant=contoso"
    return str(answer.json()["id"])


async def ended(gateway: Gateway, job: str, eventually: Any) -> dict[str, Any]:
    """The job when it is done, or has failed."""
    found: dict[str, Any] = {}

    async def over() -> bool:
        found.update((await gateway.get(f"/api/exports/{job}")).json())
        return found.get("state") in {"done", "failed"}

    await eventually(over)
    return found


class Held:
    """Pages of events that come when they may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, then: Callable[[], Awaitable[object]] | None = None) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()

        async def held(*given: Any, **named: Any) -> AsyncIterator[Any]:
            async for page in pages(*given, **named):
                yield page
                self.begun.set()
                await self.go.wait()
                if then is not None:
                    await then()

        monkeypatch.setattr(making, "pages", held)


async def test_a_file_is_the_same_as_what_is_streamed_and_its_count_and_digest_are_told(gateway, eventually) -> None:
    jobs = {form: await make(gateway, format=form) for form in ("csv", "ocsf", "parquet")}
    for form, job in jobs.items():
        told = await ended(gateway, job, eventually)
        file = await gateway.get(f"/api/exports/{job}/file")
        digest = hashlib.sha256(file.content)

        assert (told["state"], told["rows"], told["bytes"]) == ("done", COUNT, len(file.content)), told
        assert told["sha256"] == digest.hexdigest()
        assert file.headers["etag"] == f'"{digest.hexdigest()}"'
        assert file.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        assert file.headers["content-disposition"].startswith('attachment; filename="contoso-')
        if form != "parquet":
            streamed = {"format": form} | ({"trailer": "false"} if form == "ocsf" else {})
            assert file.content == (await gateway.get("/api/events/export", **streamed)).content
    listed = (await gateway.get("/api/exports")).json()["items"]
    assert [one["id"] for one in listed] == [*reversed(jobs.values())]

    async def noted() -> bool:
        entries = [one.event for one in await gateway.noted("events.export")]
        ends = [one["unmapped"]["ended"] for one in entries if one["metadata"]["correlation_uid"] == jobs["csv"]]
        return ends == ["whole", "begun"]

    await eventually(noted)
    receipt = (await gateway.get(f"/api/events/export/{jobs['csv']}")).json()
    assert (receipt["state"], receipt["rows"]) == ("whole", COUNT)
    [fetched, *_] = [one.event for one in await gateway.noted("exports.fetch")]
    assert fetched["unmapped"]["rows"] == COUNT
    [asked, *_] = [one.event for one in await gateway.noted("exports.make")]
    assert (asked["class_uid"], asked["activity_name"]) == (3004, "Create")


@pytest.mark.slow
async def test_a_file_is_fetched_in_ranges(gateway, eventually) -> None:
    job = await make(gateway, format="jsonl")
    await ended(gateway, job, eventually)
    path = f"/api/exports/{job}/file"
    whole = await gateway.get(path)
    size, etag = len(whole.content), whole.headers["etag"]

    async def asked(asked: str, **headers: str) -> Any:
        return await gateway.client.get(path, headers={"Range": asked, **headers})

    pieces = b""
    while len(pieces) < size:
        answer = await asked(f"bytes={len(pieces)}-{len(pieces) + 7_777}", **{"If-Range": etag})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {len(pieces)}-{min(size, len(pieces) + 7_778) - 1}/{size}"
        pieces += answer.content
    assert size > 10 * 5_000
    assert pieces == whole.content
    assert (await asked("bytes=4999-5000")).content == whole.content[4999:5001]
    assert (await asked("bytes=-10")).content == whole.content[-10:]
    for all_of_it in (await asked("bytes=5-", **{"If-Range": '"other"'}), await asked("bytes=0-1,5-6")):
        assert (all_of_it.status_code, all_of_it.content) == (200, whole.content)
    beyond = await asked(f"bytes={size}-")
    assert (beyond.status_code, beyond.json()["type"]) == (416, "/problems/no-such-range")
    assert beyond.headers["content-range"] == f"bytes */{size}"
    head = await gateway.client.head(path, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(size), b"")


async def test_a_search_without_events_is_an_empty_file_and_filters_hold(gateway, store, event, eventually) -> None:
    await store(event("a", actor="eve", hours=1), event("b", actor="eve", hours=60))
    none = await make(gateway, format="jsonl", actor="nobody")
    some = await make(gateway, format="csv", actor="eve", start="2026-11-22T08:00:00Z", fields="event.message,id")

    assert (await ended(gateway, none, eventually))["rows"] == 0
    empty = await gateway.get(f"/api/exports/{none}/file")
    assert (empty.status_code, empty.content) == (200, b"")
    told = await ended(gateway, some, eventually)
    lines = (await gateway.get(f"/api/exports/{some}/file")).text.splitlines()
    assert [line.split(",")[0] for line in lines] == ["event.message", "a"]
    assert told["parameters"]["actor"] == "eve"


async def test_what_cannot_be_exported_is_refused_at_once(gateway) -> None:
    for parameters, wrong in (
        ({"format": "xlsx"}, "format"),
        ({"fields": "time", "format": "ocsf"}, "fields"),
        ({"q": '"open'}, "q"),
        ({"trailer": "true"}, "trailer"),
    ):
        answer = await gateway.client.post("/api/exports", params=parameters)
        assert [error["name"] for error in answer.json()["errors"]] == [wrong]
    assert (await gateway.get("/api/exports")).json()["items"] == []


@pytest.mark.slow
async def test_an_export_of_somebody_else_or_of_another_tenant_is_not_found(gateway, database, eventually) -> None:
    job = await make(gateway)
    await ended(gateway, job, eventually)
    theirs = bearer(await make_key(database))
    for method, path in (("GET", ""), ("GET", "/file"), ("DELETE", "")):
        assert (await gateway.client.request(method, f"/api/exports/{job}{path}", headers=theirs)).status_code == 404
        other = await gateway.client.request(method, f"/api/exports/{job}{path}", params={"tenant": "fabrikam"})
        assert other.status_code == 404
    assert (await gateway.client.get("/api/exports", headers=theirs)).json()["items"] == []
    assert (await gateway.get("/api/exports/nonsense")).status_code == 422
    assert (await gateway.client.delete(f"/api/exports/{job}")).status_code == 204
    assert (await gateway.get(f"/api/exports/{job}/file")).status_code == 404


@pytest.mark.slow
async def test_how_many_and_how_much_one_keeps_is_bounded(gateway, database, monkeypatch, eventually) -> None:
    held = Held(monkeypatch)
    jobs = [await make(gateway) for _ in range(3)]
    await held.begun.wait()
    fourth = await gateway.client.post("/api/exports")
    unmade = await gateway.get(f"/api/exports/{jobs[2]}/file")

    assert (fourth.status_code, fourth.json()["type"]) == (409, "/problems/too-many-kept")
    assert "DELETE /api/exports" in fourth.json()["detail"]
    assert (unmade.status_code, unmade.json()["type"]) == (409, "/problems/no-file")
    assert unmade.headers["retry-after"]
    assert await database["export_jobs"].count_documents({"state": "running"}) == 1  # one of an owner at a time
    held.go.set()
    for job in jobs:
        await ended(gateway, job, eventually)
    await database["export_jobs"].update_one({"_id": jobs[0]}, {"$set": {"size": (1 << 20) - 900}})
    for job in jobs[1:]:
        await gateway.client.delete(f"/api/exports/{job}")
    failed = await ended(gateway, await make(gateway), eventually)
    assert failed["state"] == "failed"
    assert "AOC_API__EXPORT_JOBS__BYTES_PER_CALLER" in failed["reason"]
    assert (await gateway.get(f"/api/exports/{failed['id']}/file")).json()["detail"].startswith("The export is failed")
    await gateway.client.delete(f"/api/exports/{failed['id']}")
    await database["export_jobs"].update_one({"_id": jobs[0]}, {"$set": {"size": 1 << 20}})
    full = await gateway.client.post("/api/exports")
    assert (full.status_code, full.json()["type"]) == (409, "/problems/too-many-kept")
    assert await parts_of(database, failed["id"]) == 0


async def parts_of(database: Any, job: str) -> int:
    number: int = await database["export_parts"].count_documents({"job": job})
    return number


async def test_a_key_that_is_revoked_ends_its_export(gateway, database, monkeypatch, eventually) -> None:
    key = bearer(await make_key(database, CONTOSO))

    async def revoke() -> None:
        now = SystemClock().now()
        await database["api_keys"].update_many({"name": "tests"}, {"$set": {"revoked_at": now}})

    held = Held(monkeypatch, revoke)
    job = (await gateway.client.post("/api/exports", headers=key)).json()["id"]
    await held.begun.wait()
    held.go.set()

    async def failed() -> bool:
        return bool(await database["export_jobs"].count_documents({"_id": job, "state": "failed"}))

    await eventually(failed)
    found = await database["export_jobs"].find_one({"_id": job})
    assert found["reason"] == "the right to read was taken away: This API key was revoked."
    await eventually(lambda: gone(database, job))

    async def noted() -> bool:
        entries = [one.event["unmapped"] for one in await gateway.noted("events.export")]
        return any(one["ended"] == "broken off" and "This API key was revoked" in one["about"] for one in entries)

    await eventually(noted)


async def gone(database: Any, job: str) -> bool:
    return not await parts_of(database, job)


@pytest.mark.slow
async def test_a_file_with_what_is_hidden_by_now_is_removed_when_it_is_asked_for(gateway, database, eventually) -> None:
    services = gateway.app.state.services
    kim = Principal("person", "d/kim", "Kim Vale", (CONTOSO,))
    job = await make(gateway)
    await ended(gateway, job, eventually)
    await database["export_jobs"].update_one({"_id": job}, {"$set": {"owner": "d/kim"}})
    hidden = Hidden()

    async def authenticate(_: Any) -> Principal:
        return kim

    class Policy:
        async def scope(self, *_: Any) -> Any:
            return replace(await services.policy.scope(kim, "contoso", "reader"), hidden=hidden)

    gateway.app.state.services = replace(services, authenticate=authenticate, policy=Policy())
    assert (await gateway.get(f"/api/exports/{job}/file")).status_code == 200
    hidden = Hidden(fields=frozenset({"subject"}))
    refused = await gateway.get(f"/api/exports/{job}/file")

    assert (refused.status_code, "make it anew" in refused.json()["detail"]) == (403, True)
    assert (await gateway.get(f"/api/exports/{job}")).status_code == 404
    assert await parts_of(database, job) == 0


@pytest.mark.slow
async def test_a_job_whose_gateway_died_is_begun_again_and_what_that_one_wrote_counts_for_nothing(
    gateway, database, monkeypatch, eventually
) -> None:
    take, alive = background.BackgroundExports._taken, asyncio.Event()

    async def taken_alive(self: Any) -> Any:
        return await take(self) if alive.is_set() else None

    monkeypatch.setattr(background.BackgroundExports, "_taken", taken_alive)
    job = await make(gateway)
    dead = MongoExportWork(database)
    taken = await dead.take(SystemClock().now() - timedelta(minutes=1), ())
    stores = gateway.app.state.services.exports
    await stores.parts.put(taken, 0, b"half a line", SystemClock().now() + timedelta(days=1))
    alive.set()

    told = await ended(gateway, job, eventually)
    assert (told["state"], told["rows"]) == ("done", COUNT)
    assert hashlib.sha256((await gateway.get(f"/api/exports/{job}/file")).content).hexdigest() == told["sha256"]
    await eventually(lambda: one_attempt(database, job))
    assert not await dead.keep(taken, SystemClock().now())


async def one_attempt(database: Any, job: str) -> bool:
    return await database["export_parts"].distinct("attempt", {"job": job}) == [2]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["its owner", "its tenant is deleted"])
async def test_an_export_that_is_removed_while_it_runs_leaves_nothing(
    gateway, database, monkeypatch, eventually, how: str
) -> None:
    held = Held(monkeypatch)
    job = await make(gateway)
    await held.begun.wait()
    if how == "its owner":
        assert (await gateway.client.delete(f"/api/exports/{job}")).status_code == 204
    else:
        await MongoTenantData(database, "contoso", "app/directory").remove()

    async def noted() -> bool:
        entries = [one.event["unmapped"] for one in await gateway.noted("events.export")]
        return any(one["ended"] == "broken off" and "removed" in one["about"] for one in entries)

    await eventually(noted)
    await eventually(lambda: gone(database, job))
    assert await database["export_jobs"].count_documents({}) == 0


@pytest.mark.slow
async def test_what_has_expired_is_gone(gateway, database, eventually) -> None:
    job = await make(gateway)
    await ended(gateway, job, eventually)
    await database["export_jobs"].update_one({"_id": job}, {"$set": {"expires_at": SystemClock().now()}})

    assert (await gateway.get(f"/api/exports/{job}/file")).status_code == 404
    assert (await gateway.get("/api/exports")).json()["items"] == []
    exports: Any = gateway.app.state.services.exports
    nobody: Any = None
    await background.BackgroundExports(exports, nobody, nobody, nobody, SystemClock()).sweep()
    assert await parts_of(database, job) == 0
    assert await database["export_jobs"].count_documents({}) == 0


@pytest.mark.slow
async def test_a_transfer_whose_right_ends_or_whose_part_is_gone_is_cut_off(gateway, database, eventually) -> None:
    job = await make(gateway)
    await ended(gateway, job, eventually)
    await database["export_parts"].delete_many({"job": job, "_id": f"{job}/1/2"})
    with pytest.raises(CutOff, match=r"part 2 of export .* is not there any more"):
        await gateway.get(f"/api/exports/{job}/file")
    services = gateway.app.state.services

    async def nobody(_: Any) -> Principal:
        return Principal("person", "d/kim", "Kim Vale", ())

    gateway.app.state.services = replace(services, reauthenticate=nobody)
    with pytest.raises(CutOff, match="the right to read was taken away"):
        await gateway.get(f"/api/exports/{job}/file")

    async def noted() -> bool:
        entries = [one.event["unmapped"] for one in await gateway.noted("exports.fetch")]
        return [one["ended"] for one in entries] == ["broken off", "begun"] * 2

    await eventually(noted)
