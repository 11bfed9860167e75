"""docker-compose.yml as Compose reads it: anchors merged, variables at their defaults."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy" / "docker"


@cache
def composed() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    found: dict[str, Any] = YAML(typ="safe").load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = composed()["services"]
    return found


def secrets_of(service: dict[str, Any]) -> dict[str, str]:
    """Name in the container -> name of the secret."""
    pairs = [(one, one) if isinstance(one, str) else (one["target"], one["source"]) for one in service["secrets"]]
    return dict(pairs)
