"""All events of a search as a file: through the whole gateway, over a real database."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import BufferReader
from pyarrow.parquet import read_table

from aoc_api.access.policy import AccessPolicy
from aoc_api.access.principal import Principal
from aoc_api.access.recent import FRESH_S
from aoc_api.export.stream import CutOff
from aoc_common.contracts.access import Grant, Hidden
from aoc_common.errors import Unreachable
from each import each

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from .conftest import Gateway

COUNT = 230
FORMATS = ["csv", "jsonl", "ocsf", "parquet"]


@pytest.fixture
async def stored(store, event) -> list[str]:
    """Ids of contoso's events, newest first; fabrikam has some, too."""
    made = [event(f"r{number}", hours=number / 10, raw=f'{{"Id":"r{number}"}}') for number in range(COUNT)]
    await store(*made, *(event(f"f{number}", tenant="fabrikam", actor="zanzibar") for number in range(5)))
    return [str(one.id) for one in made]


async def receipt(gateway: Gateway, answer: httpx.Response, eventually, state: str = "whole") -> dict[str, Any]:
    """What is known of an export, once it is known."""
    path = f"/api/events/export/{answer.headers['x-request-id']}"

    async def known() -> bool:
        return bool((await gateway.get(path)).json().get("state") == state)

    await eventually(known, 10)
    found: dict[str, Any] = (await gateway.get(path)).json()
    return found


