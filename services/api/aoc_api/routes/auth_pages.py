"""The pages that a person sees while signing in or out: plain HTML without scripts, styles or anybody else's words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from starlette.responses import Response


def page(title: str, *paragraphs: str, status: int = 200) -> Response:
    """A page of text."""
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    head = f'<meta charset="utf-8"><title>{escape(title)} - AOC</title>'
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{text}</body></html>', status
    )
