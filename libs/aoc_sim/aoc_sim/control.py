"""The control plane: ground truth, faults at run time, records on demand. Never part of Microsoft's APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from aoc_sim import truth
from aoc_sim.clock import from_us, iso
from aoc_sim.faults import PROFILES, Faults
from aoc_sim.records.base import Source
from aoc_sim.register import NAMES, Name
from aoc_sim.responses import json_answer
from aoc_sim.stories import ON_DEMAND, STORIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from aoc_sim.timeline import World
    from aoc_sim.world import Entry


class EmitRequest(BaseModel):
    """The body of `POST /_emit`."""

    model_config = ConfigDict(extra="forbid")

    tenant: str = Field(description="The tenant's slug.")
    source: Source | None = Field(default=None, description="Only records of this source.")
    count: int = Field(default=1, ge=1, le=100_000, description="How many.")
    story: str | None = Field(default=None, description="A whole story instead, which has just ended.")


class ClockStep(BaseModel):
    """The body of `PUT /_clock`."""

    model_config = ConfigDict(extra="forbid")

    ahead_s: float = Field(ge=-7 * 86400, le=31 * 86400, description="Seconds ahead of the machine's clock.")


class Alteration(BaseModel):
    """The body of `POST /_directory`: an object is created, changed or removed."""

    model_config = ConfigDict(extra="forbid")

    tenant: str = Field(description="The tenant's slug.")
    collection: Name = Field(description="E.g. `users`. Assignments of roles are `roleAssignments`.")
    id: str | None = Field(default=None, description="The object; a new one when left out.")
    set: dict[str, Any] = Field(default={}, description="Properties as Graph names them; null is a value.")
    remove: bool = Field(default=False, description="Whether the object goes.")


class Control:
    """The routes below `/_`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/_health", self.health),
            Route("/_truth", self.truth),
            Route("/_truth/twins", self.twins),
            Route("/_truth/changes", self.changes),
            Route("/_truth/{slug}/{source}", self.records),
            Route("/_faults", self.faults, methods=["GET", "PUT"]),
            Route("/_clock", self.clock, methods=["PUT"]),
            Route("/_emit", self.emit, methods=["POST"]),
            Route("/_stories", self.stories),
            Route("/_directory", self.alter, methods=["POST"]),
            Route("/_directory/{slug}/{collection}", self.directory),
        ]

    async def health(self, request: Request) -> Response:
        """200 as soon as it serves."""
        del request
        return json_answer({"status": "ok", "started": iso(self._world.started), "now": iso(self._world.clock.now())})

    async def truth(self, request: Request) -> Response:
        """What was ever made available; `?summary=1` leaves the ids out."""
        self._world.catch_up()
        return json_answer(truth.report(self._world, ids=request.query_params.get("summary") not in {"1", "true"}))

    async def twins(self, request: Request) -> Response:
        """Pairs of records of one action."""
        del request
        self._world.catch_up()
        return json_answer(truth.twins(self._world))

    async def changes(self, request: Request) -> Response:
        """The states of the records that change, with their whole text."""
        del request
        self._world.catch_up()
        return json_answer(truth.changes(self._world))

    async def records(self, request: Request) -> Response:
        """The records themselves, as NDJSON; `?envelope=1` adds identity, times and story."""
        self._world.catch_up()
        tenant = self._world.tenants.get(request.path_params["slug"])
        source = request.path_params["source"]
        if tenant is None or source not in tenant.lanes:
            return json_answer({"error": "no such tenant or source"}, status=404)
        entries = list(truth.available(tenant, source, self._world.now_us()))
        wrapped = request.query_params.get("envelope") in {"1", "true"}
        return StreamingResponse(_lines(entries, wrapped=wrapped), media_type="application/x-ndjson")

    async def faults(self, request: Request) -> Response:
        """Read the faults in force, or replace them: a whole object, or `{"profile": "verify"}`."""
        if request.method == "PUT":
            try:
                body = orjson.loads(await request.body())
                profile = body.get("profile") if isinstance(body, dict) else None
                if profile is not None and profile not in PROFILES:
                    return json_answer({"error": f"no profile '{profile}'", "known": list(PROFILES)}, status=422)
                self._world.catch_up()
                self._world.apply(PROFILES[profile] if profile else Faults.model_validate(body))
            except (orjson.JSONDecodeError, ValidationError) as error:
                return PlainTextResponse(str(error), 422)
        return json_answer(self._world.dice.settings.model_dump())

    async def clock(self, request: Request) -> Response:
        """Set the simulator's clock ahead of the machine's, or back; `{"ahead_s": 0}` sets it right."""
        try:
            step = ClockStep.model_validate_json(await request.body())
        except ValidationError as error:
            return PlainTextResponse(str(error), 422)
        self._world.clock.step(step.ahead_s)
        self._world.dice.injected["clock_step"] += bool(step.ahead_s)
        return json_answer({"now": iso(self._world.clock.now())})

    async def emit(self, request: Request) -> Response:
        """Add records now; answers their ids by source."""
        try:
            body = EmitRequest.model_validate_json(await request.body())
        except ValidationError as error:
            return PlainTextResponse(str(error), 422)
        if body.tenant not in self._world.tenants:
            return json_answer({"error": f"no tenant '{body.tenant}'", "known": list(self._world.tenants)}, status=404)
        if body.story is not None and body.story not in (known := STORIES | ON_DEMAND):
            return json_answer({"error": f"no story '{body.story}'", "known": list(known)}, status=404)
        self._world.catch_up()
        entries = self._world.emit(body.tenant, source=body.source, count=body.count, story=body.story)
        ids: dict[str, list[str]] = {}
        for entry in entries:
            ids.setdefault(entry.source, []).append(entry.key)
        return json_answer({"tenant": body.tenant, "count": len(entries), "records": ids}, status=201)

    async def directory(self, request: Request) -> Response:
        """The objects of a collection as they are now."""
        self._world.catch_up()
        tenant = self._world.tenants.get(request.path_params["slug"])
        name = next((collection for collection in NAMES if collection == request.path_params["collection"]), None)
        if tenant is None or name is None:
            return json_answer({"error": "no such tenant or collection"}, status=404)
        return json_answer({"value": [item.shown(None) for item in tenant.register.there(name)]})

    async def alter(self, request: Request) -> Response:
        """Change the directory now, without a record of it; answers the object's id."""
        try:
            body = Alteration.model_validate_json(await request.body())
        except ValidationError as error:
            return PlainTextResponse(str(error), 422)
        tenant = self._world.tenants.get(body.tenant)
        if tenant is None:
            return json_answer({"error": f"no tenant '{body.tenant}'", "known": list(self._world.tenants)}, status=404)
        self._world.catch_up()
        object_id = body.id or str(uuid4())
        if not body.remove:
            tenant.register.put(body.collection, object_id, **body.set)
        elif not tenant.register.remove(body.collection, object_id):
            return json_answer({"error": f"no such object '{object_id}'"}, status=404)
        return json_answer({"id": object_id}, status=201)

    async def stories(self, request: Request) -> Response:
        """The stories, and the records of those that have happened, with the alerts that each is to be in."""
        del request
        by_story = self._world.story_records()
        answer: list[dict[str, Any]] = []
        for story in STORIES.values():
            records = [
                {
                    "tenant": slug,
                    "source": entry.source,
                    "id": entry.key,
                    "operation": _operation(entry),
                    "time": iso(from_us(entry.at_us)),
                    "raises": [one._asdict() for one in entry.raises],
                }
                for slug, entry in by_story.get(story.name, [])
            ]
            answer.append(
                {
                    "name": story.name,
                    "title": story.title,
                    "description": story.description,
                    "tenants": sorted({record["tenant"] for record in records}),
                    "records": records,
                }
            )
        return json_answer({"stories": answer})


def _operation(entry: Entry) -> str | None:
    record = orjson.loads(entry.body)
    for name in ("Operation", "activityDisplayName", "displayName", "title"):
        if record.get(name):
            return str(record[name])
    return "signIn" if "signInEventTypes" in record else None


def _lines(entries: list[Entry], *, wrapped: bool) -> Iterator[bytes]:
    for entry in entries:
        if not wrapped:
            yield entry.body + b"\n"
            continue
        head = {
            "id": entry.key,
            "time": iso(from_us(entry.at_us)),
            "available": iso(from_us(entry.ready_us)),
            "story": entry.story,
        }
        yield orjson.dumps(head)[:-1] + b',"record":' + entry.body + b"}\n"
