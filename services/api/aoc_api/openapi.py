"""The OpenAPI document. Without a running gateway: `python -m aoc_api.openapi`."""

from __future__ import annotations

import sys
from typing import Any, Final

import orjson
from fastapi import FastAPI

from aoc_api.problems import MEDIA_TYPE

_PROBLEM: Final = {"$ref": "#/components/schemas/ProblemDocument"}
_UNUSED: Final = {"$ref": "#/components/schemas/HTTPValidationError"}
#: FastAPI's own shapes of a refused request; ours are problems.
_FOREIGN: Final = ("HTTPValidationError", "ValidationError")


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the gateway."""
    from aoc_api.app import create_app
    from aoc_api.settings import ApiSettings

    return create_app(ApiSettings.model_construct()).openapi()


def install(app: FastAPI) -> None:
    """Make `app` describe its problems with the media type that they have."""
    original = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(original())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, answer in list(operation["responses"].items()):
                content = answer.get("content", {})
                if content.get("application/json", {}).get("schema") == _UNUSED:
                    # FastAPI adds it where a route declares no 422 of its own, also when nothing can be wrong.
                    del operation["responses"][status]
                elif content.get("application/json", {}).get("schema") == _PROBLEM:
                    content[MEDIA_TYPE] = content.pop("application/json")
    for name in _FOREIGN:
        schema["components"]["schemas"].pop(name, None)
    return schema


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(document(), option=orjson.OPT_INDENT_2) + b"\n")
