"""The OpenAPI document. Without a running gateway: `python -m aoc_api.openapi`."""

from __future__ import annotations

import sys
from typing import Any

import orjson

from aoc_api.app import create_app
from aoc_api.settings import ApiSettings


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the gateway."""
    return create_app(ApiSettings.model_construct()).openapi()


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(document(), option=orjson.OPT_INDENT_2) + b"\n")
