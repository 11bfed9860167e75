"""`aoc license`: a pair of keys is made, a licence is issued with it, and holds where the public key is trusted."""

from __future__ import annotations

import stat
import sys

import pytest

from aoc_cli.main import main


@pytest.fixture
def license_(monkeypatch, capsys):
    """`license_("show")`: status, stdout and stderr of `aoc license show`."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aoc", "license", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return run


@pytest.mark.parametrize(("days", "status", "state"), [(365, 0, "valid"), (10, 1, "ending")])
def test_a_licence_that_is_issued_holds_where_its_key_is_trusted(
    license_, tmp_path, monkeypatch, days, status, state
) -> None:
    assert license_("keygen", tmp_path / "keys")[0] == 0
    private, public = tmp_path / "keys" / "licence-private.pem", tmp_path / "keys" / "licence-public.pem"
    token = license_("issue", "--key", private, "--tenants", "25", "--days", days, "--holder", "Contoso")[1].strip()
    monkeypatch.setenv("AOC_LICENSE_KEY", token)
    monkeypatch.setenv("AOC_LICENSE_TRUST", str(public))
    ended, shown, _ = license_("show")
    monkeypatch.delenv("AOC_LICENSE_TRUST")
    untrusted = license_("show")

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert (ended, f"{state}: 25 tenants now" in shown, "for: Contoso" in shown) == (status, True, True)
    assert (untrusted[0], "1 tenant now" in untrusted[1]) == (1, True)


def test_no_key_is_overwritten_and_what_is_none_is_named(license_, tmp_path) -> None:
    license_("keygen", tmp_path)
    kept = (tmp_path / "licence-private.pem").read_bytes()
    again = license_("keygen", tmp_path)
    (tmp_path / "note.txt").write_text("no key")
    wrong = license_("issue", "--key", tmp_path / "note.txt", "--tenants", "2")

    assert (again[0], "licence-private.pem: File exists" in again[2]) == (2, True)
    assert (tmp_path / "licence-private.pem").read_bytes() == kept
    assert (wrong[0], "note.txt: no unencrypted private key" in wrong[2]) == (2, True)
