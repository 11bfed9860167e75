"""The table of the public rules: which fire here by which interface, and why the others cannot.

`python tests/support/public_rule_table.py` writes docs/reference/public-rules.md from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT: Final = Path(__file__).parents[2]
_DATA: Final = _ROOT / "tests" / "unit" / "alerter" / "public_rules.yml"
PAGE: Final = _ROOT / "docs" / "reference" / "public-rules.md"
_SHAPES: Final = {
    "change": "directory change", "signin": "sign-in", "risk": "risk detection", "pim": "PIM alert",
    "alert": "alert of Defender", "cmdlet": "Exchange cmdlet", "general": "unified log",
}  # fmt: skip
_WAYS: Final = {
    "change": ("graph", "monitor", "unified"), "signin": ("graph", "monitor", "unified"), "risk": ("graph",),
    "pim": ("graph",), "alert": ("graph", "unified"), "cmdlet": ("unified",), "general": ("unified",),
}  # fmt: skip
_NAMES: Final = {"graph": "Graph", "monitor": "Azure Monitor", "unified": "unified log"}
_REASONS: Final = {
    "unknown-value": "a value that its field never has",
    "unknown-field": "a field that no record of its log source has",
    "stand-in": "a text that stands for a value of your own",
    "part-of-text": "a part of a record's JSON, where an operation's name is",
    "two-operations": "two operations in one record",
}


@dataclass(frozen=True, slots=True)
class PublicRule:
    """A rule of the table.

    `fires`: what fires it; None where nothing can, for the reasons `never`. `ways`: by which interfaces. `misses`: what
    is laid over it and does not fire. `found`: how many records of the public sets match.
    """

    id: str
    title: str
    fires: dict[str, Any] | None
    shape: str
    ways: tuple[str, ...]
    misses: tuple[dict[str, Any], ...]
    never: tuple[str, ...]
    found: int
    remark: str


def _rule(id_: str, said: Mapping[str, Any]) -> PublicRule:
    fires = said.get("fires")
    shape = next(iter(fires)) if fires else ""
    ways = tuple(said.get("ways", _WAYS.get(shape, ())))
    return PublicRule(
        id_, said["title"], fires, shape, ways, tuple(said.get("misses", ())), tuple(said.get("never", ())),
        said.get("found", 0), said.get("remark", ""),
    )  # fmt: skip


def read_table() -> tuple[tuple[PublicRule, ...], dict[str, list[str]]]:
    """The rules, and the named lists that some of them ask for."""
    held = yaml.safe_load(_DATA.read_text("utf-8"))
    return tuple(_rule(id_, said) for id_, said in held["rules"].items()), held["lists"]


def page() -> str:
    """The page of the reference."""
    rules, _ = read_table()
    firing = [rule for rule in rules if not rule.never]
    found = [rule for rule in rules if rule.found]
    lines = [
        "# The public Sigma rules for Microsoft 365 and Azure",
        "",
        f"Of {len(rules)} public rules that a team may bring, {len(firing)} fire on records in Microsoft's shapes that",
        "pass the real mappers, and do not fire on records that nearly are the same;",
        f"{len(rules) - len(firing)} cannot fire anywhere, and lint says why.",
        f"{len(found)} of the rules match some of the public records that AOC is tried with.",
        "They are SigmaHQ's (Detection Rule License 1.1), and do not come with AOC. This page is written by",
        "`tests/support/public_rule_table.py`.",
        "",
        "A rule fires by each interface that tells enough: the unified log names no device of a sign-in.",
        "",
        "| rule | id | fires on | by | public records | remark |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rule in firing:
        by = ", ".join(_NAMES[way] for way in rule.ways)
        lines.append(
            f"| {rule.title} | `{rule.id}` | {_SHAPES[rule.shape]} | {by} | {rule.found or ''} | {rule.remark} |"
        )
    lines += ["", "## Those that cannot fire", "", "| rule | id | they ask for |", "| --- | --- | --- |"]
    for rule in rules:
        if rule.never:
            lines.append(
                f"| {rule.title} | `{rule.id}` | {'; '.join(f'{_REASONS[one]} (`{one}`)' for one in rule.never)} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
