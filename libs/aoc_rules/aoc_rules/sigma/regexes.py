"""Regular expressions by RE2: time linear in the text, memory bounded, whatever a rule says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, Protocol

import re2
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine

from aoc_rules.sigma import bounds

_FLAGS: Final = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}


class Compiled(Protocol):
    """What is used of a compiled expression."""

    def search(self, text: str) -> Any:
        """A match anywhere in the text, or None."""

    def fullmatch(self, text: str) -> Any:
        """A match of the whole text, or None."""


class RegexError(ValueError):
    """An expression that is too long, or that RE2 does not take."""


def _options() -> Any:
    options = re2.Options()
    options.max_mem = bounds.REGEX_BYTES
    options.log_errors = False
    return options


_OPTIONS: Final = _options()


@lru_cache(4096)
def compiled(pattern: str) -> Compiled:
    """An expression with its flags in front, as `(?i)`. Raises `RegexError`."""
    if len(pattern) > bounds.REGEX_LENGTH:
        raise RegexError(
            f"a regular expression of {len(pattern):,} characters; at most {bounds.REGEX_LENGTH:,} are taken"
        )
    try:
        made: Compiled = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        said = error.args[0] if error.args else error
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise RegexError(
            f"RE2 does not take the regular expression {pattern[:200]!r}: {reason}"
            " (it has no look-around and no back-references)"
        ) from None
    except UnicodeEncodeError:
        raise RegexError("a regular expression with half a character (a lone surrogate)") from None
    return made


def found(expression: Compiled, text: str) -> bool:
    """Whether the expression matches somewhere in the text, which may have half characters."""
    try:
        return expression.search(text) is not None
    except UnicodeEncodeError:
        return expression.search(text.encode("utf-8", "replace").decode()) is not None


def whole(expression: Compiled, text: str) -> bool:
    """Whether the expression matches the whole text, which may have half characters."""
    try:
        return expression.fullmatch(text) is not None
    except UnicodeEncodeError:
        return expression.fullmatch(text.encode("utf-8", "replace").decode()) is not None


class _Bounded(RegexEngine):
    """The same for pySigma, which compiles expressions to check them."""

    def compile(self, pattern: str, flags: int = 0) -> Any:
        """See the base class. Raises `RegexError`."""
        letters = "".join(letter for flag, letter in _FLAGS.items() if flags & flag)
        return compiled(f"(?{letters}){pattern}" if letters else pattern)

    @property
    def error(self) -> type[Exception]:
        """What `compile` raises."""
        return RegexError


#: How pySigma reads rules here.
POLICY: Final = SigmaPolicy(regex_engine=_Bounded())


def escaped(text: str) -> str:
    """An expression that matches just this text."""
    made: str = re2.escape(text)
    return made
