"""`aoc login` signs a terminal in through a browser, at a stack whose provider is the simulator."""

from __future__ import annotations

import json
import re
import stat
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from aoc_cli.local.ports import free_port
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gateway(module_aoc) -> Iterator[str]:
    port = free_port()
    arguments = ["--data", module_aoc.root / "data", "--port", str(port), "--nats-port", str(free_port())]
    running = module_aoc.start("up", *arguments, "--events", "20", "--rate", "0")
    running.says("AOC is up")
    yield f"http://127.0.0.1:{port}"
    running.end()


@pytest.fixture
def terminal(module_aoc, gateway, tmp_path):
    """Commands of somebody who has no more than the gateway's address."""
    settings = {"XDG_CONFIG_HOME": str(tmp_path), "AOC_GATEWAY__URL": gateway, "AOC_ROOT": str(tmp_path)}
    module_aoc.env.update(settings)
    yield module_aoc
    for name in settings:
        del module_aoc.env[name]


def address(running) -> str:
    """The address that a login prints."""

    def printed() -> re.Match[str] | None:
        assert running.process.poll() is None, running.log.read_text()
        return re.search(r"^http\S+$", running.log.read_text(), re.MULTILINE)

    found = until(printed, 60)
    assert found is not None
    return found.group()


def chosen(page: str) -> str:
    """Sign in as the first person of a page; where the browser is sent back to."""
    accounts = re.findall(r'name="account" value="([^"]+)"', httpx.get(page).text)
    return httpx.post(page, data={"account": accounts[0]}).headers["location"]


def test_a_terminal_signs_in_and_out_and_its_tokens_are_its_owners_alone(terminal, gateway, tmp_path) -> None:
    login = terminal.start("login", "--no-browser")
    page = address(login)
    back = chosen(page)
    # Whoever else finds the port, or sends another answer, ends nothing.
    forged = [httpx.get(back.replace("state=", "state=x")), httpx.get(back.partition("?")[0])]
    done = httpx.get(back)
    status = login.process.wait(60)
    file = tmp_path / "aoc" / "logins.json"
    whoami = terminal.run("whoami", "--json")
    token = terminal.run("token").stdout.strip()
    held = json.loads(file.read_text())["logins"][gateway]

    assert [answer.status_code for answer in forged] == [400, 400]
    assert (done.status_code, status) == (200, 0)
    assert "signed in at" in login.log.read_text()
    assert "code_challenge_method=S256" in page
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert (json.loads(whoami.stdout)["means"], token) == ("token", held["access_token"])
    assert held["access_token"] not in login.log.read_text()

    file.write_text(file.read_text().replace(str(held["ends_at"]), "0.0"))
    assert terminal.run("whoami").returncode == 0
    assert json.loads(file.read_text())["logins"][gateway]["ends_at"] > time.time()

    file.chmod(0o640)
    exposed = terminal.run("whoami")
    assert (exposed.returncode, "others may read it" in exposed.stderr) == (2, True)
    file.chmod(0o600)

    out = terminal.run("logout")
    after = terminal.run("whoami")
    assert (out.returncode, after.returncode) == (0, 2)
    assert "not signed in: aoc login" in after.stderr
    assert held["access_token"] not in file.read_text()


def test_whoever_signs_in_beside_a_stack_that_runs_is_told_how_to_be_who_he_is_there(
    module_aoc, gateway, tmp_path
) -> None:
    module_aoc.env["XDG_CONFIG_HOME"] = str(tmp_path)
    try:
        login = module_aoc.start("login", "--no-browser")
        httpx.get(chosen(address(login)))
        status = login.process.wait(60)
        key = module_aoc.run("whoami", "--json")
        module_aoc.env["AOC_GATEWAY__URL"] = gateway
        person = module_aoc.run("whoami", "--json")
    finally:
        for name in ("XDG_CONFIG_HOME", "AOC_GATEWAY__URL"):
            module_aoc.env.pop(name, None)

    assert (status, f"export AOC_GATEWAY__URL={gateway}" in login.log.read_text()) == (0, True)
    assert [json.loads(one.stdout)["means"] for one in (key, person)] == ["api-key", "token"]


def test_a_key_of_the_environment_is_shown_to_its_gateway(terminal, module_aoc, gateway, tmp_path) -> None:
    key = (module_aoc.root / "data" / "secrets" / "api-key").read_text()
    (tmp_path / "key").write_text(key)
    module_aoc.env["AOC_GATEWAY__API_KEY"] = f"file:{tmp_path / 'key'}"
    try:
        known = terminal.run("whoami", "--json")
        (tmp_path / "key").write_text(key[:-1] + ("0" if key[-1] != "0" else "1"))
        unknown = terminal.run("whoami")
    finally:
        del module_aoc.env["AOC_GATEWAY__API_KEY"]

    assert json.loads(known.stdout)["means"] == "api-key"
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert key not in unknown.stderr


@pytest.mark.parametrize("wrong", ["http://aoc.example", "aoc.example", "https://aoc.example/api", "ftp://aoc.example"])
def test_an_address_that_is_none_or_not_encrypted_is_refused_in_one_line(aoc, wrong) -> None:
    refused = aoc.run("login", wrong)

    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith(f"aoc: {wrong}: must be ")
