"""A mail server as small as one can be, on loopback."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class MailServer:
    """`answers`: what it says of a mailbox, by its name, 250 where nothing is said. `taken`: by whom, mail by mail."""

    def __init__(self) -> None:
        self.at = ""
        self.answers: dict[str, str] = {}
        self.taken: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        name = ""
        while line := (await reader.readline()).decode():
            answer = "250 yes"
            if line.upper().startswith("RCPT"):
                name = line.partition("<")[2].partition("@")[0]
                answer = self.answers.get(name, answer)
            elif line.upper().startswith("DATA"):
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.taken.append(name)
            writer.write(f"{answer}\r\n".encode())
            if line.upper().startswith("QUIT"):
                break
        writer.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """One that runs."""
    made = MailServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made
