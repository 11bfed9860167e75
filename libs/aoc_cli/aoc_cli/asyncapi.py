"""The AsyncAPI 3 document of the bus: streams, subjects, headers and bodies, from the tables of the contracts.

FastStream writes the document of a broker on which every kind of message is declared; what it does not know of NATS
(headers, placeholders of subjects, streams) is added from the same table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI

from aoc_common.bus.streams import declarations
from aoc_common.contracts.messages import MESSAGES, PLACEHOLDERS, MessageType
from aoc_common.settings import NatsSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLE: Final = "Admin Operations Center: the bus"
_ABOUT: Final = (
    "Streams of NATS JetStream. Whoever reads along is a user that may subscribe to `aoc.events.>`; what each user may "
    "do stands in docs/reference/nats-users.md."
)


def document(version: str) -> str:
    """The document, as JSON text."""
    broker = NatsBroker()
    for kind in MESSAGES:
        model = kind.body if isinstance(kind.body, type) else Any
        broker.publisher(kind.address, schema=model, title=_key(kind), description=kind.summary)
    declared = AsyncAPI(broker, title=_TITLE, version=version, description=_ABOUT, schema_version="3.0.0")
    made: dict[str, Any] = declared.to_specification().to_jsonable()
    made["servers"] = {"nats": {"host": "nats:4222", "protocol": "nats", "description": "As AOC_NATS__URL says."}}
    for kind in MESSAGES:
        _complete(made, kind)
    made["components"]["schemas"] = {
        name: schema for name, schema in made["components"]["schemas"].items() if name in _models()
    }
    made["x-streams"] = _streams()
    # FastStream keeps its publishers in no order.
    return orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def _key(kind: MessageType) -> str:
    """Its name, as a key that needs no escapes."""
    return kind.name.replace(" ", "-")


def _models() -> set[str]:
    return {kind.body.__name__ for kind in MESSAGES if isinstance(kind.body, type)} | {"ConsumerWork"}


def _complete(made: dict[str, Any], kind: MessageType) -> None:
    """Add what FastStream does not know of a kind of message."""
    key = _key(kind)
    channel = made["channels"][key]
    channel["servers"] = [{"$ref": "#/servers/nats"}]
    if kind.stream is not None:
        channel["x-stream"] = kind.stream
    channel["bindings"] = {}
    if names := re.findall(r"{(\w+)}", kind.address):
        channel["parameters"] = {name: {"description": PLACEHOLDERS[name]} for name in names}
    message = made["components"]["messages"][f"{key}:Message"]
    # FastStream names a header of its own, which nobody here sends.
    del message["correlationId"]
    is_json = isinstance(kind.body, type) or "type" in kind.body
    content_type = "application/json" if is_json else "application/octet-stream"
    message |= {"title": kind.name, "summary": kind.summary, "contentType": content_type}
    if kind.headers or kind.maybe:
        described = {**kind.headers, **kind.maybe}
        message["headers"] = {
            "type": "object",
            "properties": {name: {"type": "string", "description": what} for name, what in described.items()},
            "required": list(kind.headers),
        }
    if not isinstance(kind.body, type):
        message["payload"] = dict(kind.body)
    elif examples := kind.body.model_config.get("json_schema_extra", {}).get("examples"):  # type: ignore[union-attr]
        message["examples"] = [{"payload": example} for example in examples]  # type: ignore[union-attr]


def _streams() -> Mapping[str, Any]:
    """Stream -> its subjects and how long it holds a message, without settings of the installation's own."""
    return {
        name: {
            "subjects": config.subjects,
            "retention": config.retention.value if config.retention else "limits",
            "maxAgeSeconds": config.max_age or None,
            "description": config.description,
        }
        for name, config in declarations(NatsSettings()).items()
    }
