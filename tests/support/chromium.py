"""A real browser for tests: headless Chromium, spoken with over pipes (Chrome DevTools Protocol), without a driver."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

#: Seconds in which a command must be answered, and a page must be there.
_ANSWER_S: Final = 60.0
#: What a browser of a test must not do: call anybody, ask anything, or keep a sandbox that containers forbid.
_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-dev-shm-usage", "--remote-debugging-pipe", "--window-size=1000,800",
)  # fmt: skip


def path() -> str | None:
    """Where it is; None where it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """The one page of a browser."""

    def __init__(self, reader: asyncio.StreamReader, writing: int) -> None:
        self._reader, self._writing = reader, writing
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.failed: list[str] = []

    async def begin(self) -> None:
        target = (await self._ask("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self._ask(f"{domain}.enable")

    async def open(self, address: str) -> None:
        """Open an address, as a person who types it."""
        await self._ask("Page.navigate", address, url=address)

    async def ignore_policies(self) -> None:
        """Let scripts of a test ask for something on pages whose Content-Security-Policy lets them ask for nothing."""
        await self._ask("Page.setBypassCSP", enabled=True)

    async def run(self, script: str) -> Any:
        """What a script gives that runs in the page."""
        ran = await self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in ran:
            raise AssertionError(ran["exceptionDetails"])
        return ran["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until a script gives something that counts as true; what it gives."""
        async with asyncio.timeout(_ANSWER_S):
            while True:
                # While a page is being left there is nothing to run it in.
                with contextlib.suppress(AssertionError):
                    if found := await self.run(script):
                        return found
                await asyncio.sleep(0.05)

    async def screenshot(self, file: Path) -> None:
        """What a person sees."""
        shot = await self._ask("Page.captureScreenshot", format="png")
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))

    async def _ask(self, method: str, _about: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        await asyncio.to_thread(os.write, self._writing, json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(_ANSWER_S):
            while True:
                told = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                    self.failed.append(told["params"]["entry"]["text"])
                if told.get("id") == number:
                    if "error" in told:
                        raise AssertionError(f"{method} {_about}: {told['error']}")
                    result: dict[str, Any] = told["result"]
                    return result


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Page]:
    """A page of a browser with a new profile."""
    theirs_in, writing = os.pipe()
    reading, theirs_out = os.pipe()
    # Chromium reads commands from 3 and writes answers to 4.
    begin = f"import os, sys; os.dup2({theirs_in}, 3); os.dup2({theirs_out}, 4); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", begin, str(path()), *_FLAGS]
    process = await asyncio.to_thread(
        subprocess.Popen,
        [*command, f"--user-data-dir={profile}"],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    reader = asyncio.StreamReader(limit=32 << 20)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
    )
    try:
        page = Page(reader, writing)
        await page.begin()
        yield page
    finally:
        transport.close()
        os.close(writing)
        process.kill()
        await asyncio.to_thread(process.wait)
