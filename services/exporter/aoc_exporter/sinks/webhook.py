"""A webhook of anybody's own, signed by Standard Webhooks.

Any 2xx confirms a batch, with nothing, JSON or plain text behind it; but not with a page, which is none of a receiver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, SecretStr

from aoc_common import http
from aoc_common.outbound.pages import check_no_page
from aoc_common.outbound.signatures import key_of, signed
from aoc_common.outbound.web import HttpOptions, post
from aoc_common.settings import Frozen
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.webhook import body, message_id
from aoc_exporter.outcome import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.clock import Clock
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome


class WebhookOptions(Frozen):
    """A receiver of webhooks."""

    kind: Literal["webhook"] = "webhook"
    url: str = Field(description="Address of the receiver.")
    secret: SecretStr = Field(description="Shared secret, whsec_ and base64.")
    http: HttpOptions = HttpOptions()


class Webhook:
    """The sink. Raises `BadConfiguration` for a secret that is none."""

    idempotent: Final = False
    limits: Final = Limits(items=100, batch_bytes=1_000_000, entry_bytes=250_000)

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        self._url = options.url
        self._clock = clock
        self._key = key_of(options.secret.get_secret_value())
        self._client = options.http.client()
        self._remote = http.Remote("webhook", _error)

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. A batch that comes again has its id again, and every entry has its own inside."""
        now = self._clock.now()
        content = self.framed(items)
        headers = signed(self._key, message_id(items), int(now.timestamp()), content)
        headers = {**headers, "Content-Type": "application/json"}
        answer = await post(self._client, self._url, self._remote, content, headers)
        check_no_page(answer, "webhook")
        return [Accepted()] * len(items)

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return body(items, self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"))

    async def close(self) -> None:
        """As the port says."""
        await self._client.aclose()


def _error(answer: bytes) -> tuple[str, str]:
    return "", answer[:300].decode("utf-8", "replace")
