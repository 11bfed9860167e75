"""A destination's words without our secrets: some repeat what they were sent, and words are stored and shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, SecretStr

from aoc_common.errors import AocError
from aoc_exporter.outcome import Accepted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

_HIDDEN: Final = "***"
#: A shorter one would be found in any text, and is none.
_SHORTEST: Final = 4
#: What follows the name of a way to authenticate: also tokens that are fetched, and names with passwords in base64.
_AUTHORIZATION: Final = re.compile(r"(?i)\b(bearer|basic|splunk|apikey|digest)(\s+)([A-Za-z0-9+/=._~-]{8,})")


class ScrubbedSink:
    """A sink that repeats none of these secrets."""

    def __init__(self, sink: Sink, secrets: Sequence[str]) -> None:
        self.sink = sink
        self._secrets = sorted(filter(_is_one, secrets), key=len, reverse=True)
        self.idempotent = sink.idempotent
        self.limits = sink.limits

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says."""
        try:
            outcomes = await self.sink.send(items)
        except AocError as error:
            error.args = tuple(self.hidden(one) if isinstance(one, str) else one for one in error.args)
            raise
        return [one if isinstance(one, Accepted) else replace(one, words=self.hidden(one.words)) for one in outcomes]

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return self.sink.framed(items)

    async def close(self) -> None:
        """As the port says."""
        await self.sink.close()

    def hidden(self, words: str) -> str:
        """These words without secrets."""
        for secret in self._secrets:
            words = words.replace(secret, _HIDDEN)
        return _AUTHORIZATION.sub(rf"\1\2{_HIDDEN}", words)


def secrets_of(options: object) -> Iterator[str]:
    """Every secret in the options of a destination."""
    if isinstance(options, SecretStr):
        yield options.get_secret_value()
    elif isinstance(options, BaseModel):
        for name in type(options).model_fields:
            yield from secrets_of(getattr(options, name))
    elif isinstance(options, Mapping):
        for one in options.values():
            yield from secrets_of(one)


def _is_one(secret: str) -> bool:
    return len(secret) >= _SHORTEST
