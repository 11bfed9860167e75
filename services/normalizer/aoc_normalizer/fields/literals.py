"""Objects as Python prints them: `{'Operation': 'New-InboxRule', 'IsValid': True}`.

Scripts and notebooks that write tables leave such text in cells where the record had JSON. Only literals are read, and
nothing is evaluated; what JSON has no word for (sets, bytes) makes it no object of ours.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Any, Final

#: How it begins. JSON has double quotes there, so no JSON is ever tried as this.
_BEGINS: Final = re.compile(r"\s*(?:\[\s*)?(?:\{\s*)?'")
#: Characters; the parser needs some hundred times the memory.
_LONGEST: Final = 256 << 10
_BRACKET: Final = re.compile(r"[()\[\]{}]")
#: Brackets of a text, in and out of its strings.
_BRACKETS: Final = 100_000
_WORDS: Final = {"true": True, "false": False, "null": None}
#: The parser's own stack ends somewhere behind this.
_LEVELS: Final = 60


def read(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or list in a text, as JSON would have it; None for what is neither."""
    if len(text) > _LONGEST or not _BEGINS.match(text) or not _is_shallow(text):
        return None
    try:
        with warnings.catch_warnings():
            # Of a backslash before a letter that needs none, as Windows' paths have it; it stays what it is.
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text.strip(), mode="eval")
        found = ast.literal_eval(_Words().visit(tree))
        plain = json.loads(json.dumps(found, allow_nan=False))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return plain if isinstance(plain, (dict, list)) else None


class _Words(ast.NodeTransformer):
    """JSON's words, which are there where quotes alone were changed."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The constant that a word stands for; other names stay, and are no literals."""
        return ast.Constant(_WORDS[node.id]) if node.id in _WORDS else node


def _is_shallow(text: str) -> bool:
    """Whether it nests no deeper than a record may; brackets inside of texts count, too."""
    depth = 0
    for number, mark in enumerate(_BRACKET.finditer(text)):
        depth += 1 if mark[0] in "([{" else -1
        if depth > _LEVELS or number > _BRACKETS:
            return False
    return True