def ids_of(form: str, data: bytes) -> list[str]:
    """Ids of the events of an export, read with other code than it was written with."""
    if form == "csv":
        return [row["id"] for row in csv.DictReader(io.StringIO(data.decode()))]
    if form == "parquet":
        return [str(one) for one in read_table(BufferReader(data), columns=["id"])["id"].to_pylist()]
    lines = [json.loads(line) for line in data.splitlines()][:-1]
    return [line["id"] for line in lines] if form == "jsonl" else [line["metadata"]["uid"] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
async def test_an_export_has_every_event_once_and_its_count_and_digest_are_noted(
    gateway, stored, eventually, form: str
) -> None:
    answer = await gateway.get("/api/events/export", format=form)
    data = answer.content
    expected = stored if form != "ocsf" else [f"r{number}" for number in range(COUNT)]
    hashed = data if form in {"csv", "parquet"} else data[: data.rstrip(b"\n").rindex(b"\n") + 1]
    noted = await receipt(gateway, answer, eventually)

    assert answer.status_code == 200
    assert ids_of(form, data) == expected
    assert answer.headers["content-disposition"].startswith('attachment; filename="contoso-20261123T080000Z.')
    assert (noted["rows"], noted["sha256"]) == (COUNT, hashlib.sha256(hashed).hexdigest())
    assert noted["tenant"] == "contoso"
    [entry, begun] = [one.event for one in await gateway.noted("events.export")]
    assert (begun["unmapped"]["ended"], entry["unmapped"]["ended"]) == ("begun", "whole")
    assert entry["unmapped"]["about"] == f"as {form}"
    if form in {"jsonl", "ocsf"}:
        last = json.loads(data.splitlines()[-1])["aoc_export"]
        assert last == {"id": noted["id"], "tenant": "contoso", "rows": COUNT, "bytes": len(hashed),
                        "sha256": noted["sha256"]}  # fmt: skip


async def test_an_ocsf_export_has_events_with_their_records(gateway, stored) -> None:
    lines = (await gateway.get("/api/events/export", format="ocsf", trailer="false")).text.splitlines()
    detail = (await gateway.get(f"/api/events/{stored[7]}")).json()

    assert len(lines) == COUNT
    assert json.loads(lines[7]) == detail["event"] | {"raw_data": detail["raw"]}


async def test_filters_hold_for_an_export_as_for_the_list(gateway, store, event) -> None:
    await store(event("a", actor="eve", hours=1), event("b", actor="dana", hours=2), event("c", actor="eve", hours=30))
    some = await gateway.get("/api/events/export", actor="eve", start="2026-11-22T08:00:00Z", fields="event.message,id")

    assert [line.split(",")[0] for line in some.text.splitlines()] == ["event.message", "a"]


@pytest.mark.slow
@pytest.mark.parametrize("accepted", ["gzip", "zstd"])
async def test_what_a_client_accepts_it_is_sent_and_the_digest_is_of_the_file(
    gateway, stored, eventually, accepted: str
) -> None:
    plain = await gateway.client.get("/api/events/export", headers={"Accept-Encoding": "identity"})
    async with gateway.client.stream("GET", "/api/events/export", headers={"Accept-Encoding": accepted}) as answer:
        sent = b"".join([part async for part in answer.aiter_raw()])

    assert (answer.headers["content-encoding"], answer.headers["vary"]) == (accepted, "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert len(sent) < len(plain.content) / 2
    if accepted == "gzip":
        assert zlib.decompress(sent, 31) == plain.content
    digest = (await receipt(gateway, answer, eventually))["sha256"]
    assert digest == hashlib.sha256(plain.content).hexdigest()


async def test_when_the_store_fails_in_the_middle_the_file_is_cut_off_and_that_is_noted(
    gateway, stored, eventually
) -> None:
    search = gateway.app.state.services.search

    class Failing:
        """The store goes away after the first page."""

        async def search(self, query: Any, pace: Any, *, raw: bool) -> Any:
            if query.before is not None:
                raise Unreachable("events: the store went away")
            return await search.search(query, pace, raw=raw)

    gateway.app.state.services = replace(gateway.app.state.services, search=Failing())
    with pytest.raises(CutOff):
        await gateway.get("/api/events/export", format="jsonl")

    await broken_off(gateway, eventually)
    [entry, _] = [one.event for one in await gateway.noted("events.export")]
    found = await gateway.get(f"/api/events/export/{entry['metadata']['correlation_uid']}")
    assert (found.json()["state"], found.json()["sha256"]) == ("broken off", None)


class Between:
    """The store of a gateway's events. Once a first page was read, something is done, and time passes."""

    def __init__(self, gateway: Gateway, do: Callable[[], Awaitable[object]]) -> None:
        self._search, self._clock = gateway.app.state.services.search, gateway.app.state.services.clock
        self._do = do
        self.pages = 0
        gateway.app.state.services = replace(gateway.app.state.services, search=self)

    async def search(self, query: Any, pace: Any, *, raw: bool) -> Any:
        page = await self._search.search(query, pace, raw=raw)
        self.pages += 1
        if self.pages == 1:
            await self._do()
            self._clock.advance(FRESH_S + 1)
        return page


@pytest.mark.parametrize("form", FORMATS)
async def test_a_key_that_is_revoked_ends_what_is_being_exported_with_it(
    gateway, stored, database, eventually, form: str
) -> None:
    key = gateway.app.state.services.key_verification

    async def revoke() -> None:
        await database["api_keys"].update_many({}, {"$set": {"revoked_at": gateway.app.state.services.clock.now()}})
        key._recent._known.clear()  # which goes by the true clock, and takes five seconds

    store = Between(gateway, revoke)
    with pytest.raises(CutOff, match="the right to read was taken away: This API key was revoked"):
        await gateway.get("/api/events/export", format=form)

    await broken_off(gateway, eventually)
    assert store.pages == 1


@pytest.mark.slow
@pytest.mark.parametrize("more", ["grants", "rules"])
async def test_a_role_that_is_taken_away_and_a_new_privacy_rule_end_an_export(
    gateway, stored, eventually, monkeypatch, more: str
) -> None:
    services = gateway.app.state.services
    state: dict[str, Any] = {"grants": (Grant("reader", tenants=frozenset({"contoso"})),), "hidden": Hidden()}

    async def authenticate(_: Any) -> Principal:
        return Principal("person", "d/kim", "Kim Vale", state["grants"])

    async def hidden_from(*_: Any) -> Hidden:
        hidden: Hidden = state["hidden"]
        return hidden

    async def groups_of(_: str) -> frozenset[str]:
        return frozenset()

    gateway.app.state.services = replace(
        services, authenticate=authenticate, policy=AccessPolicy(groups_of, hidden_from)
    )

    async def change() -> None:
        state["grants" if more == "grants" else "hidden"] = (
            () if more == "grants" else Hidden(fields=frozenset({"subject"}))
        )

    store = Between(gateway, change)
    why = {"grants": "You need the role reader over tenant contoso", "rules": "a privacy rule hides more"}[more]
    with pytest.raises(CutOff, match=why):
        await gateway.get("/api/events/export", format="jsonl")

    await broken_off(gateway, eventually)
    assert store.pages == 1


async def broken_off(gateway: Gateway, eventually) -> None:
    """The newest export is noted as one that has no end."""

    async def noted() -> bool:
        entries = [one.event for one in await gateway.noted("events.export")]
        return [entry["unmapped"]["ended"] for entry in entries] == ["broken off", "begun"]

    await eventually(noted, 10)
    [entry, _] = [one.event for one in await gateway.noted("events.export")]
    assert 0 < entry["unmapped"]["rows"] < COUNT
    assert (entry["status"], entry["unmapped"].get("sha256")) == ("Failure", None)


async def test_when_the_store_is_away_from_the_beginning_there_is_a_problem_and_no_file(gateway) -> None:
    class Away:
        async def search(self, *_: Any, **__: Any) -> Any:
            raise Unreachable("events: the store is away")

    gateway.app.state.services = replace(gateway.app.state.services, search=Away())
    answer = await gateway.get("/api/events/export", format="jsonl")

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"]


@each(
    ("parameters", "wrong"),
    [
        ({"format": "xlsx"}, "format"),
        ({"fields": "time,nonsense"}, "fields"),
        ({"fields": " , "}, "fields"),
        ({"fields": "time", "format": "ocsf"}, "fields"),
        ({"trailer": "true"}, "trailer"),
        ({"trailer": "true", "format": "parquet"}, "trailer"),
        ({"cursor": "x"}, "cursor"),
        ({"page_size": "5"}, "page_size"),
        ({"q": '"open'}, "q"),
    ],
)
async def test_what_cannot_be_asked_of_an_export_is_refused_by_name(gateway, parameters, wrong: str) -> None:
    answer = await gateway.get("/api/events/export", **parameters)

    assert answer.status_code == 422
    assert [error["name"] for error in answer.json()["errors"]] == [wrong]


@pytest.mark.slow
async def test_a_field_that_is_named_twice_is_one_column(gateway, stored) -> None:
    for form in ("csv", "parquet"):
        answer = await gateway.get("/api/events/export", fields="id,ip,id", format=form)
        assert ids_of(form, answer.content) == stored


async def test_a_caller_has_two_exports_at_once_and_when_one_ends_another(gateway, stored) -> None:
    admission = gateway.app.state.services.admission
    me = (await gateway.get("/api/me")).json()["principal"]
    with admission.exporting(me), admission.exporting(me):
        refused = await gateway.get("/api/events/export")
    answered = await gateway.get("/api/events/export")

    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many")
    assert refused.headers["retry-after"]
    assert answered.status_code == 200
    assert not admission._exporting  # those that ended, and the one that was refused, leave nothing behind


async def test_head_tells_what_a_file_it_would_be_and_reads_nothing(gateway, stored) -> None:
    gateway.app.state.services = replace(gateway.app.state.services, search=None)
    answer = await gateway.client.head("/api/events/export?format=jsonl")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-ndjson"


@pytest.mark.slow
async def test_of_an_export_of_somebody_else_or_of_another_tenant_nothing_is_told(gateway, stored, eventually) -> None:
    answer = await gateway.get("/api/events/export")
    mine = await receipt(gateway, answer, eventually)

    assert (await gateway.get(f"/api/events/export/{mine['id']}", tenant="fabrikam")).status_code == 404
    services = gateway.app.state.services
    authenticate = services.authenticate

    async def somebody_else(request: Any) -> Any:
        return replace(await authenticate(request), id="directory/somebody-else")

    gateway.app.state.services = replace(services, authenticate=somebody_else)
    assert (await gateway.get(f"/api/events/export/{mine['id']}")).status_code == 404
    assert (await gateway.get("/api/events/export/" + "0" * 32)).status_code == 404
    assert (await gateway.get("/api/events/export/nonsense")).status_code == 422
