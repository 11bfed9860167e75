"""What a person sees: whom to sign in as. Plain HTML, which works without scripts."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from aoc_sim.provider.accounts import Account

_STYLE: Final = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 44rem; padding: 0 1rem; color: #1b1b1b }
button { display: flex; gap: 1rem; width: 100%; padding: .6rem .9rem; margin: .3rem 0; font: inherit; text-align: left;
  background: #fff; border: 1px solid #767676; border-radius: .3rem; cursor: pointer }
button:hover, button:focus-visible { border-color: #0b57d0; outline: 2px solid #0b57d0 }
.who { flex: 1 } .upn { color: #595959; display: block } .role { font-weight: 600 }
@media (prefers-color-scheme: dark) { body, button { background: #1b1b1b; color: #f2f2f2 } .upn { color: #b0b0b0 } }
"""
#: No script, nothing from elsewhere. Forms are not limited: Chromium would apply that to the redirect after them.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def chooser(accounts: Iterable[Account], action: str) -> Response:
    """A page of buttons, one for each person. `action`: where the choice is sent."""
    sections = "".join(
        f"<h2>{escape(name)}</h2>" + "".join(_button(account) for account in group)
        for name, group in groupby(accounts, lambda account: account.tenant.display_name)
    )
    return _page(
        "Sign in to AOC",
        "<p>This is the simulated Microsoft 365: everybody here is invented, and there are no passwords. "
        f'Whom do you sign in as?</p><form method="post" action="{escape(action)}">{sections}</form>',
    )


def message(title: str, text: str, status: int = 200) -> Response:
    """A page with a sentence."""
    return _page(title, f"<p>{escape(text)}</p>", status)


def _button(account: Account) -> str:
    person = account.person
    role = ", ".join(role.removeprefix("aoc.") for role in account.roles) or "no role"
    return (
        f'<button name="account" value="{escape(person.id)}"><span class="who">{escape(person.name)}'
        f'<span class="upn">{escape(person.upn)}</span></span><span class="role">{escape(role)}</span></button>'
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    main = f"<main><h1>{escape(title)}</h1>{body}</main>"
    html = f'<!doctype html><html lang="en"><head>{head}</head><body>{main}</body></html>'
    return HTMLResponse(html, status, headers=_HEADERS)
