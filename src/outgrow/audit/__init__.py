"""Sinks of the event stream: several at once, and the audit trail at the target."""

from __future__ import annotations

from collections.abc import Callable

from outgrow.model import event

__all__ = ["fan_out"]


def fan_out(*sinks: event.Sink) -> Callable[[event.Event], None]:
    """One sink that passes every event on to all."""

    def send(happened: event.Event) -> None:
        for sink in sinks:
            sink(happened)

    return send
