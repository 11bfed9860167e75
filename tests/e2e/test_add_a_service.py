"""docs/howto/add-a-service.md: what stands there becomes a service of a copy of this tree, and runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "add-a-service.md").read_text()
FILES = dict(re.findall(r"\n`(services/\S+)`:.*?\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))
[DIFF] = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this tree with the service of the page in it."""
    copy = tmp_path_factory.mktemp("tree")
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        if (ROOT / name).exists() and not name.startswith("tests/"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for name, text in FILES.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    (copy / "services" / "counter" / "aoc_counter" / "__init__.py").touch()
    for path, removed, added in hunks():
        before = (copy / path).read_text()
        assert before.count(removed) == 1, (path, removed)
        (copy / path).write_text(before.replace(removed, added))
    return copy


def hunks() -> list[tuple[str, str, str]]:
    """Path, what goes and what comes, of every change in the page's diff."""
    parts = []
    for path, body in re.findall(r"\+\+\+ b/(\S+)\n@@\n((?:[-+](?![-+]).*\n)+)", DIFF):
        lines = body.splitlines(keepends=True)
        removed, added = ("".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
        parts.append((path, removed, added))
    return parts


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of the copy, with the packages of the copy."""
    packages = os.pathsep.join(str(path) for path in [*tree.glob("libs/*"), *tree.glob("services/*")])
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AOC_", "PYTEST_", "COV"))}
    env |= {"PYTHONPATH": packages, "AOC_ROOT": str(tree)}
    return subprocess.run([sys.executable, *command], cwd=tree, env=env, capture_output=True, text=True, check=False)


def test_the_page_has_all_files_of_a_service_and_every_change_elsewhere() -> None:
    assert {Path(name).name for name in FILES} == {
        "pyproject.toml", "settings.py", "metrics.py", "flow.py", "app.py", "__main__.py",
    }  # fmt: skip
    assert [path.rpartition("/")[2] for path, _, _ in hunks()] == ["consumers.py", "roster.py"]


def test_the_service_is_in_the_compose_file_the_users_and_the_reference_by_one_command(tree: Path) -> None:
    made = run(tree, "-m", "aoc_cli", "docs")
    compose = YAML(typ="safe").load((tree / "docker-compose.yml").read_text())
    reference = tree / "docs" / "reference"

    assert made.returncode == 0, made.stderr
    assert compose["services"]["counter"]["image"] == "aoc-counter:local"
    server = (tree / "deploy" / "docker" / "nats-server.conf").read_text()
    assert "$JS.API.CONSUMER.MSG.NEXT.AOC_EVENTS.counter" in server
    for page, words in {
        "nats-users.md": "`counter`",
        "settings.md": "AOC_COUNTER_NAMED",
        "metrics.md": "aoc_counter_events_total",
        "services.md": "counts events by operation",
    }.items():
        assert words in (reference / page).read_text(), page


def test_the_service_runs_counts_and_says_what_hinders_it(tree: Path, tmp_path: Path) -> None:
    run(tree, "-m", "aoc_cli", "docs")
    ran = run(tree, str(ROOT / "tests" / "support" / "new_service.py"), "counter", str(tmp_path / "data"))
    assert ran.returncode == 0, ran.stderr[-2000:]

    shown = json.loads(ran.stdout.splitlines()[-1])
    counts = dict(re.findall(r'aoc_counter_events_total\{operation="(\w+)"\} (\S+)', shown["shown"]))
    assert counts == {"a": "2.0", "b": "1.0", "others": "1.0"}
    assert '"events"' in shown["before"]
    assert "as many operations as are counted by name" in shown["after"]
