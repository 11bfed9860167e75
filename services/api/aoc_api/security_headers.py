"""Headers that keep browsers from harm, on every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.datastructures import MutableHeaders

#: What is here is about one person's view of one tenant: nobody in between keeps any of it.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    # No other window has a hand on ours, and no other site loads what is here into itself.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
#: What is opened in a browser though it is no page: it loads nothing, and stands in no frame.
_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
#: Our pages have neither scripts, styles nor forms (`routes.pages`); these are not covered by `default-src`.
_CSP_OF_PAGES: Final = f"{_CSP}; base-uri 'none'; form-action 'none'"
_ONLY_TLS: Final = "max-age=31536000"


def harden(headers: MutableHeaders, *, encrypted: bool) -> None:
    """Add them to the headers of an answer. `encrypted`: it goes over TLS."""
    for name, value in _HEADERS.items():
        headers[name] = value
    page = headers.get("content-type", "").startswith("text/html")
    headers["Content-Security-Policy"] = _CSP_OF_PAGES if page else _CSP
    if encrypted:
        headers["Strict-Transport-Security"] = _ONLY_TLS
