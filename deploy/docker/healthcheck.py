"""The health check of a container: status 0 when the service in it is ready, else 1 and what it says is wrong."""

from __future__ import annotations

import http.client
import os
import sys
from typing import Final

_TIMEOUT_S: Final = 4
_OK: Final = 200


def main() -> int:
    """Ask once. Nothing of AOC is imported: this runs every ten seconds."""
    port = os.environ.get(os.environ["HEALTH_PORT_SETTING"], os.environ["HEALTH_PORT"])
    connection = http.client.HTTPConnection("localhost", int(port), timeout=_TIMEOUT_S)
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


if __name__ == "__main__":
    sys.exit(main())
