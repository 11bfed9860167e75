"""Which small faults of the rule engine its tests notice.

    python bench/sigma_mutants.py --list                    what there is to change
    python bench/sigma_mutants.py --minutes 10              in random order, until the time is over
    python bench/sigma_mutants.py --module conditions nodes

A mutant is the engine with one place changed in memory: a comparison, `and` for `or`, a `not` left out, a branch taken
the other way, `any` for `all`, True for False, a number that is one more. The tests are collected once; each mutant
runs in a fork of that process, in which the changed functions have taken the place of the loaded ones. The first test
that fails has noticed it, as has taking too long. Exit status 1 if one survives that is not known to change nothing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

_ROOT: Final = Path(__file__).parents[1]
_PACKAGE: Final = "aoc_rules.sigma"
_ENGINE: Final = _ROOT / "libs" / "aoc_rules" / "aoc_rules" / "sigma"
#: The tests, those first that see most.
_TESTS: Final = tuple(
    f"tests/unit/alerter/test_sigma_{name}.py"
    for name in ("modifiers", "conditions", "fields", "lists", "faults", "lint", "sources", "index", "pim")
)
#: Not those that try many sets of rules, or measure.
_FAST: Final = "not no_rule_that_matches and not ten_thousand and not whatever_an_expression"
#: Seconds that one may take: those that never end are noticed by that.
_TOO_LONG_S: Final = 120
_SWAPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_CALLS: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
_SLOWER: Final = "only takes longer"
#: Mutants that no test could notice, as `module: what: place` -> why.
EQUAL: Final = {
    "aliases: one more: 3": "how many incidents of an alert are looked at",
    "aliases: one more: 100": "how many pairs are looked at",
    "conditions: if is False: if isinstance(part, ConditionFieldEqualsValueExpression):": _SLOWER,
    "conditions: if is False: if isinstance(part, ConditionValueExpression):": _SLOWER,
    "conditions: Is is IsNot: one.cased is cased": "the same two groups, in the other order",
    "conditions: if is False: if not isinstance(value, SigmaString):": "pySigma has no other kinds of values",
    "conditions: if is True: if texts:": _SLOWER,
    "conditions: one more: 1": "a wildcard too many before a keyword, which " + _SLOWER,
    "fields: not that: False": "what a table shows of itself",
    "fields: one more: 1": "fields are numbered from two on",
    "index: if is False: if isinstance(value, str):": _SLOWER,
    "index: if is False: if key is not None:": _SLOWER,
    "index: GtE is Gt: len(self._asked_of) >= _SHAPES": "how much is remembered",
    "index: if is True: if record.values(field).exists:": _SLOWER,
    "index: if is True: if shape.kept:": "how much is remembered",
    "index: the other value: text_at(roots[root][name], rest) if rest else roots[root][name]": _SLOWER,
    "lint: one more: 1": "how many names come near, of which the first is shown",
    "index: if is True: if len(self._asked_of) >= _SHAPES:": _SLOWER,
    "literals: GtE is Gt: end >= 0": "what closes a brace stands behind it",
    "literals: if is False: if at + 1 >= len(pattern):": "RE2 takes no expression that ends so",
    "literals: GtE is Gt: at + 1 >= len(pattern)": "RE2 takes no expression that ends so",
    "literals: Lt is LtE: at < 0": "no bracket ends where an expression begins",
    "literals: Lt is LtE: at < len(pattern)": "RE2 takes no bracket without an end",
    "literals: if is False: if at < 0:": "RE2 takes no bracket without an end",
    "literals: if is False: if at == 0:": "RE2 takes no class without an end",
    "log_sources: one more: 0": "the class of an event without one, which there is not",
    "moments: one more: 0": "seconds that a text does not have, which no modifier asks for",
    "moments: Gt is GtE: len(text) > _LONGEST": "no moment has so many characters",
    "moments: if is False: if len(text) > _LONGEST:": "no moment has so many characters",
    "moments: one more: 40": "no moment has so many characters",
    "named_lists: one more: 256": "how much a list remembers",
    "named_lists: if is True: if known is None:": _SLOWER,
    "named_lists: if is True: if key not in self._expressions:": _SLOWER,
    "named_lists: if is True: if len(self._forms) >= _FORMS:": _SLOWER,
    "named_lists: if is True: if len(self._expressions) >= _FORMS:": _SLOWER,
    "networks: one more: 64": "no address has so many characters",
    "patterns: max is min: max((part for part in kept if isinstance(part, str)), key=len, default='')": _SLOWER,
    "patterns: if is False: if self.kind is Kind.WHOLE or self.kind is Kind.START:": _SLOWER,
    "patterns: if is False: if part == ANY and made and (made[-1] == ANY):": _SLOWER,
    "patterns: Eq is NotEq: self.text == text": "whole texts are looked up in a set, and not tried",
    "record: if is True: if known is None:": _SLOWER,
    "reading: if is False: if tree is None:": "pySigma makes none of what it takes",
    "reading: one more: 2": "how much of an error is shown",
    "record: LtE is Lt: len(value) <= KEYS_REMEMBERED": "how much is remembered",
    "record: if is False: if text is not None:": _SLOWER,
    "record: if is True: if not isinstance(value, dict) or spelt not in value:": _SLOWER,
    "record: if is True: if self._folded_containers is None:": _SLOWER,
    "regexes: the other value: f'(?{letters}){pattern}' if letters else pattern": "pySigma checks by it, and no more",
    "regexes: not that: False": "RE2 writes its errors to the log as well",
    "regexes: one more: 0": "pySigma always says which flags",
    "regexes: one more: 200": "how much of an expression is shown",
    "requirements: Is is IsNot: mark.sort is Sort.WHOLE": _SLOWER,
    "requirements: not is left out: not known": _SLOWER,
    "requirements: the other value: _PART_SHARE if len(mark.text) > _SHORT else _COMMON_SHARE": _SLOWER,
    "rule: not that: False": "what a rule shows of itself",
    "ruleset: if is True: if record is None:": _SLOWER,
    "shapes: LtE is Lt: max(map(len, keys)) <= KEYS_REMEMBERED": "how much is remembered",
    "shapes: if is False: if max(map(len, keys)) <= KEYS_REMEMBERED:": _SLOWER,
    "shapes: if is False: if len(self._plans) >= _PLANS:": "how much is remembered",
    "shapes: if is True: if len(self._plans) >= _PLANS:": _SLOWER,
    "shapes: max is min: max(map(len, keys))": "how much is remembered",
    "shapes: if is True: if known is None:": _SLOWER,
    "shapes: one more: 0": "the root of what is computed, which has none",
    "yaml_documents: not that: False": "YAML says itself how deep a map is made",
    "text_sets: GtE is Gt: len(parts) >= _MANY": _SLOWER,
    "text_sets: if is False: if len(parts) >= _MANY:": _SLOWER,
    "text_sets: if is True: if self.containers:": _SLOWER,
    "text_sets: one more: 12": _SLOWER,
    "text_sets: not is left out: not one.text": "an empty part is a pattern of another kind before",
}


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

    @property
    def equal(self) -> bool:
        """Whether it is known to change nothing that a test could notice."""
        return f"{self.module}: {self.what}: {self.place}" in EQUAL


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

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """How much a function remembers is nothing that a test could see."""
        kept, node.decorator_list = node.decorator_list, []
        self.generic_visit(node)
        node.decorator_list = kept
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


def apply(mutant: Mutant) -> None:
    """Put a mutant's functions and constants in the place of those that are loaded."""
    module = sys.modules[f"{_PACKAGE}.{mutant.module}"]
    path = _ENGINE / f"{mutant.module}.py"
    tree = ast.fix_missing_locations(_Changer(mutant.number).visit(ast.parse(path.read_text("utf-8"))))
    changed = compile(tree, str(path), "exec", dont_inherit=True)
    codes = {code.co_qualname: code for code in _codes(changed)}
    for function in _functions(module):
        code = codes.get(function.__code__.co_qualname)
        if code is not None and len(code.co_freevars) == len(function.__code__.co_freevars):
            function.__code__ = code
    names = {**vars(module)}
    exec(changed, names)
    for name, value in names.items():
        if isinstance(value, int | str | frozenset | tuple) and vars(module).get(name) != value:
            setattr(module, name, value)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods that a module defines, out of their wrappers."""
    pending: list[Any] = [value for value in vars(module).values() if _module_of(value) == module.__name__]
    while pending:
        one = pending.pop()
        one = getattr(one, "fget", None) or getattr(one, "__func__", None) or getattr(one, "__wrapped__", None) or one
        if isinstance(one, FunctionType):
            yield one
        elif isinstance(one, type):
            pending.extend(filter(_is_wrapped, vars(one).values()))


def _module_of(value: Any) -> str:
    return str(getattr(value, "__module__", ""))


def _is_wrapped(value: Any) -> bool:
    return isinstance(value, FunctionType | property | classmethod | staticmethod) or hasattr(value, "__wrapped__")


class Trial:
    """A plugin of pytest: instead of running the collected tests once, it runs them once for each mutant."""

    def __init__(self, every: Sequence[Mutant], minutes: float) -> None:
        self._every = every
        self._ends = time.monotonic() + 60 * minutes
        self._shown = os.dup(2)  # pytest takes what is written
        self.tried = 0
        self.survivors: list[Mutant] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """The loop over the mutants. Raises SystemExit where the tests fail without one."""
        if _noticed(session, None):
            raise SystemExit("without any change, the tests fail")
        for mutant in self._every:
            if time.monotonic() > self._ends:
                break
            self.tried += 1
            if not _noticed(session, mutant):
                self.survivors.append(mutant)
                if not mutant.equal:
                    os.write(self._shown, f"survives: {mutant}\n".encode())
        return True


def _noticed(session: pytest.Session, mutant: Mutant | None) -> bool:
    child = os.fork()
    if child == 0:
        _run_tests(session, mutant)
    ends = time.monotonic() + _TOO_LONG_S
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _run_tests(session: pytest.Session, mutant: Mutant | None) -> None:
    """In the child: never returns."""
    status = 1
    try:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        session.config.pluginmanager.unregister(reporter)
        if mutant is not None:
            apply(mutant)
        following = [*session.items[1:], None]
        for item, nextitem in zip(session.items, following, strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            if session.testsfailed:
                break
        status = int(bool(session.testsfailed))
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
    trial = Trial(every, options.minutes)
    quiet = ("-q", "-n0", "-p", "no:cacheprovider", "-m", "not slow", "-k", _FAST)
    if pytest.main([*quiet, *_TESTS], plugins=[trial]) not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise SystemExit(2)
    unexplained = [one for one in trial.survivors if not one.equal]
    print(f"{trial.tried} of {len(every)} mutants tried: {trial.tried - len(trial.survivors)} noticed,")
    print(
        f"{len(trial.survivors)} survive, of which {len(trial.survivors) - len(unexplained)} change nothing to be seen"
    )
    raise SystemExit(bool(unexplained))


if __name__ == "__main__":
    main()
