"""Which small faults of the rule engine its tests notice.

    python bench/sigma_mutants.py --list                    what there is to change, by module
    python bench/sigma_mutants.py --minutes 10              in random order, until the time is over; then a table
    python bench/sigma_mutants.py --module conditions nodes

A mutant is the engine with one place changed in memory: a comparison, `and` for `or`, a `not` left out, a branch
taken the other way, `any` for `all`, True for False, a number that is one more. Each runs in a process of its own, a
fork of this one, in which everything but the engine is loaded already; the first test that fails has noticed it, as has
one that takes too long. Exit status 1 if something survives that is not known to change nothing (`EQUAL`).
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import os
import sys
import time
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, ModuleType

_ROOT: Final = Path(__file__).parents[1]
_PACKAGE: Final = "aoc_alerter.sigma"
_ENGINE: Final = _ROOT / "services" / "alerter" / "aoc_alerter" / "sigma"
#: The tests, those first that see most.
_TESTS: Final = tuple(
    f"tests/unit/alerter/test_sigma_{name}.py"
    for name in ("modifiers", "conditions", "fields", "faults", "lint", "sources", "index", "pim")
)
#: What is loaded before the engine, so that a mutant does not pay for it.
_LOADED: Final = ("hypothesis", "orjson", "pytest", "re2", "sigma.collection", "yaml", "aoc_normalizer.normalise")
#: Seconds that one may take: those that never end are noticed by that.
_TOO_LONG_S: Final = 90
_SWAPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_CALLS: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
#: Mutants that mean the same, or only take longer: text of the place and of the change -> why nobody can notice.
EQUAL: Final[dict[tuple[str, str], str]] = {}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One place of a module: the node's number among those that can be changed, and what changes."""

    module: str
    number: int
    line: int
    what: str
    place: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.what}: {self.place}"


class _Changer(ast.NodeTransformer):
    """Finds what can be changed; changes the one with a number."""

    def __init__(self, chosen: int | None = None) -> None:
        self.found: list[tuple[ast.AST, str]] = []
        self._chosen = chosen

    def _may(self, node: ast.AST, what: str) -> bool:
        self.found.append((node, what))
        return len(self.found) - 1 == self._chosen

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Another comparison."""
        self.generic_visit(node)
        for place, operator in enumerate(node.ops):
            other = _SWAPPED[type(operator)]
            if self._may(node, f"{type(operator).__name__} is {other.__name__}"):
                node.ops[place] = other()
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """`and` for `or`, and the other way round."""
        self.generic_visit(node)
        if self._may(node, "and is or" if isinstance(node.op, ast.And) else "or is and"):
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """A `not` left out."""
        self.generic_visit(node)
        return node.operand if isinstance(node.op, ast.Not) and self._may(node, "not is left out") else node

    def visit_If(self, node: ast.If) -> ast.AST:
        """A branch is taken always, or never."""
        self.generic_visit(node)
        for value in (True, False):
            if not _is_type_checking(node.test) and self._may(node, f"if is {value}"):
                node.test = ast.copy_location(ast.Constant(value), node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """The other of two values."""
        self.generic_visit(node)
        if self._may(node, "the other value"):
            node.body, node.orelse = node.orelse, node.body
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`any` for `all`, `min` for `max`."""
        self.generic_visit(node)
        name = node.func
        if isinstance(name, ast.Name) and name.id in _CALLS and self._may(node, f"{name.id} is {_CALLS[name.id]}"):
            node.func = ast.copy_location(ast.Name(_CALLS[name.id], ast.Load()), name)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """True for False; one more."""
        if isinstance(node.value, bool):
            return ast.copy_location(ast.Constant(not node.value), node) if self._may(node, "not that") else node
        if isinstance(node.value, int) and self._may(node, "one more"):
            return ast.copy_location(ast.Constant(node.value + 1), node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """How a class is made (frozen, with slots) is nothing that a test could see."""
        node.body = [self.visit(one) for one in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Annotations mean nothing when it runs."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def mutants(module: str) -> Iterator[Mutant]:
    """Everything that can be changed in a module."""
    tree = ast.parse((_ENGINE / f"{module}.py").read_text("utf-8"))
    changer = _Changer()
    changer.visit(copy.deepcopy(tree))
    for number, (node, what) in enumerate(changer.found):
        yield Mutant(module, number, getattr(node, "lineno", 0), what, ast.unparse(node).splitlines()[0][:100])


class _Loader(SourceFileLoader):
    """Loads a module's source with the change in it; never from, or into, a cache."""

    def __init__(self, mutant: Mutant, path: str) -> None:
        super().__init__(f"{_PACKAGE}.{mutant.module}", path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """The code of the changed source."""
        path = self.get_filename(fullname)
        tree = _Changer(self._mutant.number).visit(ast.parse(self.get_data(path)))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds the changed module before anybody else does."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec with the loader above; None for every other module."""
        if fullname != f"{_PACKAGE}.{self._mutant.module}":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(self._mutant, spec.origin)
        return spec


def noticed(mutant: Mutant | None) -> bool:
    """Run the tests in a fork of this process. None: without a change."""
    child = os.fork()
    if child == 0:
        _run_tests(mutant)
    ends = time.monotonic() + _TOO_LONG_S
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return True


def _run_tests(mutant: Mutant | None) -> None:
    """In the child: never returns."""
    status = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant))
        import pytest

        # What is loaded here already cannot be rewritten there, and need not be.
        quiet = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
        chosen = ("-m", "not slow", "-k", "not no_rule_that_matches")
        status = int(pytest.main([*quiet, *chosen, *_TESTS]))
    finally:
        os._exit(status)


def _chosen(options: argparse.Namespace) -> list[Mutant]:
    modules = options.module or sorted(file.stem for file in _ENGINE.glob("*.py") if file.stem != "__init__")
    every = [mutant for module in modules for mutant in mutants(module)]
    Random(options.seed).shuffle(every)
    return every


def main() -> None:
    """Try them and tell which survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", nargs="+", metavar="NAME", help="of these modules")
    parser.add_argument("--minutes", type=float, default=10, help="how long new ones are begun")
    parser.add_argument("--seed", default="0", help="of the order in which they are tried")
    parser.add_argument("--list", action="store_true", help="name them all")
    options = parser.parse_args()
    every = _chosen(options)
    if options.list:
        print("\n".join(map(str, sorted(every, key=lambda one: (one.module, one.number)))))
        return
    os.chdir(_ROOT)
    for name in _LOADED:
        importlib.import_module(name)
    if noticed(None):
        raise SystemExit("without any change, the tests fail")
    ends, tried, survivors = time.monotonic() + 60 * options.minutes, 0, []
    for mutant in every:
        if time.monotonic() > ends:
            break
        tried += 1
        if not noticed(mutant):
            survivors.append(mutant)
            print(f"survives: {mutant}", flush=True)
    unexplained = [one for one in survivors if (one.place, one.what) not in EQUAL]
    print(f"{tried} of {len(every)} mutants tried: {tried - len(survivors)} noticed, {len(survivors)} survive,")
    print(f"of which {len(survivors) - len(unexplained)} are known to change nothing that anybody sees")
    raise SystemExit(bool(unexplained))


if __name__ == "__main__":
    main()
