"""The launcher `./aoc` installs the pinned version of uv, by its hash."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bootstrap(tmp_path: Path):
    """Run the launcher of a checkout where pip is a stand-in that notes what it is asked for: no network."""
    shutil.copy(ROOT / "aoc", tmp_path / "aoc")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    for member in ("libs/x", "services/x"):
        (tmp_path / member).mkdir(parents=True)
        (tmp_path / member / "pyproject.toml").touch()
    (tmp_path / ".python-version").write_text("3.13\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    python = tools / "python3"
    python.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'*"-m venv"*) for last; do :; done; mkdir -p "$last/bin"; printf \'#!/bin/sh\\necho "$@" >>{tmp_path}/asked\\n'
        f'ln -sf /bin/true {tmp_path}/.aoc/uv/bin/uv\\n\' >"$last/bin/pip"; chmod +x "$last/bin/pip" ;;\n'
        '*"sys.executable"*) echo "$0" ;;\n'
        "esac\n"
    )
    python.chmod(0o755)
    for name in ("python3.13", "python3.12"):
        (tools / name).symlink_to(python)

    def run() -> list[str]:
        asked = tmp_path / "asked"
        asked.unlink(missing_ok=True)
        env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        subprocess.run(["/bin/sh", str(tmp_path / "aoc"), "lock"], env=env, check=False, capture_output=True)
        return asked.read_text().splitlines() if asked.exists() else []

    return run


def test_uv_is_pinned_by_version_and_hash() -> None:
    text = (ROOT / "requirements" / "bootstrap.lock").read_text()

    assert re.match(r"uv==\d+\.\d+\.\d+ \\\n", text)
    assert text.count("--hash=sha256:") > 5
    assert "://" not in text


@pytest.mark.skipif(shutil.which("uv", path="/usr/bin:/bin") is not None, reason="there is a uv of the system's own")
def test_the_launcher_installs_uv_as_pinned_and_again_when_the_pin_changes(bootstrap, tmp_path: Path) -> None:
    first, second = bootstrap(), bootstrap()
    with (tmp_path / "requirements" / "bootstrap.lock").open("a") as lock:
        lock.write("\n")
    third = bootstrap()

    assert "--require-hashes -r" in first[0]
    assert first[0].endswith("requirements/bootstrap.lock")
    assert second == []
    assert third == first
