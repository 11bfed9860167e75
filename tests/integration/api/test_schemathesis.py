"""Whatever the OpenAPI document allows to be asked, and what it does not: no fault, and nothing of another tenant.

A reader of contoso asks a gateway process. What fabrikam has is marked with what no request can name.
"""

from __future__ import annotations

import asyncio
import copy
import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from access_table import request, rows
from aoc_api import openapi
from aoc_cli.local.ports import LOOPBACK, free_port, listening
from aoc_common.contracts.access import Grant
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.term_edition import MongoTermEdition
from making import an_event
from signing_in import bearer, make_key
from thoroughness import THOROUGH
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aoc_common.settings import MongoSettings, NatsSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OURS, THEIRS, MARK = "contoso", "fabrikam", "zq7mark"
#: Made of each operation, of what the document allows and of what it does not, and how often each of these is asked
#: with other names in it: to make one takes much longer than to ask.
EXAMPLES: Final = 25 if THOROUGH else 5
TIMES: Final = 2
#: Names of parameters that lead to something -> what is there, of either tenant.
type Leads = dict[str, list[str]]
_NOW = datetime.now(UTC).replace(microsecond=0)


def events_of(tenant: str, mark: str) -> list[Any]:
    """Events that are marked. Half of them are by somebody whom a request may name, the others are marked there too."""
    return [
        an_event(
            f"{mark}{number}",
            _NOW - timedelta(hours=number),
            tenant,
            actor=f"{'victim' if number % 2 else mark}@{tenant}.example",
            operation="New-Victim" if number % 2 else f"New-{mark}",
            correlation_id="victim-1" if number % 2 else mark,
            terms=("victim", mark),
            unmapped={"field": mark},
            ocsf={"metadata": {"uid": f"{mark}{number}"}, "class_uid": 3004, "message": f"{mark} did it"},
            raw=f'{{"Id": "{mark}{number}"}}',
        )
        for number in range(20)
    ]


async def seeded(mongo: MongoSettings) -> tuple[str, str, Leads]:
    """Keys of a reader of contoso and of who may do all, and what parameters can name."""
    async with connect(mongo) as database:
        await ensure_indexes(database)
        await MongoTermEdition(database).begin()
        store = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
        ours, theirs = events_of(OURS, "ours"), events_of(THEIRS, MARK)
        await store.insert([*ours, *theirs], ["page"] * (len(ours) + len(theirs)))
        reader = await make_key(database, Grant("reader", tenants=frozenset({OURS})))
        leads = {
            "event_id": [str(ours[0].id), str(theirs[0].id), str(theirs[1].id)],
            "tenant": [OURS, THEIRS],
            "name": [OURS, THEIRS],
            "q": ["victim", "vict*", "-nothing", "New-*"],
            "actor": [f"victim@{THEIRS}.example", "victim*"],
            "operation": ["New-Victim", "New-*"],
            "value": [f"victim@{THEIRS}.example", f"victim@{OURS}.example"],
        }
        return reader, await make_key(database), leads


def made_theirs(base: str, everything: str) -> None:
    """Have all made in fabrikam that can be made, and marked by what is said of it."""
    marked = ("name", "reason", "display_name", "text")
    with httpx.Client(base_url=base, headers=bearer(everything), timeout=30) as client:
        for row in rows():
            if row.method == "POST" and not row.path.startswith(("/auth/", "/api/webhooks/")):
                asked = request(row, THEIRS, "0")
                if isinstance(asked.get("json"), dict):
                    asked["json"] |= {name: MARK for name in marked if name in asked["json"]}
                client.request(**asked)
        # The audit trail of fabrikam, too, has what was asked for.
        found = client.get("/api/events", params={"tenant": THEIRS, "q": f"{MARK}*"})
        assert MARK in found.text
        assert len(found.json()["items"]) == 20


