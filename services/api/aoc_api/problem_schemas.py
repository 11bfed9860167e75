"""Problems in the OpenAPI document: every route's errors have the media type that they are answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_api.described import complete
from aoc_api.problems import KINDS, MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

_PROBLEM: Final = {"$ref": "#/components/schemas/ProblemDocument"}
_UNUSED: Final = {"$ref": "#/components/schemas/HTTPValidationError"}
#: Of every route, also of those that say when else they answer 429.
_TOO_OFTEN: Final = {
    "description": KINDS["too-often"].title,
    "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
    "headers": {
        "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}},
        "RateLimit": {
            "description": "Whose limit, what is left of it, and in how many seconds all of it is there.",
            "schema": {"type": "string"},
        },
    },
}
#: FastAPI's own shapes of a refused request; ours are problems.
_FOREIGN: Final = ("HTTPValidationError", "ValidationError")


#: Of every route that is not served to everybody.
_REFUSALS: Final = {
    str(KINDS[slug].status): {"description": KINDS[slug].title, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    for slug in ("unauthenticated", "forbidden")
}


def install(app: FastAPI, is_public: Callable[[str], bool]) -> None:
    """Make `app` describe its problems with the media type that they have, and all that FastAPI leaves out.

    `is_public`: whether a path is served to everybody.
    """
    original = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(original())
            complete(app.openapi_schema, is_public, _REFUSALS)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("429", _TOO_OFTEN)
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
