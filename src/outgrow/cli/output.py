"""How a command ends: one JSON object or a page for people, an exit status, and errors that name the next command."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rich import console as rich_console
from rich import text

from outgrow import errors
from outgrow.postgres import dsn

__all__ = ["DIFFERENCES", "DONE", "INTERRUPTED", "Ended", "Outcome", "Output", "fail", "out", "plain"]

DONE = 0
DIFFERENCES = 1
INTERRUPTED = 130


def out(*, stderr: bool = False) -> rich_console.Console:
    """A console; without a terminal it is 100 columns wide and has no colours."""
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else 100
    return rich_console.Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a command came to: its facts for `--json`, and how it shows itself.

    `problem` is the code and message of what keeps the status from being 0, although the command did its work.
    """

    facts: Mapping[str, Any]
    show: Callable[[rich_console.Console], None]
    problem: tuple[str, str, str] | None = None

    @property
    def status(self) -> int:
        """The exit status."""
        return DIFFERENCES if self.problem else DONE


class Ended(SystemExit):
    """The exit of a command that did its work; who runs the command line from Python finds the outcome here."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.status)
        self.outcome = outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The output options of a command."""

    command: str
    as_json: bool
    quiet: bool

    def run(self, work: Callable[[], Outcome]) -> NoReturn:
        """Do the work, show its outcome, and exit; every error ends here."""
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            outcome = work()
        except errors.OutgrowError as error:
            fail(self.command, error, as_json=self.as_json)
        except KeyboardInterrupt:
            _interrupted(self.command, as_json=self.as_json)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(INTERRUPTED) from None
        except Exception as error:
            fail(self.command, _unexpected(error), as_json=self.as_json)
        if self.as_json:
            told = dict(zip(("code", "message", "hint"), outcome.problem, strict=True)) if outcome.problem else None
            _print_json({"ok": told is None, "command": self.command, "error": told, **outcome.facts})
        elif not self.quiet:
            outcome.show(out())
        raise Ended(outcome)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _unexpected(error: Exception) -> errors.OutgrowError:
    """A defect, told without locals, values or passwords; OUTGROW_DEBUG=1 adds the traceback."""
    if os.environ.get("OUTGROW_DEBUG"):
        sys.stderr.write(dsn.scrub("".join(traceback.format_exception(error))))
    name = type(error).__name__
    where = traceback.extract_tb(error.__traceback__)[-1]
    message = dsn.scrub(str(error)).strip().partition("\n")[0][:500]
    return errors.Internal(
        f"A defect in outgrow: {name} in {os.path.basename(where.filename)}, line {where.lineno}",
        why=message,
        hint="Type it again with OUTGROW_DEBUG=1 for a traceback, and report it",
    )


def _print_json(data: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, default=plain) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Data classes, enums and mappings as JSON's own kinds."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def fail(command: str, error: errors.OutgrowError, *, as_json: bool) -> NoReturn:
    """Show an error and exit with its status: what happened, why, and the next command."""
    if as_json:
        told = {
            "code": error.code,
            "message": error.message,
            "why": error.why,
            "hint": error.hint,
            "retry": error.retry,
        }
        _print_json({"ok": False, "command": command, "error": told})
    else:
        console = out(stderr=True)
        console.print(text.Text.assemble(("outgrow: ", "bold red"), (error.message, "bold")))
        if error.why:
            console.print(text.Text.assemble(("   why  ", "dim"), error.why))
        if error.hint:
            console.print(text.Text.assemble(("  next  ", "green"), error.hint))
    raise SystemExit(error.exit_code)


def _interrupted(command: str, *, as_json: bool) -> NoReturn:
    hint = "What was done is kept; type the same command to continue"
    if as_json:
        told = {"code": "interrupted", "message": "Interrupted", "why": "", "hint": hint, "retry": True}
        _print_json({"ok": False, "command": command, "error": told})
    else:
        out(stderr=True).print(text.Text.assemble(("outgrow: ", "bold red"), "interrupted. ", hint))
    raise SystemExit(INTERRUPTED)
