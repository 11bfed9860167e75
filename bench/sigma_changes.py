"""What can be changed in the rule engine, one place at a time, and how a change is made in a running process."""

from __future__ import annotations

import __future__  # isort: skip
import ast
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from sigma_equal import EQUAL  # type: ignore[import-not-found]  # beside this file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PACKAGE: Final = "aoc_rules.sigma"
ENGINE: Final = Path(__file__).parents[1] / "libs" / "aoc_rules" / "aoc_rules" / "sigma"
_SWAPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_CALLS: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
#: What of a class is a value of its own, and not made with it.
_VALUES: Final = (bool, int, str, tuple, frozenset)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One place of a module: the node's number among those that can be changed, and what changes.

    `within` is the function or method that it is in; empty for what a module or class says when it is made.
    """

    module: str
    number: int
    line: int
    what: str
    place: str
    within: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.what}: {self.place}"

    @property
    def key(self) -> str:
        """What tells it from all others of the same engine."""
        return f"{self.module}:{self.line} #{self.number} {self.what}"

    @property
    def equal(self) -> bool:
        """Whether it is known to change nothing that a test could notice."""
        return f"{self.module}: {self.what}: {self.place}" in EQUAL


class _Changer(ast.NodeTransformer):
    """Finds what can be changed; changes the one with a number."""

    def __init__(self, chosen: int | None = None) -> None:
        self.found: list[tuple[ast.AST, str, str]] = []
        self._chosen = chosen
        self._classes: list[str] = []
        self._function = ""

    def _may(self, node: ast.AST, what: str) -> bool:
        self.found.append((node, what, self._function))
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
        outer, kept, node.decorator_list = self._function, node.decorator_list, []
        self._function = outer or ".".join([*self._classes, node.name])
        self.generic_visit(node)
        self._function, node.decorator_list = outer, kept
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """How a class is made (frozen, with slots) is nothing that a test could see."""
        self._classes.append(node.name)
        node.body = [self.visit(one) for one in node.body]
        self._classes.pop()
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Annotations mean nothing when it runs."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def modules() -> list[str]:
    """The engine's modules."""
    return sorted(file.stem for file in ENGINE.glob("*.py") if file.stem != "__init__")


def mutants(module: str) -> Iterator[Mutant]:
    """Everything that can be changed in a module."""
    # Each is told as it is before any is changed: the changer replaces no node that it was not told to.
    changer, lines = _Changer(), (ENGINE / f"{module}.py").read_text("utf-8").splitlines()
    changer.visit(_parsed(module))
    for number, (node, what, within) in enumerate(changer.found):
        line = getattr(node, "lineno", 0)
        constant = isinstance(node, ast.Constant)  # which says little of itself
        place = f"{ast.unparse(node)} in {lines[line - 1].strip()}" if constant else ast.unparse(node)
        yield Mutant(module, number, line, what, place.splitlines()[0][:64], within)


def _parsed(module: str) -> ast.Module:
    return ast.parse((ENGINE / f"{module}.py").read_text("utf-8"))


def constants(mutant: Mutant) -> list[str]:
    """The names that a mutant gives another value; none for one in a function or class."""
    statement = _statement(_parsed(mutant.module), mutant)
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _statement(tree: ast.Module, mutant: Mutant) -> ast.stmt:
    return next(one for one in tree.body if one.lineno <= mutant.line <= (one.end_lineno or one.lineno))


def holders(name: str, value: object) -> set[ModuleType]:
    """The engine's modules that have something, a constant or another module, under its name."""
    loaded = [module for path, module in sys.modules.items() if path.startswith(PACKAGE + ".")]
    return {module for module in loaded if name in vars(module) and vars(module)[name] is value}


def apply(mutant: Mutant) -> None:
    """Make a mutant of the loaded engine: its functions get other code, its constants another value."""
    module = importlib.import_module(f"{PACKAGE}.{mutant.module}")
    names = constants(mutant)
    statement = _statement(_Changer(mutant.number).visit(_parsed(mutant.module)), mutant)
    tree = ast.fix_missing_locations(ast.Module([statement], []))
    flags = __future__.annotations.compiler_flag
    made = {**vars(module)}
    exec(compile(tree, str(ENGINE / f"{mutant.module}.py"), "exec", flags, dont_inherit=True), made)
    for name in names:
        old = vars(module)[name]
        for holder in holders(name, old):
            setattr(holder, name, made[name])
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        _take_over(vars(module)[statement.name], made[statement.name])


def _take_over(old: Any, new: Any) -> None:
    """Give a function or class what another one has; whoever refers to it then has that."""
    old, new = _unwrapped(old), _unwrapped(new)
    if isinstance(old, FunctionType):
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    elif isinstance(old, type):
        for name in vars(old).keys() & vars(new).keys() - {"__doc__", "__module__", "__slots__"}:
            one, other = vars(old)[name], vars(new)[name]
            if type(one) in _VALUES and one != other:
                setattr(old, name, other)
            elif _is_made_of_code(one):
                _take_over(one, other)


def _is_made_of_code(value: object) -> bool:
    return isinstance(value, FunctionType | property | classmethod | staticmethod) or hasattr(value, "__wrapped__")


def _unwrapped(value: Any) -> Any:
    """The function of a property, a method of a class, or one that remembers."""
    for name in ("fget", "__func__", "__wrapped__"):
        value = getattr(value, name, None) or value
    return value
