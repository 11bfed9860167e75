"""Templates of messages, and how what others wrote is made harmless in them. Pure.

Values of an alert are written by attackers too, and over a hundred kinds of destinations show them, each with a markup
of its own. What a destination's own kind escapes, apprise escapes. Beside that, in every value: no line break and no
control character, so nobody writes a line that looks like ours; nothing that any markup makes a link, a tag or a
mention of; and a length. So an address that somebody wrote is shown and cannot be clicked.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.printable import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Characters of a value, a title and a body.
LONGEST_VALUE: Final = 200
LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 3_500
_CUT: Final = "…"

TITLE: Final = "[{severity}] {title} ({tenant})"
DIGEST_TITLE: Final = "{count} alerts, up to {severity} ({tenants})"
#: The link is near the top: destinations cut long texts at their end.
BODY: Final = """\
{message}
{link}
{news}Severity: {severity}, status: {status}, tenant: {tenant}
Rule: {title} ({rule})
Happened: {first} to {last}, events: {count}
Group: {group}
Operations: {operations}
Sources: {sources}
ATT&CK and tags: {tags}
At a terminal: {command}"""

#: What a template may say.
FIELDS: Final = (
    "severity", "title", "tenant", "rule", "tags", "description", "message", "count", "first", "last", "status",
    "actors", "operations", "services", "sources", "group", "matched", "assignee", "id", "revision", "news", "link",
    "command", "references",
)  # fmt: skip
DIGEST_FIELDS: Final = ("count", "severity", "tenants", "link")
#: Made here, of settings and ids: not of what others wrote.
_OURS: Final = frozenset({"link", "command", "news"})
#: Characters of values that may be longer than others.
_LONGER: Final = {"message": 400, "description": 600}

#: Where programs see an address to make a link of.
_ADDRESS: Final = re.compile(r"(?i)\b(?:(https?|ftp|file|javascript|mailto|tel)(:)|(www)(\.))")
_MENTION: Final = re.compile(r"(?<![\w.+-])@")
#: What stands for characters that begin or end markup, and looks like them.
_REPLACED: Final = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
        "[": "\N{LEFT SQUARE BRACKET WITH QUILL}",
        "]": "\N{RIGHT SQUARE BRACKET WITH QUILL}",
        "|": "\N{BROKEN BAR}",
    }
)
#: As people of the field write an address that nobody is to follow.
_APART: Final = str.maketrans(
    {mark: f"\N{LEFT SQUARE BRACKET WITH QUILL}{mark}\N{RIGHT SQUARE BRACKET WITH QUILL}" for mark in ":."}
)
_AT: Final = "\N{FULLWIDTH COMMERCIAL AT}"


def harmless(value: object, longest: int = LONGEST_VALUE) -> str:
    """A value of an alert on one line, which no destination takes for markup, a link or a mention."""
    text = visible(str(value)[: longest * 4]).translate(_REPLACED).replace("{{", "{ {")
    text = _ADDRESS.sub(lambda found: f"{found[1] or found[3]}{found[2] or found[4]}".translate(_APART), text)
    return shortened(" ".join(_MENTION.sub(_AT, text).split()), longest)


def shortened(text: str, longest: int) -> str:
    """The text, cut where it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + _CUT


def check_template(template: str, where: str, *, digest: bool = False) -> None:
    """Raises ValueError for a template that cannot be filled in."""
    known = DIGEST_FIELDS if digest else FIELDS
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{where}: {error}; a brace of its own is written twice") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in known or form or conversion):
            raise ValueError(f"{where}: {{{name[:40]}}} is not known; there are {', '.join(known)}")


def filled(template: str, values: Mapping[str, object], longest: int) -> str:
    """A template with these values, each made harmless but for those that are made here."""
    safe = {
        name: str(value) if name in _OURS else harmless(value, _LONGER.get(name, LONGEST_VALUE))
        for name, value in values.items()
    }
    return shortened(template.format_map(safe), longest)


def one_line(text: str, longest: int = LONGEST_TITLE) -> str:
    """A title: whatever the template says, on one line."""
    return shortened(" ".join(visible(text).split()), longest)
