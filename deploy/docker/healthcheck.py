"""The health check of a container: status 0 when the service in it is ready, else 1 and what it says is wrong."""

from __future__ import annotations

import http.client
import os
import ssl
import sys
from typing import Final

_TIMEOUT_S: Final = 4
_OK: Final = 200


def main() -> int:
    """Ask once. Nothing of AOC is imported: this runs every ten seconds."""
    port = os.environ.get(os.environ["HEALTH_PORT_SETTING"], os.environ["HEALTH_PORT"])
    connection = _connection(int(port))
    try:
        connection.request("GET", os.environ["HEALTH_PATH"])
        answer = connection.getresponse()
        body = answer.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"no answer at port {port}: {error or type(error).__name__}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{body}\n")
    return 0 if answer.status == _OK else 1


def _connection(port: int) -> http.client.HTTPConnection:
    """To this container's own service. Its certificate has the name that others call it by, so it is not compared."""
    if os.environ["HEALTH_PORT_SETTING"] == "AOC_API__PORT" and os.environ.get("AOC_API__TLS__CERTIFICATE"):
        unverified = ssl._create_unverified_context()  # noqa: S323, SLF001  # on loopback
        return http.client.HTTPSConnection("localhost", port, timeout=_TIMEOUT_S, context=unverified)
    return http.client.HTTPConnection("localhost", port, timeout=_TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
