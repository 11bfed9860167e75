"""What FastAPI leaves out of the OpenAPI document: examples of parameters, what answers are, and who must sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_common.gateway.ticket_news import TICKET_NEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KEY: Final = "5f2b8c1d9e3a4f60b7c8d9e0"
_ID: Final = "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21"
#: Parameter -> an example, of those whose route names none and that have no default.
_EXAMPLES: Final[dict[str, Any]] = {
    "actor": "72f988bf-86f1-41af-91ab-2d7cd011db47/6e2c0b9a-3f4d-4e5a-8b7c-1d2e3f4a5b6c",
    "alert": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3",
    "before": "contoso/5f0c2a7e9d3b4c1f8a6e0d2b7c9f1e3a/000000000042",
    "comment_id": _ID,
    "confirm": "contoso",
    "correlation_id": "0b0c5d3e-1f2a-4b6c-9d8e-7f6a5b4c3d2e",
    "cursor": "AZqwxC9AihucXn4k3sB1pQ2rVt5wYz8A.5k2mQ9xTn4b7vR1sWc3dEf6gHj8kLpZ0aBqYtUiOoNs",
    "end": "2026-11-24T00:00:00Z",
    "event": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3",
    "event_id": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3",
    "exception": _ID,
    "export_id": _ID,
    "field": ["operation", "actor"],
    "grant_id": _ID,
    "id": "normalizer-0b1c5e0f7a9d4e0b9c0d5a4f",
    "if-match": '"3"',
    "If-Range": '"9f2d0c4e7b1a5d3f8c6e0b2a4d7f9c1e3b5a7d9f0c2e4b6a8d1f3c5e7b9a0d2f"',
    "key_id": _KEY,
    "kind": "user",
    "last_event_id": "5nA_Qg",
    "Last-Event-ID": "5nA_Qg",
    "lift_id": _ID,
    "name": "contoso",
    "Range": "bytes=1048576-",
    "reason": "not JSON",
    "service": "normalizer",
    "outcome": "failure",
    "session_id": _KEY,
    "return_to": "/api/me",
    "route": "on-call",
    "rule": "9336f81c-7c0e-511c-9167-3a946c3503e6",
    "sink": "splunk",
    "slug": "invalid-parameters",
    "source": "o365-exchange",
    "start": "2026-11-23T00:00:00Z",
    "tag": ["case-4711"],
    "tenant": "contoso",
    "token": "the part of a link that aoc sign-in-link has printed",
    "trailer": False,
    "validationToken": "Validation: Testing client application reachability for subscription Request-Id: 1f4a",
    "Webhook-AuthID": "the seal that AOC has given Microsoft with the subscription",
    "Webhook-ValidationCode": "9f2d0c4e",
}
#: What Microsoft, or a ticket system, sends to a path.
_BODIES: Final[dict[str, Any]] = {
    "/api/webhooks/graph": {
        "value": [
            {
                "subscriptionId": "76619225-ff6b-4489-96ca-4ef547e78b22",
                "clientState": "the seal that AOC has made the subscription with",
                "changeType": "updated",
                "resource": "Users/273a5506-0000-4000-8000-000000000001",
                "tenantId": "c0a70501-5a11-4d0e-9b1c-0a0c51a00001",
            }
        ]
    },
    "/api/webhooks/tickets/{system}": TICKET_NEWS,
    "/api/webhooks/o365": [
        {
            "contentType": "Audit.Exchange",
            "contentId": "20261123080000000000000$20261123080500000000000$audit_exchange$Audit_Exchange",
            "tenantId": "c0a70501-5a11-4d0e-9b1c-0a0c51a00001",
        }
    ],
}
#: What FastAPI says of every answer.
_UNSAID: Final = "Successful Response"
#: What it is where no model says so.
_OTHERWISE: Final = {"204": "It is done.", "202": "It is taken."}


def complete(schema: dict[str, Any], is_public: Callable[[str], bool], refusals: dict[str, Any]) -> None:
    """Complete a document. `is_public`: whether all may ask at a path; `refusals`: status -> answer elsewhere."""
    schemas = schema["components"]["schemas"]
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                _exemplify(parameter)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if path in _BODIES:
                    content.setdefault("example", _BODIES[path])
            for status, answer in operation["responses"].items():
                _describe(status, answer, schemas)
            if not is_public(path):
                for status, answer in refusals.items():
                    operation["responses"].setdefault(status, answer)


def _exemplify(parameter: dict[str, Any]) -> None:
    schema = parameter.get("schema", {})
    if "example" in parameter or "examples" in parameter or "examples" in schema:
        return
    if parameter["name"] in _EXAMPLES:
        parameter["example"] = _EXAMPLES[parameter["name"]]
    elif schema.get("default") is not None:
        parameter["example"] = schema["default"]


def _describe(status: str, answer: dict[str, Any], schemas: dict[str, Any]) -> None:
    models = [name for content in answer.get("content", {}).values() for name in _models(content.get("schema", {}))]
    said = [schemas[name]["description"] for name in models if schemas[name].get("description")]
    if answer.get("description") in {None, "", _UNSAID}:
        answer["description"] = said[0].split("\n\n")[0] if said else _OTHERWISE.get(status, "The answer, as text.")
    for content in answer.get("content", {}).values():
        # Of several models none is referred to by itself, so that no example would be seen.
        if len(found := list(_models(content.get("schema", {})))) > 1:
            content.setdefault("example", schemas[found[0]]["examples"][0])


def _models(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for one in schema.get("anyOf", ()):
        yield from _models(one)
