"""Commands for those who work on AOC: test, lint, bench, fuzz, docs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from aoc_cli.local.stack import refuse_servers, root
from aoc_cli.terminal import err, out
from aoc_common.errors import BadConfiguration

#: Tests wait for servers more than they compute.
_WORKERS_PER_CORE: Final = 2


def run_tests(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also the slow tests: what CI runs.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="Measure branches too; services included.")] = False,
) -> None:
    """Run the tests on real servers: those of the fast lane, or with `--all` every one.

    Other arguments go to pytest (-x, --durations 20, ...). Whoever names tests (paths, -k, -m) gets what they name.
    """
    arguments = list(context.args)
    few = any(argument.startswith("-k") or (_root() / argument.partition("::")[0]).exists() for argument in arguments)
    if not few and not any(argument.startswith("-n") for argument in arguments):
        workers = _WORKERS_PER_CORE * len(os.sched_getaffinity(0))
        arguments = ["-n", str(workers), "--dist", "worksteal", *arguments]
    if not few and not everything and not any(argument.startswith("-m") for argument in arguments):
        arguments = ["-m", "not slow", *arguments]
    sys.exit(_covered(arguments) if coverage else _run("pytest", *arguments))


def lint(fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False) -> None:
    """Check format, style, types, import rules, generated references and locks."""
    checks = {
        "format": ("ruff", "format", ".") if fix else ("ruff", "format", "--check", "."),
        "style": ("ruff", "check", "--fix", ".") if fix else ("ruff", "check", "."),
        "types": ("mypy",),
        "imports": ("lint-imports",),
    }
    failed = [name for name, command in checks.items() if not _passed(name, command)]
    if not _docs_current(fix=fix):
        failed.append("docs")
    if subprocess.call([str(_root() / "aoc"), "lock", *([] if fix else ["--check"])]) != 0:
        failed.append("lock")
    if failed:
        err.print(f"[red]failed:[/] {', '.join(failed)}")
        sys.exit(1)
    out.print("[green]clean[/]")


def docs() -> None:
    """Write the generated references in docs/reference."""
    from aoc_cli.reference import write

    for path in write(_root()):
        out.print(str(path.relative_to(_root())))


def bench(
    records: Annotated[int, typer.Option(min=1000, help="Records of each measurement.")] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure publishing, storing, normalising and the whole way, each against its limit in the same run."""
    refuse_servers("a bench fills those that it runs on")
    arguments = ["--records", str(records), *(["--json"] if as_json else [])]
    sys.exit(subprocess.call([sys.executable, str(_root() / "bench" / "run.py"), *arguments]))


def fuzz(context: typer.Context) -> None:
    """Fuzz the normalizer, guided by coverage; arguments go to bench/fuzz.py: ./aoc fuzz --minutes 30."""
    sys.exit(subprocess.call([sys.executable, str(_root() / "bench" / "fuzz.py"), *context.args]))


def _docs_current(*, fix: bool) -> bool:
    from aoc_cli.reference import stale, write

    pages = write(_root()) if fix else stale(_root())
    if pages and not fix:
        err.print("docs: not current, run ./aoc docs: " + ", ".join(str(path.relative_to(_root())) for path in pages))
        return False
    return True


def _covered(arguments: list[str]) -> int:
    """Run pytest with every process under coverage, then show what of each file of the product ran."""
    _run("coverage", "erase")
    status = _run("coverage", "run", "-m", "pytest", *arguments)
    _run("coverage", "combine", "--quiet")
    _run("coverage", "report")
    _run("coverage", "html", "--quiet")
    return status


def _passed(name: str, command: tuple[str, ...]) -> bool:
    status = _run(*command)
    if status != 0:
        err.print(f"[red]{name}: failed[/]")
    return status == 0


def _run(program: str, *arguments: str) -> int:
    binary = Path(sys.executable).with_name(program)
    if not binary.exists():
        raise BadConfiguration(f"{program} is not installed: this command belongs to a development checkout")
    return subprocess.call([str(binary), *arguments], cwd=_root())


def _root() -> Path:
    checkout = root()
    if not (checkout / "pyproject.toml").exists():
        raise BadConfiguration("run this from a checkout, as ./aoc")
    return checkout
