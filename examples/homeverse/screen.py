"""How the story is shown: counters in place on a terminal, lines without one, and the proof at the end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import rich.console
import rich.live
import rich.table
import rich.text

from examples.homeverse import story as stories

BARS = " ▁▂▃▄▅▆▇█"
STEP = 0.5
"""Seconds of a bar in the course of answers."""

EVERY = 5.0
"""Seconds between two lines of counters, where there is no terminal."""

COLOURS = {"sqlite": "cyan", "postgres": "green"}


class Screen:
    """Shows acts as they begin and end; `shown()` keeps the counters up to date meanwhile."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._live: rich.live.Live | None = None
        self._begun = time.monotonic()
        self._act = ""
        self._lock = threading.Lock()

    def begin(self, act: str, words: str) -> None:
        self._act = act
        self._print(rich.text.Text.assemble(self._clock(), ("▸ ", "bold"), (act, "bold"), "  ", (words, "dim")))

    def done(self, words: str) -> None:
        self._print(rich.text.Text.assemble(self._clock(), ("✓ ", "bold green"), words))

    def tell(self, words: str) -> None:
        self._print(rich.text.Text.assemble(self._clock(), ("! ", "bold yellow"), words))

    def _clock(self) -> tuple[str, str]:
        seconds = int(time.monotonic() - self._begun)
        return f"{seconds // 60}:{seconds % 60:02}  ", "dim"

    def _print(self, line: rich.console.RenderableType) -> None:
        with self._lock:
            (self._live.console if self._live else self._console).print(line, soft_wrap=not self._console.is_terminal)

    @contextlib.contextmanager
    def shown(self, story: stories.Story) -> Iterator[None]:
        """Keep the counters up to date for the length of the block."""
        if self._console.is_terminal:
            picture = Picture(self, story)
            with rich.live.Live(picture, console=self._console, refresh_per_second=4, transient=True) as live:
                self._live = live
                try:
                    yield
                finally:
                    self._live = None
            return
        stop = threading.Event()

        def lines() -> None:
            while not stop.wait(EVERY):
                self._print(rich.text.Text.assemble(self._clock(), "  ", "; ".join(counters(story))))

        thread = threading.Thread(target=lines, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def counters(story: stories.Story) -> list[str]:
    """The live figures in words."""
    recent, facts = story.meter.recent(), story.sight.facts
    found = [
        f"{story.meter.requests:,} requests, {story.meter.failed} failed",
        f"last 5 s: {recent.requests / 5:.0f}/s, p50 {recent.p50:.1f}, p99 {recent.p99:.0f}, longest {recent.longest:.0f} ms",
    ]
    if facts is not None:
        found.append(
            f"primary {stories.AT[facts['primary']]}, {facts['phase']}, {facts['lag_seconds'] or 0:.2f} s behind,"
            f" {story.sight.verified:,} rows verified in {story.sight.rounds} rounds"
        )
    return found


class Picture:
    """The counters as a small table that is drawn anew again and again."""

    def __init__(self, screen: Screen, story: stories.Story) -> None:
        self._screen, self._story = screen, story

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        story, facts = self._story, self._story.sight.facts
        recent = story.meter.recent()
        primary = facts["primary"] if facts else "sqlite"
        colour = COLOURS[primary]
        grid = rich.table.Table.grid(padding=(0, 2))
        grid.add_column(style="dim", justify="right")
        grid.add_column(no_wrap=True)
        failed = ("0 failed", "green") if story.meter.failed == 0 else (f"{story.meter.failed} failed", "bold red")
        grid.add_row("primary", rich.text.Text(stories.AT[primary], style=f"bold {colour}"))
        grid.add_row(
            "requests",
            rich.text.Text.assemble((f"{story.meter.requests:,}", "bold"), f"  {recent.requests / 5:.0f}/s  ", failed),
        )
        grid.add_row(
            "answers",
            rich.text.Text.assemble(
                f"p50 {recent.p50:.1f}  p99 {recent.p99:.0f}  longest {recent.longest:.0f} ms", ("  (last 5 s)", "dim")
            ),
        )
        steps = max(20, min(80, options.max_width - 24))
        course = story.meter.course(steps, STEP)
        bars = "".join(BARS[min(8, round(took * 1000 / stories.BOUND * 8 + 0.49))] for took in course)
        grid.add_row(
            "longest", rich.text.Text.assemble((bars, colour), ("▏", "dim"), (f"{stories.BOUND:.0f} ms", "dim"))
        )
        if facts is not None:
            behind = f"{facts['phase']}, {facts['lag_seconds'] or 0:.2f} s behind"
            grid.add_row("engine", f"{behind}, {facts['changes_per_second'] or 0:,.0f} changes/s")
            verified = (
                f"{story.sight.verified:,} rows in {story.sight.rounds} rounds, {story.sight.differences} differences"
            )
            grid.add_row("verified", verified)
        yield rich.text.Text("")
        yield grid


def proof(console: rich.console.Console, story: stories.Story) -> None:
    """The last screen: the figures of each stretch, what the pauses were made of, and what has to be true."""
    console.print()
    table = rich.table.Table(title="What each request felt", title_justify="left", title_style="bold", box=None)
    table.add_column("")
    for head in ("requests", "failed", "p50 ms", "p99 ms", "longest ms"):
        table.add_column(head, justify="right")
    for name, found in story.meter.stretches():
        failed = rich.text.Text(str(found.failed), style="bold red" if found.failed else "")
        figures = (f"{found.p50:.1f}", f"{found.p99:.1f}", f"{found.longest:.1f}")
        table.add_row(name, f"{found.requests:,}", failed, *figures)
    console.print(table)
    console.print(
        "Milliseconds from the moment at which a request was due, not from the one at which it was sent.", style="dim"
    )
    console.print()
    console.print("What writers waited for", style="bold")
    for turn in story.turns:
        steps = ", ".join(f"{step} {took:.1f}" for step, took in turn.steps.items())
        console.print(
            f"  {turn.command:8} to {stories.AT[turn.primary]:10} {turn.pause:6.1f} ms  [dim]{steps}[/dim]",
            highlight=False,
        )
    console.print()
    console.print("The proof", style="bold")
    for claim in story.claims:
        mark = ("  ✓ ", "bold green") if claim.holds else ("  ✗ ", "bold red")
        console.print(rich.text.Text.assemble(mark, claim.text))
    console.print(f"  The follower was {story.sight.longest_lag:.2f} s behind at most.", style="dim", highlight=False)
