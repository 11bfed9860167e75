"""The table of the rules that come along.

`python tests/support/rule_pack_page.py` writes docs/reference/rule-pack.md from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from aoc_rules.pack import CATEGORIES
from rule_pack import pack

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "rule-pack.md"
_PACK: Final = "../../libs/aoc_rules/aoc_rules/pack"


def page() -> str:
    """The page of the reference."""
    known = pack()
    lines = [
        "# The rules that come along",
        "",
        f"{len(known.files)} rules, {len(known.countings)} of them over several events (*counts*).",
        "Those of level low are switched off until somebody wants them. [How a rule is written](../howto/rules.md).",
        "This page is written by `tests/support/rule_pack_page.py`.",
    ]  # fmt: skip
    for category in CATEGORIES:
        lines += [
            "",
            f"## {category.title()}",
            "",
            "| rule | level | log source | ATT&CK | |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(category, name) for name, one in known.files.items() if one.category == category]
    return "\n".join(lines) + "\n"


def _row(category: str, name: str) -> str:
    documents: list[dict[str, Any]] = pack().documents[name]
    rule, source = documents[-1], documents[0]["logsource"]
    techniques = [
        tag.removeprefix("attack.t") for tag in rule["tags"] if tag.startswith("attack.t") and tag[8].isdigit()
    ]
    counts = "counts; " if "correlation" in rule else ""
    cells = (
        f"[{rule['title']}]({_PACK}/{category}/{name}.yml)",
        rule["level"],
        f"{source['product']}/{source['service']}",
        ", ".join(f"T{one}" for one in techniques),
        f"{counts}[runbook]({_PACK}/runbooks/{name}.md)",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
