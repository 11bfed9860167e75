"""What no process makes use of is not imported, also where it is installed for others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aoc_common.left_out import left_out


def test_the_normalizer_imports_nothing_that_is_there_for_other_services() -> None:
    script = "import sys, aoc_normalizer.app\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    words = set(done.stdout.split())

    assert {"pymongo.ssl_support", "structlog.dev", "ua_parser.regex"} <= words
    assert not {"cryptography", "rich", "re2"} & words


def test_what_was_left_out_can_be_imported_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with left_out("colorsys"), pytest.raises(ImportError):
        import colorsys
    import colorsys

    assert colorsys.rgb_to_hls(0, 0, 0) == (0, 0, 0)


def test_what_is_imported_already_stays() -> None:
    with left_out("subprocess"):
        import subprocess as here

    assert here is subprocess
    assert sys.modules["subprocess"] is subprocess
