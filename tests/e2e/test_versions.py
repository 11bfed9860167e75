"""Whoever reports a fault can say what he runs, and the launcher is found wherever a link to it stands."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aoc_common import roster

ROOT = Path(__file__).parents[2]
MODULES = ("aoc_cli", "aoc_sim", *(service.package for service in roster.SERVICES))


# Another test of this process may have imported what is run here as a program.
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_every_program_tells_its_version_and_does_nothing_else(tmp_path: Path, monkeypatch, capsys) -> None:
    # Without any setting: whoever went on would end with status 2, or serve.
    for name in [name for name in os.environ if name.startswith("AOC_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for module in MODULES:
        monkeypatch.setattr(sys, "argv", [module, "--version"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        shown = capsys.readouterr()

        assert (ended.value.code or 0, shown.err) == (0, ""), module
        assert re.fullmatch(r"aoc(-[a-z]+)? \d+\.\d+\.\d+\n", shown.out), module
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment is ready, and whose `aoc` command shows from where it was started."""
    root = tmp_path / "check out"
    (root / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "aoc", root / "aoc")
    (root / ".python-version").write_text("3.13\n")
    for name in ("all", "bootstrap"):
        (root / "requirements" / f"{name}.lock").touch()
    for member in ("libs/x", "services/x"):
        (root / member).mkdir(parents=True)
        (root / member / "pyproject.toml").touch()
    tools = root / ".venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "python").symlink_to(sys.executable)
    (tools / "aoc").write_text('#!/bin/sh\necho "$AOC_ROOT" "$@"\n')
    (tools / "aoc").chmod(0o755)
    members = "libs/*/pyproject.toml services/*/pyproject.toml"
    stamp = f"(cat .python-version requirements/all.lock {members}; pwd -P) | cksum"
    made = subprocess.run(["/bin/sh", "-c", stamp], cwd=root, capture_output=True, text=True, check=True)
    (root / ".venv" / ".aoc-stamp").write_text(made.stdout.rstrip("\n"))
    return root


@pytest.mark.parametrize("target", ["absolute", "relative", "chain"])
def test_the_launcher_works_through_links(checkout: Path, tmp_path: Path, target: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    link = tools / "aoc"
    if target == "absolute":
        link.symlink_to(checkout / "aoc")
    elif target == "relative":
        link.symlink_to(Path("..") / checkout.name / "aoc")
    else:
        (tools / "first").symlink_to(checkout / "aoc")
        link.symlink_to("first")
    ended = subprocess.run(
        ["/bin/sh", "-c", "aoc search x"],
        env={"PATH": f"{tools}:/usr/bin:/bin"}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ended.stdout, ended.returncode) == (f"{checkout.resolve()} search x\n", 0), ended.stderr
