"""A command whose arguments are a query: what begins with one minus excludes, and several arguments are one query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, override

from typer.core import TyperCommand, TyperOption

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: `-service:sharepoint`, `-"a phrase"`, `-kim`; not `-x` or `--failed`.
_EXCLUSION: Final = re.compile(r"-[^-].")
#: All that follows it is no option.
_END_OF_OPTIONS: Final = "--"


class QueryCommand(TyperCommand):
    """`aoc search -service:sharepoint mara`: these commands have no options of one letter."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with_value = {
            name
            for option in self.params
            if isinstance(option, TyperOption) and not option.is_flag
            for name in (*option.opts, *option.secondary_opts)
        }
        options, query = _parted(args, with_value)
        return super().parse_args(ctx, [*options, _END_OF_OPTIONS, " ".join(query)] if query else options)


def _parted(args: Sequence[str], with_value: Collection[str]) -> tuple[list[str], list[str]]:
    """The options, each with its value, and the parts of the query."""
    options: list[str] = []
    query: list[str] = []
    awaits_value = False
    for position, argument in enumerate(args):
        if awaits_value:
            options.append(argument)
            awaits_value = False
        elif argument == _END_OF_OPTIONS:
            query += args[position + 1 :]
            break
        elif argument.startswith("-") and not _EXCLUSION.match(argument):
            options.append(argument)
            awaits_value = argument in with_value
        else:
            query.append(argument)
    # Without its value the last option is an error, for which nothing else must be taken.
    return options, [] if awaits_value else query
