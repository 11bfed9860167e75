"""A client of the gateway: what `docs/howto/client.md` shows.

```python
async with Gateway("https://aoc.example", Secret.at("env:AOC_KEY")) as gateway:
    async for event in gateway.events.all(tenant="contoso", q="inbox rule", result="failure"):
        print(event.time, event.actor, event.message)
```

Each method is one operation of docs/reference/openapi.json (`operations.OFFERED`). All raise `GatewayError`.
"""

from aoc_common.client.addresses import check_address
from aoc_common.client.connection import Options
from aoc_common.client.credentials import Credentials, NoCredentials, Secret, SignedIn
from aoc_common.client.errors import (
    Absent,
    Conflict,
    Disconnected,
    ExportFailed,
    GatewayError,
    Invalid,
    NotAllowed,
    NotSignedIn,
    NotVerified,
    Problem,
    TooOften,
    Unavailable,
    Unexpected,
)
from aoc_common.client.filters import Filters
from aoc_common.client.gateway import Gateway

__all__ = [
    "Absent",
    "Conflict",
    "Credentials",
    "Disconnected",
    "ExportFailed",
    "Filters",
    "Gateway",
    "GatewayError",
    "Invalid",
    "NoCredentials",
    "NotAllowed",
    "NotSignedIn",
    "NotVerified",
    "Options",
    "Problem",
    "Secret",
    "SignedIn",
    "TooOften",
    "Unavailable",
    "Unexpected",
    "check_address",
]
