"""structlog, configured once a process: one JSON object a line (or console), with the trace it belongs to."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import orjson
from opentelemetry import trace

from aoc_common.left_out import left_out

# For tracebacks in colour, which no log has.
with left_out("rich"):
    import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

    from aoc_common.settings import TelemetrySettings


_ACTED_UPON: Final = re.compile(r"[\x7f-\x9f\u2028\u2029]")


def configure(service: str, settings: TelemetrySettings) -> None:
    """Set up structlog, and route the standard library's logging (of our dependencies) through it."""
    level = getattr(logging, settings.log_level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.format_exc_info,
    ]
    render: Any = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if settings.log_format == "json"
        # Values come from outside, too: `repr` leaves nothing in them that a terminal would obey.
        else structlog.dev.ConsoleRenderer(repr_native_str=True)
    )
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def get(name: str) -> FilteringBoundLogger:
    """A logger. Events are `noun.past_verb` with key-values."""
    logger: FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def _add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


def _to_json(event: EventDict, **_options: Any) -> str:
    # Outside of its strings JSON has none of these, which terminals and readers of lines act upon.
    return _ACTED_UPON.sub(lambda found: f"\\u{ord(found[0]):04x}", orjson.dumps(event, default=repr).decode())
