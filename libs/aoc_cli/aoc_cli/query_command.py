"""A command whose argument is a query: what begins with one minus excludes, and is no option."""

from __future__ import annotations

import re
from typing import Any, Final, override

from typer.core import TyperCommand, TyperOption

#: `-service:sharepoint`, `-"a phrase"`, `-kim`; not `-x` or `--failed`.
_EXCLUSION: Final = re.compile(r"-[^-].")


class QueryCommand(TyperCommand):
    """`aoc search -service:sharepoint`: these commands have no options of one letter."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # A blank in front means nothing in a query, and click takes for an option only what begins with a minus.
        with_value = {
            name
            for option in self.params
            if isinstance(option, TyperOption) and not option.is_flag
            for name in (*option.opts, *option.secondary_opts)
        }
        before = ["", *args]
        quoted = [
            f" {argument}" if _EXCLUSION.match(argument) and previous not in with_value else argument
            for previous, argument in zip(before, args, strict=False)
        ]
        return super().parse_args(ctx, quoted)
