"""MongoDB through motor, the driver that was asked for. The only package that imports it (see docs/adr/0002)."""

from importlib.util import find_spec

from aoc_common.left_out import left_out

# The driver asks whether certificates were revoked where `service_identity` is installed. Where it is not, the driver
# would find out when it has imported `cryptography` already.
with left_out(*(() if find_spec("service_identity") else ("pymongo.pyopenssl_context",))):
    import pymongo as _pymongo  # noqa: F401  # imported first here
