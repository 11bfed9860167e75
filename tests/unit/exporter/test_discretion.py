"""What a destination says of our secrets is nobody's to read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from aoc_common.errors import Throttled
from aoc_common.outbound.refusals import RefusedWhole
from aoc_exporter.delivery.scrubbing import ScrubbedSink, secrets_of
from aoc_exporter.outcome import Accepted, Refused, Retry
from aoc_exporter.sinks.otlp import OtlpOptions
from siem_entries import items

SECRET = "made-up-and-secret"


class Rude:
    """A sink that ends like this."""

    idempotent = False
    limits = None

    def __init__(self, end: Any) -> None:
        self.end = end

    async def send(self, sent: Any) -> Any:
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


async def test_words_come_without_secrets_and_all_else_as_it_was() -> None:
    ends = [Accepted(2), Refused(f"no {SECRET}"), Retry(f"{SECRET} Basic YW9jOm1hZGUtdXA=", 3.0, 1, own=True)]
    sink = ScrubbedSink(Rude(ends), [SECRET, "", "abc"])

    assert await sink.send(items(3)) == [Accepted(2), Refused("no ***"), Retry("*** Basic ***", 3.0, 1, own=True)]


async def test_errors_come_without_secrets_and_are_what_they_were() -> None:
    for error in (RefusedWhole(f"400 {SECRET}", at=3, maybe_taken=True), Throttled(f"429 {SECRET}", retry_after=7)):
        with pytest.raises(type(error)) as raised:
            await ScrubbedSink(Rude(error), [SECRET]).send(items(1))
        assert raised.value is error
        assert SECRET not in str(error)
        assert "***" in str(error)


def test_all_secrets_of_options_are_found() -> None:
    options = OtlpOptions(
        url="https://x.example", headers={"a": SecretStr("one")}, http={"proxy": SecretStr("http://two")}
    )

    assert [*secrets_of(options)] == ["one", "http://two"]
