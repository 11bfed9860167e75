"""docs/howto/add-a-sink.md works: its sink is set up by the commands that stand there, against a real gateway."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from aoc_common.clock import SystemClock
from aoc_common.tenants.administration import Change
from exporter_bench import TOKEN, splunk
from gateway_process import gateway_process
from reader_bench import sign_ins
from signing_in import make_key
from tenant_registry import SIMULATED, Registry, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter_bench import Bench

PAGE: Final = (Path(__file__).parents[3] / "docs" / "howto" / "add-a-sink.md").read_text("utf-8")
SECRETS: Final = ("hec-contoso", "hec-fabrikam", "redaction")


def commands() -> list[list[str]]:
    """Arguments of `aoc`, in the page's order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [shlex.split(line, comments=True)[1:] for block in blocks for line in block.splitlines()]


def sinks_file(bench: Bench, url: str) -> str:
    """The page's sinks, but for where the destination and its secrets are."""
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    return text.replace("https://splunk.example:8088", url).replace("/run/secrets", str(bench.folder))


async def ran(arguments: list[str], folder: Path, environment: dict[str, str]) -> tuple[str, str]:
    """What one command said, and why it failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aoc_cli", *arguments,
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, error = await process.communicate()
    return out.decode(), "" if process.returncode == 0 else f"{process.returncode}: {error.decode()} {out.decode()}"


@pytest.mark.slow
async def test_a_sink_is_added_by_the_commands_of_the_page_and_what_it_promises_is_so(
    bench, eventually, nats_as, mongo_settings, tmp_path
) -> None:
    for name in SECRETS:
        (bench.folder / name).write_text(TOKEN)
    registry = Registry(bench.database, SystemClock())
    await registry.administration.add(settings_of("contoso", groups=["customers"], **SIMULATED), Change("d/kim"))
    bus = nats_as("api")
    api = {"AOC_NATS__URL": bus.url, "AOC_NATS__USER": bus.user, "AOC_NATS__PASSWORD": bus.password}
    said: dict[str, str] = {}
    async with splunk() as (receiver, url), bench.exporter():
        (tmp_path / "sinks.yaml").write_text(sinks_file(bench, url))
        with gateway_process(mongo_settings, tmp_path / "spool", **api) as (base, _):
            key = await make_key(bench.database)
            environment = {
                "AOC_ROOT": str(tmp_path),
                "AOC_GATEWAY__URL": base,
                "AOC_GATEWAY__API_KEY": "env:AOC_KEY",
                "AOC_KEY": key,
            }
            for arguments in commands():
                said[arguments[1]], failed = await ran(arguments, tmp_path, environment)
                assert failed == "", arguments
                if arguments[1] == "apply":
                    await eventually(lambda: bench.runs("splunk"))
                    # Whoever signs in from a risky place is above "informational".
                    await bench.publish(*sign_ins(2, riskLevelDuringSignIn="high", riskState="atRisk"))
                    await bench.publish(*sign_ins(1, riskLevelDuringSignIn="high"), tenant="fabrikam")
                    await eventually(lambda: len(receiver.taken.times) == 2)
    taken: Mapping[str, Any] = receiver.taken.data
    sent = [envelope for envelope in taken.values() if envelope["event"]["class_uid"] == 3002]

    assert "accepted" in said["test"]
    assert "production" in said["preview"]
    assert "running" in said["list"]
    assert "contoso" in said["show"]
    assert "delivered means: the destination has accepted it" in said["show"]
    assert "sends" in said["replay"]
    assert [(one["index"], one["event"]["actor"]["user"].get("name")) for one in sent] == [("m365-contoso", None)] * 2
