"""`python -m mutated MODULE [ARGUMENT...]`: run a module with one mutation of the product, named by AOC_MUTANT.

One module's source is changed as it is loaded, in memory: no file changes, and nothing that is shipped knows of this.
The services that `aoc verify` starts are started the same way, so that they have the mutation too.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import TYPE_CHECKING, Any

from mutations import MUTATIONS  # type: ignore[import-not-found]  # beside this file, on PYTHONPATH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

    from mutation import Mutation  # type: ignore[import-not-found]  # the same


class Loader(SourceFileLoader):
    """Loads a module's source with the mutation in it; never from, or into, a cache."""

    def __init__(self, mutation: Mutation, path: str) -> None:
        super().__init__(mutation.module, path)
        self._mutation = mutation

    def get_code(self, fullname: str) -> CodeType:
        """The code of the changed source. Raises ValueError when the mutation does not fit it."""
        path = self.get_filename(fullname)
        source = self.get_data(path).decode("utf-8")
        return compile(self._mutation.applied(source), path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    """Finds the mutated module before anybody else does."""

    def __init__(self, mutation: Mutation) -> None:
        self._mutation = mutation

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec with the loader above; None for every other module."""
        if fullname != self._mutation.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(self._mutation, spec.origin)
        return spec


def _services_too() -> None:
    """Let `aoc verify` start its services through this module."""
    from aoc_cli.local import servers

    plain = servers.service

    def service(*arguments: Any, launcher: Sequence[str] = (), **named: Any) -> Any:
        return plain(*arguments, launcher=("mutated", *launcher), **named)

    servers.service = service


def main() -> None:
    """Run the module, as `python -m` would."""
    _, module, *arguments = sys.argv
    # There may be none: the same way without a mutation.
    if (mutation := MUTATIONS.get(os.environ["AOC_MUTANT"])) is not None:
        sys.meta_path.insert(0, Finder(mutation))
    sys.argv = [module, *arguments]
    if module != "aoc_cli.main":
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    _services_too()
    from aoc_cli.main import main as aoc

    aoc()


if __name__ == "__main__":
    main()
