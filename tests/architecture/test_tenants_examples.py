"""The tenants files that the documentation shows are such files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aoc_collector.sources import SOURCES
from aoc_common.tenants.file import read_tenants

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/howto/add-a-source.md", "docs/reference/tenants.md"])
def test_the_example_of_a_page_is_a_tenants_file(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```json\n(\[\n.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    file = tmp_path / "tenants.json"
    file.write_text(blocks[0])

    assert [tenant.name for tenant in read_tenants(file, SOURCES)] == ["contoso"]
