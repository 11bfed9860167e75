"""A command is connected soon, or says why it is not."""

from __future__ import annotations

import pytest

from aoc_cli.local.ports import free_port
from aoc_common.bus.broker import connected_broker
from aoc_common.errors import Unreachable
from aoc_common.settings import NatsSettings


async def test_a_command_that_the_bus_refuses_says_so_soon(nats_on, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("aoc_common.bus.broker._CONNECT_TIMEOUT_S", 0.5)
    wrong = tmp_path / "wrong"
    wrong.write_text("guessed")
    settings = nats_on("cli").model_copy(update={"password": f"file:{wrong}"})

    with pytest.raises(Unreachable, match=r"NATS at 127.0.0.1:\d+: .*[Aa]uthorization [Vv]iolation"):
        async with connected_broker(settings, "cli"):
            pass


async def test_a_command_whose_bus_is_away_says_so_soon(monkeypatch) -> None:
    monkeypatch.setattr("aoc_common.bus.broker._CONNECT_TIMEOUT_S", 0.5)
    settings = NatsSettings(url=f"nats://cli:guessed@127.0.0.1:{free_port()}")

    with pytest.raises(Unreachable, match="Connect call failed") as refusal:
        async with connected_broker(settings, "cli"):
            pass

    assert "guessed" not in str(refusal.value)
