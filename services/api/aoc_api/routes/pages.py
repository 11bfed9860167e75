"""The pages that a person sees in a browser: plain HTML without scripts, styles or anybody else's words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.responses import Response


#: As wide as the screen, and dark where its owner has everything dark.
_HEAD: Final = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
)
_AGAIN: Final = {"/auth/login": "Begin again"}
#: Where a browser that is signed in can go.
_ADDRESSES: Final = {
    "/api/me": "Who you are here, and what you may see",
    "/api/tenants": "Tenants",
    "/health": "Whether all is well",
    "/openapi.json": "Every address, as OpenAPI",
}


def page(title: str, *paragraphs: str, status: int = 200, again: bool = False) -> Response:
    """A page of text. `again`: with a link to where a sign-in begins."""
    return _html(title, paragraphs, _AGAIN if again else {}, status)


def first_page() -> Response:
    """What a browser that is signed in sees at `/`, also after a sign-in that began nowhere else."""
    return _html(
        "Admin Operations Center",
        [
            "You are signed in.",
            "What is asked here is answered in JSON: to the aoc command, to scripts, and to this browser.",
        ],
        _ADDRESSES,
        200,
    )


def _html(title: str, paragraphs: Iterable[str], links: Mapping[str, str], status: int) -> Response:
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    text += "".join(f'<p><a href="{escape(address)}">{escape(name)}</a></p>' for address, name in links.items())
    head = f"{_HEAD}<title>{escape(title)} - AOC</title>"
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{text}</body></html>', status
    )
