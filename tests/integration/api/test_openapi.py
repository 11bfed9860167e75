"""The OpenAPI document says what the gateway does."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest
from fastapi.openapi.models import OpenAPI

from aoc_api import openapi
from aoc_api.problems import MEDIA_TYPE
from each import each

FILTERS = {
    "tenant", "source", "service", "operation", "result", "actor", "ip", "correlation_id", "tag", "q", "twins",
    "understood", "start", "end",
}  # fmt: skip


@pytest.fixture(scope="module")
def document():
    return openapi.document()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def has_example(document, described):
    schema = described.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return any("example" in place or place.get("examples") for place in (described, schema))


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def validator(document, name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.slow
def test_the_document_is_openapi(document) -> None:
    OpenAPI.model_validate(document)
    names = [operation["operationId"] for _, operation in operations(document)]

    assert document["openapi"].startswith("3.1")
    assert len(names) == len(set(names))


def test_whatever_the_document_refers_to_is_in_it(document) -> None:
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert set(references(document)) == schemas


@pytest.mark.slow
def test_every_schema_is_valid_and_so_is_each_of_its_examples(document) -> None:
    without = []
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        without += [] if schema.get("examples") or "enum" in schema else [name]
        for example in schema.get("examples", []):
            validator(document, name).validate(example)

    assert without == []


@each(
    ("path", "names"),
    [
        ("/api/events", FILTERS | {"cursor", "page_size"}),
        ("/api/events/export", FILTERS | {"format", "fields", "trailer"}),
        ("/api/events/stream", FILTERS | {"Last-Event-ID", "last_event_id"}),
        ("/api/facets", FILTERS | {"field", "top"}),
        ("/api/histogram", FILTERS | {"by", "top", "bucket", "zone"}),
        ("/api/events/{event_id}", {"event_id", "tenant"}),
        ("/api/events/{event_id}/related", {"event_id", "tenant", "reason", "minutes", "limit", "twins"}),
        ("/api/entities/{kind}/{entity_id}", {"kind", "entity_id", "tenant", "start", "end", "zone"}),
        (
            "/api/alerts",
            {"tenant", "status", "severity", "rule", "assignee", "event", "ticket", "start", "end"}
            | {"cursor", "page_size"},
        ),
        ("/health", set()),
    ],
)
def test_every_parameter_is_described(document, path, names) -> None:
    parameters = document["paths"][path]["get"].get("parameters", [])

    assert {parameter["name"] for parameter in parameters} == names
    assert [parameter["name"] for parameter in parameters if not parameter.get("description")] == []


@pytest.mark.parametrize("member", ["summary", "description", "tags"])
def test_every_operation_says_what_it_is(document, member) -> None:
    assert [name for name, operation in operations(document) if not operation.get(member)] == []


def test_every_parameter_and_every_body_has_a_description_or_a_model_and_an_example(document) -> None:
    without = []
    for name, operation in operations(document):
        without += [
            f"{name}: {parameter['name']}"
            for parameter in operation.get("parameters", ())
            if not parameter.get("description") or not has_example(document, parameter)
        ]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            without += [] if has_example(document, content) else [f"{name}: body"]

    assert without == []


def test_every_example_of_a_parameter_is_one(document) -> None:
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"] | {"components": document["components"]}
            for example in [parameter["example"]] if "example" in parameter else []:
                jsonschema.Draft202012Validator(schema).validate(example)


def test_every_answer_is_described_and_shown(document) -> None:
    undescribed, unshown = [], []
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            undescribed += [] if answer["description"] not in {"", "Successful Response"} else [f"{name} {status}"]
            for kind, content in answer.get("content", {}).items():
                if kind in {"application/json", MEDIA_TYPE} and not has_example(document, content):
                    unshown.append(f"{name} {status}")

    assert (undescribed, unshown) == ([], [])


def test_whoever_must_be_known_can_be_refused(document) -> None:
    open_to_all = {
        name for name, operation in operations(document) if not {"401", "403"} <= operation["responses"].keys()
    }

    assert open_to_all == {
        "get /api/config/auth",
        "get /auth/callback",
        "get /auth/link",
        "get /auth/login",
        "post /auth/logout",
        "get /health",
        "post /api/webhooks/graph",
        "post /api/webhooks/o365",
        "post /api/webhooks/tickets/{system}",
    }


def test_every_error_is_a_problem(document) -> None:
    media = {
        f"{name} {status}": set(answer["content"])
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status >= "400"
    }

    assert media.pop("get /health 503") == {"application/json"}
    assert {"get /api/events 400", "get /api/events 422", "get /api/events 503"} <= set(media)
    assert {"get /api/events/{event_id} 404", "get /api/facets 503", "get /problems/{slug} 404"} <= set(media)
    assert [name for name, types in media.items() if types != {MEDIA_TYPE}] == []


@pytest.mark.slow
async def test_answers_are_as_the_document_says(gateway, store, event, document) -> None:
    made = event("a", correlation_id="c-1", unmapped={"x": 1}, tags=("no-id",))
    await store(made, event("b", actor=None, ip=None))
    answers = {
        "/api/events?page_size=1": "EventPage",
        f"/api/events/{made.id}": "EventDetail",
        "/api/facets": "Facets",
        "/health": "Health",
        "/problems/internal": "ProblemKind",
        "/api/events?page_size=0": "ProblemDocument",
        "/nothing": "ProblemDocument",
    }

    for path, name in answers.items():
        validator(document, name).validate((await gateway.client.get(path)).json())
    assert (await gateway.client.get("/openapi.json")).json() == document


@pytest.mark.slow
def test_the_document_is_written_without_a_running_gateway(document) -> None:
    written = subprocess.check_output([sys.executable, "-m", "aoc_api.openapi"])

    assert json.loads(written) == document
