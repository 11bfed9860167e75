"""JSON responses, and the base URL of the links in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from aoc_sim.settings import SimSettings


def json_answer(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response; `body` is bytes that are JSON already, or what orjson can write."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(content, status, headers, media_type="application/json; charset=utf-8")


def base_url(request: Request, settings: SimSettings) -> str:
    """Scheme and host that links start with, without a slash at the end."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    return f"{request.url.scheme}://{request.url.netloc}"
