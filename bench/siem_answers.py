"""What destinations answer in `bench/exporter_service.py`: everything is taken but what has a mark in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from pathlib import Path

#: In the body of an event that is refused.
MARK: Final = b"poisonous"
#: Kind -> who names the event: nobody, so that the batch is halved; the answer of a document of its own.
ANSWERS: Final = ("splunk", "webhook", "elastic")
_SECRET: Final = "whsec_YmVuY2gtb25seS1iZW5jaC1vbmx5LWJlbmNo"  # opens nothing
_TAKEN: Final = {"create": {"status": 201}}
_REFUSED: Final = {"create": {"status": 400, "error": {"type": "document_parsing_exception", "reason": "made up"}}}


def options(kind: str, url: str, where: Path) -> dict[str, Any]:
    """Of a sink of that kind. `where`: a directory for its secret."""
    name, secret = {"splunk": ("token", "bench"), "webhook": ("secret", _SECRET), "elastic": ("api_key", "bench")}[kind]
    (where / name).write_text(secret)
    return {"url": url, name: f"file:{where / name}"}


def answer(kind: str, body: bytes) -> bytes:
    """Of one request, as it travels."""
    refuses = MARK in body
    if kind == "elastic":
        # An action and a document in turns.
        documents = body.split(b"\n")[1::2]
        items = [_REFUSED if refuses and MARK in one else _TAKEN for one in documents]
        return _framed(200, orjson.dumps({"errors": refuses, "items": items}))
    if kind == "splunk":
        told = {"text": "Invalid data format", "code": 6} if refuses else {"text": "Success", "code": 0}
        return _framed(400 if refuses else 200, orjson.dumps(told))
    return _framed(400 if refuses else 200, b"no" if refuses else b"")


def _framed(status: int, content: bytes) -> bytes:
    head = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(content))
    return head + content
