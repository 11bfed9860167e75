"""Secrets are compared in a time that does not tell how much of them was right."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Where secrets that a caller shows are looked at.
FOLDERS = ("services/api/aoc_api", "libs/aoc_common/aoc_common/store/mongo")
#: What secrets, and what is made of them, are called.
SECRETS = re.compile(r"(^|_)(secret|nonce|csrf|signature|hash|authid|code_verifier|state_cookie|mac)$", re.IGNORECASE)


def named(node: ast.expr) -> str:
    """What a value is called, where it has a name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(value=inner, attr="encode" | "lower" | "strip")):
            return named(inner)
    return ""


def compared(tree: ast.AST) -> list[str]:
    """Secrets that are compared by `==` or `!=` with something that is not a constant."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
            sides = [node.left, *node.comparators]
            if not any(isinstance(side, ast.Constant) for side in sides):
                found += [name for side in sides if SECRETS.search(name := named(side))]
    return found


def test_no_secret_is_compared_letter_by_letter() -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (names := compared(ast.parse(path.read_text())))
    }

    assert found == {}


def test_such_a_comparison_would_be_found() -> None:
    assert compared(ast.parse('if document["hash"] != of.hash: pass')) == ["hash", "hash"]
    assert compared(ast.parse("ok = shown.encode() == client_secret")) == ["client_secret"]
    assert compared(ast.parse("ok = compare_digest(shown, secret)")) == []
