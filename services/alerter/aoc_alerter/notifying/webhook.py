"""Messages as webhooks, signed by Standard Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common import http
from aoc_common.outbound.pages import check_no_page
from aoc_common.outbound.signatures import key_of, signed
from aoc_common.outbound.web import post

if TYPE_CHECKING:
    from aoc_alerter.notifying.destination import WebhookOptions
    from aoc_alerter.notifying.message import Message
    from aoc_common.clock import Clock

#: Bytes of a body; an alert's evidence and events are left out where it would be more.
_LONGEST: Final = 250_000
_SHORTENED: Final = ("evidences", "unmapped")


class SignedWebhook:
    """The destination. A message that is sent again has the id that it had. Raises `BadConfiguration` for a secret."""

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        self._url = options.url
        self._clock = clock
        self._key = key_of(options.secret.get_secret_value())
        self._client = options.http.client()
        self._remote = http.Remote("webhook", _error)

    async def send(self, message: Message) -> bytes:
        """As the port says."""
        now = self._clock.now()
        content = body(message, now.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
        headers = signed(self._key, message.id, int(now.timestamp()), content)
        headers = {**headers, "Content-Type": "application/json"}
        answer = await post(self._client, self._url, self._remote, content, headers)
        check_no_page(answer, "webhook")
        return answer.body

    async def close(self) -> None:
        """As the port says."""
        await self._client.aclose()


def body(message: Message, sent_at: str) -> bytes:
    """`{"type": "aoc.alert.new", "timestamp": ..., "data": {...}}`, within a length."""
    whole: dict[str, Any] = {"type": message.kind, "timestamp": sent_at, "data": message.data}
    content = orjson.dumps(whole)
    if len(content) <= _LONGEST:
        return content
    data = dict(message.data)
    if "finding" in data:
        found = {name: value for name, value in data["finding"].items() if name not in _SHORTENED}
        data["finding"] = found | {"finding_info": {**found["finding_info"], "related_events": []}}
    if "alerts" in data:
        data["alerts"] = data["alerts"][:100]
    return orjson.dumps(whole | {"data": data})


def _error(answer: bytes) -> tuple[str, str]:
    return "", answer[:300].decode("utf-8", "replace")
