"""The stacks that `aoc up` runs from this checkout: one file for each, so that none hides another.

```
.aoc/stacks/ID.json   a stack that runs, or ran until it was killed
.aoc/current          the data directory of the stack that was started last
```
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_cli.local.ownership import LOCK
from aoc_cli.local.stack import DataDirectory, default_data, root
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aoc_cli.local.stack import Endpoints

#: Names of the temporary directories of `aoc up`.
TEMPORARY: Final = "aoc-"


def remember(directory: DataDirectory, *, temporary: bool) -> None:
    """Note a stack that was started. `temporary`: its data is of no use once it has stopped."""
    file = _file(directory)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"path": str(directory.path), "temporary": temporary}))
    _pointer().write_text(str(directory.path))


def forget(directory: DataDirectory) -> None:
    """A stack has stopped."""
    _file(directory).unlink(missing_ok=True)


def last_started() -> Path | None:
    """The data directory of the stack that was started last."""
    try:
        return Path(_pointer().read_text())
    except OSError:
        return None


def running() -> list[tuple[DataDirectory, Endpoints]]:
    """The stacks that run, by their directories."""
    there = [(directory, directory.running()) for directory, _ in _noted()]
    return [(directory, endpoints) for directory, endpoints in there if endpoints is not None]


def chosen() -> tuple[DataDirectory, Endpoints] | None:
    """The stack that a command means that names none: the one that runs, else one in the default directory.

    Raises `BadConfiguration` when several run: none of them is meant more than another.
    """
    there = running()
    if len(there) > 1:
        choices = " or ".join(f"--data {directory.path}{_gateway(endpoints)}" for directory, endpoints in there)
        raise BadConfiguration(f"{len(there)} stacks are running; choose one: {choices}")
    if there:
        return there[0]
    directory = DataDirectory(default_data())
    endpoints = directory.running()
    return None if endpoints is None else (directory, endpoints)


def clean_up(report: Callable[[str], None]) -> None:
    """Forget stacks that were killed, end what they left running, and remove their data if it was temporary.

    `report` gets a line for each. What cannot be ended or removed is reported, and stays.
    """
    for directory, temporary in _noted():
        if directory.held_by_somebody():
            continue
        try:
            if directory.path.is_dir():
                with directory.held(report):
                    if temporary and _is_temporary(directory.path):
                        shutil.rmtree(directory.path)
                        report(f"removed the temporary data of a run that was killed: {directory.path}")
        except (BadConfiguration, OSError) as error:
            report(f"{directory.path}: left over from a run that was killed: {error}")
        else:
            forget(directory)


def _is_temporary(path: Path) -> bool:
    """Whether it is what it is noted to be: nothing else is ever removed."""
    return (
        path.parent == Path(tempfile.gettempdir()).resolve()
        and path.name.startswith(TEMPORARY)
        and path.stat().st_uid == os.getuid()
        and (path / LOCK).is_file()
    )


def _noted() -> Iterator[tuple[DataDirectory, bool]]:
    for file in sorted((root() / ".aoc" / "stacks").glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(file.read_text())
            yield DataDirectory(Path(note["path"])), note["temporary"] is True


def _file(directory: DataDirectory) -> Path:
    name = hashlib.sha256(str(directory.path).encode()).hexdigest()[:16]
    return root() / ".aoc" / "stacks" / f"{name}.json"


def _pointer() -> Path:
    return root() / ".aoc" / "current"


def _gateway(endpoints: Endpoints) -> str:
    return f" (gateway on port {endpoints.gateway})" if endpoints.gateway else ""
