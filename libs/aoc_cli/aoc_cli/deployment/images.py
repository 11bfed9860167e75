"""The images that `deploy/docker/Dockerfile` makes: one for each service, the command line and the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common import roster

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DEFAULT_PORT_SETTING: Final = "AOC_HEALTH__PORT"
_DEFAULT_PORT: Final = 9100


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the package `aoc_{name}`, with the versions of `requirements/{name}.lock`.

    `members`: of the workspace, that are installed in it. `port_setting`, `port`, `health_path`: where its health check
    asks.
    """

    name: str
    members: tuple[str, ...]
    port_setting: str = _DEFAULT_PORT_SETTING
    port: int = _DEFAULT_PORT
    health_path: str = "/readyz"

    @property
    def arguments(self) -> Mapping[str, str]:
        """The arguments of its build, without those that are as the Dockerfile has them."""
        arguments = {"SERVICE": self.name}
        if self.members != _members(self.name):
            arguments["MEMBERS"] = " ".join(self.members)
        if (self.port_setting, self.port) != (_DEFAULT_PORT_SETTING, _DEFAULT_PORT):
            arguments |= {"PORT_SETTING": self.port_setting, "PORT": str(self.port)}
        if self.health_path != "/readyz":
            arguments["HEALTH_PATH"] = self.health_path
        return arguments

    @property
    def tag(self) -> str:
        """What it is called."""
        return f"aoc-{self.name}:local"

    @property
    def command(self) -> str:
        """The command that builds it."""
        arguments = " ".join(
            f"--build-arg {name}={f'"{value}"' if ' ' in value else value}" for name, value in self.arguments.items()
        )
        return f"docker build -f deploy/docker/Dockerfile {arguments} -t {self.tag} ."


def _members(service: str, libraries: Iterable[str] = ()) -> tuple[str, ...]:
    return "libs/aoc_common", *(f"libs/{name}" for name in libraries), f"services/{service}"


_SERVICES: Final = tuple(
    Image(service.name, _members(service.name, service.libraries), f"{service.listens}__PORT", service.port)
    for service in roster.SERVICES
)
#: The command line reads with the collector's and the normalizer's own code, and sinks files with the exporter's.
CLI: Final = Image(
    "cli",
    (
        "libs/aoc_common",
        "libs/aoc_rules",
        "libs/aoc_sim",
        "libs/aoc_cli",
        *(f"services/{service.name}" for service in (roster.COLLECTOR, roster.NORMALIZER, roster.EXPORTER)),
    ),
)
SIMULATOR: Final = Image("sim", ("libs/aoc_sim",), "AOC_SIM__PORT", 8365, "/_health")

#: Name -> image.
IMAGES: Final[Mapping[str, Image]] = {image.name: image for image in (*_SERVICES, CLI, SIMULATOR)}
