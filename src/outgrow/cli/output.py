"""How a command ends: one JSON object or a page for people, an exit status, and errors that name the next command."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import io
import json
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from outgrow import errors, interrupts
from outgrow.cli import wording

if TYPE_CHECKING:
    from rich import console as rich_console

__all__ = [
    "DIFFERENCES",
    "DONE",
    "INTERRUPTED",
    "Ended",
    "Outcome",
    "Output",
    "Problem",
    "fail",
    "plain",
    "prepare",
]

DONE = 0
DIFFERENCES = 1
INTERRUPTED = 130


def prepare() -> None:
    """Give the process streams that can be written to, whatever it was started with.

    A closed standard output or error is None in Python; a character that a terminal does not have raises.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What keeps the status from being 0, although the command did its work."""

    code: str
    message: str
    hint: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a command came to: its facts for `--json`, how it shows itself, and its problem if there is one."""

    facts: Mapping[str, Any]
    show: Callable[[rich_console.Console], None]
    problem: Problem | None = None

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
    file: str | os.PathLike[str]
    as_json: bool
    quiet: bool
    to: str | None = None

    def named(self, words: str) -> str:
        """A remedy whose commands name the file and the target."""
        return wording.named(words, self.file, self.to)

    def run(self, work: Callable[[], Outcome]) -> NoReturn:
        """Do the work, show its outcome, and exit; every error ends here."""
        interrupts = _Interrupts()
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, interrupts)
        try:
            outcome = work()
        except KeyboardInterrupt:
            _interrupted(self.command, as_json=self.as_json)
        except Exception as error:
            if interrupts.ending:  # what breaks on the way out of Ctrl-C is no news
                _interrupted(self.command, as_json=self.as_json)
            told = error if isinstance(error, errors.OutgrowError) else _unexpected(error)
            fail(self.command, told, as_json=self.as_json, file=self.file, to=self.to)
        with _perhaps_unread():
            if self.as_json:
                problem = outcome.problem
                hint = self.named(problem.hint) if problem else ""
                why = problem and _told(problem.code, problem.message, problem.why, hint, retry=False)
                _print_json({"ok": problem is None, "command": self.command, "error": why, **outcome.facts})
            elif not self.quiet:
                from outgrow.cli import page  # rich takes longer to load than a status to answer

                outcome.show(page.console())
        raise Ended(outcome)


@contextlib.contextmanager
def _perhaps_unread() -> Iterator[None]:
    """Whoever reads the output may be gone (`| head`), and the work is done all the same; a full disk is an error."""
    try:
        yield
        sys.stdout.flush()
    except OSError as problem:
        # Python flushes once more at its end, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(problem, BrokenPipeError):
            error = errors.OutOfSpace(
                "The output cannot be written", why=str(problem), hint="Free space, and type the same command again"
            )
            fail("", error, as_json=False)


class _Interrupts:
    """A handler of Ctrl-C and SIGTERM. The next press is not heard while the first unwinds, which takes a bounded time."""

    ENDING = 15.0

    def __init__(self) -> None:
        self._since = -math.inf

    @property
    def ending(self) -> bool:
        """Whether the command was interrupted a moment ago."""
        return time.monotonic() - self._since < self.ENDING

    def __call__(self, number: int, frame: object) -> None:
        if not self.ending:
            self._since = time.monotonic()
            interrupts.hurry()
            raise KeyboardInterrupt


def _unexpected(error: Exception) -> errors.OutgrowError:
    """A defect, told without locals, values or passwords; OUTGROW_DEBUG=1 adds the traceback."""
    from outgrow.postgres import dsn  # which loads the driver

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


def _told(code: str, message: str, why: str, hint: str, *, retry: bool) -> Mapping[str, Any]:
    return {"code": code, "message": message, "why": why, "hint": hint, "retry": retry}


def _print_json(data: Mapping[str, Any]) -> None:
    kept = plain(data)
    line = json.dumps(kept, ensure_ascii=False, allow_nan=False)
    try:
        line.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # half a surrogate pair in a file's name, or a terminal without Unicode
        line = json.dumps(kept, allow_nan=False)
    sys.stdout.write(line + "\n")


def plain(value: Any) -> Any:
    """Data classes, enums and mappings as JSON's own kinds; JSON has no infinite numbers, so these become text."""
    match value:
        case enum.Enum():
            return plain(value.value)
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case bytes():
            return value.hex()
        case tuple() | list():
            return [plain(one) for one in value]
        case _ if dataclasses.is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return str(value)


def fail(
    command: str,
    error: errors.OutgrowError,
    *,
    as_json: bool,
    file: str | os.PathLike[str] | None = None,
    to: str | None = None,
) -> NoReturn:
    """Show an error and exit with its status: what happened, why, and the next command, which names the file."""
    hint = error.hint if file is None else wording.named(error.hint, file, to)
    if as_json:
        told = _told(error.code, error.message, error.why, hint, retry=error.retry)
        with _perhaps_unread():
            _print_json({"ok": False, "command": command, "error": told})
    else:
        with contextlib.suppress(BrokenPipeError):
            from outgrow.cli import page

            page.failed(error, hint)
    raise SystemExit(error.exit_code)


def _interrupted(command: str, *, as_json: bool) -> NoReturn:
    hint = "What was done is kept; type the same command to continue"
    if as_json:
        told = _told("interrupted", "Interrupted", "", hint, retry=True)
        with _perhaps_unread():
            _print_json({"ok": False, "command": command, "error": told})
    else:
        with contextlib.suppress(BrokenPipeError):
            from outgrow.cli import page

            page.interrupted(hint)
    raise SystemExit(INTERRUPTED)
