"""One JSON object per line on stdout for every change of state; never a line per order, the journal is that record.

Fields: ts, level, event (a stable dotted name such as fix.session.logon), component, version, instance, then the
event's own. Under systemd each line starts with <N>, the syslog priority, which journald takes off again.
"""

from __future__ import annotations

import logging
import os
from typing import Any, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

import cfg

#: RFC 5424 severities, as sd-daemon(3) reads them from the start of a line.
_PRIORITY = {"debug": b"<7>", "info": b"<6>", "warning": b"<4>", "error": b"<3>", "critical": b"<2>"}


def _line(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=str)


def _journal_line(_logger: WrappedLogger, method: str, event: EventDict) -> bytes:
    return _PRIORITY.get(str(event.get("level", method)), b"<6>") + orjson.dumps(event, default=str)


class _ToStructlog(logging.Handler):
    """Carries what libraries say through the standard logging module into our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        logger = structlog.get_logger()
        getattr(logger, level if level in _PRIORITY else "warning")(
            "library.message", logger_name=record.name, message=record.getMessage()
        )


def configure(component: str, level: str, instance: str) -> FilteringBoundLogger:
    """Set up logging for this process and return its root logger; call it once, before any thread starts."""
    under_journald = "JOURNAL_STREAM" in os.environ
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            _journal_line if under_journald else _line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
    initial: dict[str, Any] = {"component": component, "version": cfg.__version__, "instance": instance}
    return cast(FilteringBoundLogger, structlog.get_logger(**initial))