@pytest.fixture
def gateway(
    mongo_settings: MongoSettings, nats_as: Callable[[str], NatsSettings], tmp_path: Any
) -> Iterator[tuple[str, str, Leads]]:
    """Where a gateway listens, the key of a reader of contoso, and what parameters can name."""
    reader, everything, leads = asyncio.run(seeded(mongo_settings))
    port, bus = free_port(), nats_as("api")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    env = clean | {
        "AOC_MONGO__URI": mongo_settings.uri,
        "AOC_MONGO__DATABASE": mongo_settings.database,
        "AOC_NATS__URL": bus.url,
        "AOC_NATS__USER": bus.user or "",
        "AOC_NATS__PASSWORD": bus.password or "",
        "AOC_API__PORT": str(port),
        "AOC_API__DEFAULT_TENANT": OURS,
        "AOC_API__AUDIT__SPOOL": str(tmp_path / "audit"),
        "AOC_API__RATES__CALLER_BURST": "1000000",
        "AOC_API__RATES__ADDRESS_BURST": "1000000",
    }
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen([sys.executable, "-m", "aoc_api"], env=env, cwd=tmp_path, stderr=log)
    try:
        until(lambda: listening(port) or process.poll() is not None, 60)
        assert process.poll() is None
        base = f"http://{LOOPBACK}:{port}"
        made_theirs(base, everything)
        yield base, reader, leads
    finally:
        process.kill()
        process.wait()
        log.close()


def answer_of(client: httpx.Client, case: Any, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and bytes of an answer; of one that goes on, what came first, and within two seconds."""
    asked = case.as_transport_kwargs(base_url=str(client.base_url), headers=headers)
    if "data" in asked:
        asked["content"] = asked.pop("data")
    client.cookies.clear()
    body, deadline = b"", time.monotonic() + 2
    with client.stream(**asked) as answer:
        for piece in answer.iter_bytes():
            body += piece
            if time.monotonic() > deadline or "event-stream" in answer.headers.get("content-type", ""):
                break
        return answer.status_code, body + repr(answer.headers.multi_items()).encode()


def led(case: Any, leads: Leads, data: st.DataObject) -> None:
    """Have a request name what there is, where it can."""
    for where in (case.query, case.path_parameters):
        for name in sorted(set(where or ()) & leads.keys()):
            if data.draw(st.booleans()):
                where[name] = data.draw(st.sampled_from(leads[name]))
    if case.query is not None and "tenant" not in case.query and data.draw(st.booleans()):
        case.query["tenant"] = data.draw(st.sampled_from(leads["tenant"]))
    if isinstance(case.body, dict) and data.draw(st.booleans()):
        case.body["tenant"] = data.draw(st.sampled_from(leads["tenant"]))


def test_a_reader_of_one_tenant_causes_no_fault_and_sees_no_byte_of_another(gateway: tuple[str, str, Leads]) -> None:
    base, reader, leads = gateway
    schema = schemathesis.openapi.from_dict(openapi.document())
    statuses: dict[str, set[int]] = {}
    client = httpx.Client(base_url=base, timeout=15)

    def attack(operation: Any, mode: GenerationMode) -> None:
        @settings(max_examples=EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def ask(case: Any, data: st.DataObject) -> None:
            made = {part: getattr(case, part) for part in ("query", "path_parameters", "body")}
            for _ in range(TIMES):
                for part, value in made.items():
                    setattr(case, part, copy.copy(value))
                led(case, leads, data)
                try:
                    status, body = answer_of(client, case, bearer(reader))
                except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError):
                    assume(False)  # no request can be made of it
                statuses.setdefault(operation.label, set()).add(status)

                assert status < 500, (operation.label, body[:1_000])
                assert MARK.encode() not in body, (operation.label, body[:2_000])

        ask()

    for operation in [found.ok() for found in schema.get_all_operations()]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # there may be nothing that is not allowed
                attack(operation, mode)

    served = {name for name, seen in statuses.items() if seen & {200, 201, 202, 204, 303}}
    assert {
        "GET /api/events", "GET /api/events/stream", "GET /api/facets", "GET /api/events/{event_id}", "GET /api/me",
    } <= served  # fmt: skip
