"""Object stores on loopback: moto's S3, and one that answers whatever a test wants."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from starlette.responses import Response
from starlette.routing import Route

from receiving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

SECRET = "a-secret-key-that-nobody-may-see"
#: Options of a bucket, without its address.
KEYS = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": SECRET}


def s3_at(endpoint: str, bucket: str = "made", **changes: Any) -> dict[str, Any]:
    """Options of a sink whose files go to a bucket there."""
    http = {"timeout_s": 5, "allowed_networks": ["127.0.0.0/8"]}
    return {"url": f"s3://{bucket}/aoc/test", "s3": {"endpoint": endpoint, **KEYS}, "http": http} | changes


@contextmanager
def moto_s3(*buckets: str) -> Iterator[str]:
    """S3 by moto, in a thread, with these buckets; its address."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for bucket in buckets:
            httpx.put(f"http://{host}:{port}/{bucket}").raise_for_status()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def objects(address: str, bucket: str) -> dict[str, bytes]:
    """What is in a bucket of moto's: key -> content."""
    # It wants to be told by somebody, and believes anybody.
    with httpx.Client(base_url=f"{address}/{bucket}", headers={"Authorization": "AWS anybody:anything"}) as asked:
        listed = asked.get("", params={"list-type": "2"}).raise_for_status().text
        keys = [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]
        return {key: asked.get(f"/{key}").raise_for_status().content for key in keys}


class Answering:
    """A store that gives these answers, the last one for ever. `requests`: what it was sent."""

    def __init__(self, *answers: Response) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[Request, bytes]] = []

    async def _answer(self, request: Request) -> Response:
        self.requests.append((request, await request.body()))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Within the context it listens; gives its address."""
        async with serving([Route("/{path:path}", self._answer, methods=["PUT"])]) as address:
            yield address


def refusal(status: int, code: str, **headers: str) -> Response:
    """An answer of S3 that is no success; what else S3 repeats is in it."""
    said = f"<Error><Code>{code}</Code><Message>because</Message><StringToSign>{SECRET}</StringToSign></Error>"
    return Response(said, status, {name.replace("_", "-"): value for name, value in headers.items()})


@asynccontextmanager
async def cutting(after: int) -> AsyncIterator[str]:
    """A server that ends every connection within so many bytes."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(after)
        writer.transport.abort()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
