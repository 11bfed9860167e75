"""A text that whatever an expression matches must contain: what the index looks for in place of the expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASS_ESCAPES: Final = frozenset("dDsSwWbBAzZpPQEC")
_SIMPLE: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


def required(pattern: str) -> str:
    """The longest such text of an RE2 expression; empty where none is certain.

    Reads only what lies outside of brackets: an alternative on that level, an inline flag or anything that is not
    understood gives up. Case is left as it stands.
    """
    runs: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        read = _READERS.get(char)
        if read is None:
            runs[-1].append(char)
            at += 1
            continue
        if char in "?*{":  # what stands before it need not be there
            del runs[-1][-1:]
        literal, at = read(pattern, at)
        if literal is None:
            return ""
        if literal:
            runs[-1].append(literal)
        else:
            runs.append([])
    return max(("".join(run) for run in runs), key=len)


def _group(pattern: str, at: int) -> tuple[str | None, int]:
    """A group or a class: nothing is taken of it. A group with flags or names of a new kind is not understood."""
    plain = pattern[at] == "[" or not pattern.startswith("(?", at) or pattern.startswith(("(?:", "(?P<"), at)
    end = _closing(pattern, at)
    return ("" if plain and end >= 0 else None), end


def _closing(pattern: str, at: int) -> int:
    """Behind the bracket that closes the one at `at`, whatever stands within; -1 where none does."""
    if pattern[at] == "[":
        return _closing_class(pattern, at + 1)
    at += 1
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] in "([":
            at = _closing(pattern, at)
            if at < 0:
                return -1
        else:
            at += 2 if pattern[at] == "\\" else 1
    return at + 1 if at < len(pattern) else -1


def _closing_class(pattern: str, at: int) -> int:
    if pattern.startswith("^", at):
        at += 1
    if pattern.startswith("]", at):
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        if pattern.startswith("[:", at):
            at = pattern.find(":]", at) + 1
            if at == 0:
                return -1
        at += 2 if pattern[at] == "\\" else 1
    return at + 1 if at < len(pattern) else -1


def _escaped(pattern: str, at: int) -> tuple[str | None, int]:
    """The character that an escape stands for and where it ends; empty for a class, None for what is not understood."""
    if at + 1 >= len(pattern):
        return None, at
    char = pattern[at + 1]
    if char in _SIMPLE:
        return _SIMPLE[char], at + 2
    if char in _CLASS_ESCAPES:
        return ("", at + 2) if char not in "pPQEC" else (None, at)
    return (char, at + 2) if not char.isalnum() else (None, at)


def _repeated(pattern: str, at: int) -> tuple[str | None, int]:
    end = pattern.find("}", at)
    return "", end + 1 if end >= 0 else len(pattern)


def _alternative(_: str, at: int) -> tuple[str | None, int]:
    return None, at


def _anything(_: str, at: int) -> tuple[str | None, int]:
    return "", at + 1


#: What reads a character that stands for something else: the text that it is, none of it, or None to give up.
_READERS: Final[dict[str, Callable[[str, int], tuple[str | None, int]]]] = {
    "|": _alternative,
    "\\": _escaped,
    "{": _repeated,
    **dict.fromkeys("([", _group),
    **dict.fromkeys("?*+.^$", _anything),
}
