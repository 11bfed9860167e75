"""The rules that come along, as Sigma YAML by category, and a runbook for each.

A file has one rule, or a correlation after the rule that it counts. Rules that raise alerts have the attributes `aoc`:
`group_by`, `window` and `runbook`; `enabled: false` says that a rule is for who wants it, or is only counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CATEGORIES: Final = (
    "identity", "privilege", "applications", "mail", "exfiltration", "intune", "evasion", "agents",
)  # fmt: skip
_ID: Final = re.compile(r"^id: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ShippedRule:
    """A file of the pack. `name`: that of the file and of its runbook; `text`: YAML; `runbook`: Markdown."""

    category: str
    name: str
    text: str
    runbook: str


@cache
def shipped_rules() -> tuple[ShippedRule, ...]:
    """All files of the pack, by category and name."""
    root = resources.files(__name__)
    found: list[ShippedRule] = []
    for category in CATEGORIES:
        files = (file for file in root.joinpath(category).iterdir() if file.name.endswith(".yml"))
        for file in sorted(files, key=lambda file: file.name):
            name = file.name.removesuffix(".yml")
            runbook = root.joinpath("runbooks", f"{name}.md").read_text("utf-8")
            found.append(ShippedRule(category, name, file.read_text("utf-8"), runbook))
    return tuple(found)


def rule_names() -> Mapping[str, str]:
    """Id of each rule, those included that are only counted -> the name of its file."""
    return {identity: rule.name for rule in shipped_rules() for identity in _ID.findall(rule.text)}
