"""The pages that a person sees while signing in or out: plain HTML without scripts, styles or anybody else's words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from starlette.responses import Response


#: As wide as the screen, and dark where its owner has everything dark.
_HEAD: Final = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
)
_AGAIN: Final = '<p><a href="/auth/login">Begin again</a></p>'


def page(title: str, *paragraphs: str, status: int = 200, again: bool = False) -> Response:
    """A page of text. `again`: with a link to where a sign-in begins."""
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs) + (_AGAIN if again else "")
    head = f"{_HEAD}<title>{escape(title)} - AOC</title>"
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{text}</body></html>', status
    )
