"""Verification while the application writes: round after round in a thread of its own, with what differs brought over again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outgrow import errors, workers
from outgrow.follow import pace
from outgrow.migration import quarantine_sample, readiness, watching
from outgrow.model import event, plan
from outgrow.model.phase import Side
from outgrow.postgres import connection as postgres
from outgrow.sqlite import capture, file_state, reader
from outgrow.sqlite import connection as sqlite
from outgrow.verify import compare, live, pool

if TYPE_CHECKING:
    from outgrow.migration import connected

__all__ = ["Verifier"]

Visit = Callable[[Callable[[], Any]], Any]
"""Has something done between two batches, and returns what it returns."""

SILENCE = 15.0
"""Seconds after which PostgreSQL ends a comparison of which it hears nothing any more; a TRUNCATE would wait for its end."""

SHOWN = 100
"""Differences that are kept of a round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What the thread is woken for: a round, or only a look at what a change of the primary depends on."""

    round: bool = True
    repair: bool = False
    answer: concurrent.futures.Future[Mapping[str, Any]] = field(default_factory=concurrent.futures.Future)


class Verifier:
    """Compares the stores table by table. `suspect` has tables compared soon and what differs brought over again.

    Differences of tables that nobody suspected are a defect or somebody's hand: they are reported, and stay until a round
    is asked for that repairs them.
    """

    def __init__(self, work: connected.Connected, *, every: float) -> None:
        self._work = work
        self._every = every
        self._asked: queue.Queue[_Asked] = queue.Queue()
        self._suspects = set(work.target_store.suspects())
        self._suspicions = 0
        work.view.suspects = len(self._suspects)
        self._lock = threading.Lock()
        self._stop = workers.Stop(work.target.stop)
        self._thread: threading.Thread | None = None
        self._connection = work.file.connect()
        self._pulse = work.file.pulse()
        self._session = work.target.connect()
        postgres.limit_silence(self._session, SILENCE)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin with a round now, and go on with one after each rest; not at all where the rest is 0."""
        if self._every and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="outgrow-verify", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, and wait for it; not for a server that does not answer."""
        self._stop.set()
        self._asked.put(_Asked())
        postgres.break_off(self._session)
        if self._thread is not None:
            self._work.serve_until(lambda: not self._thread or not self._thread.is_alive())
            self._thread = None

    def require(self) -> None:
        """Raise what ended the verification, if it has ended."""
        if self._failure is not None:
            raise self._failure

    def suspect(self, tables: Sequence[str]) -> None:
        """Have tables compared and repaired soon; until that is done, no verification is clean."""
        self._note(tables)
        self._asked.put(_Asked())

    def _note(self, tables: Sequence[str]) -> None:
        with self._lock:
            self._suspects.update(tables)
            self._suspicions += 1
        self._work.view.suspects = len(self._suspects)

    def look_soon(self) -> None:
        """Do soon what a change of the primary leaves to be done, and look at what the next one depends on."""
        self._asked.put(_Asked(round=False))

    def ask(self, *, repair: bool = False) -> Mapping[str, Any]:
        """Have a round done now by the thread, and wait for its facts; not for the main thread."""
        asked = _Asked(repair=repair)
        self._asked.put(asked)
        while True:
            with contextlib.suppress(concurrent.futures.TimeoutError):
                return asked.answer.result(timeout=0.5)
            if self._thread is None or not self._thread.is_alive():
                raise errors.Retryable(
                    "The verification was broken off",
                    why="the engine ended, or lost its connections to PostgreSQL",
                    hint="Look at outgrow status FILE, and type it again",
                )

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            asked = _Asked()
            wait = due - time.monotonic()
            if wait > 0:
                with contextlib.suppress(queue.Empty):
                    asked = self._asked.get(timeout=wait)
            if self._stop.asked():
                return
            try:
                with postgres.translate_errors(self._session), sqlite.translate_errors(self._work.file.path):
                    if not asked.round:
                        self._look(self._work.between_batches)
                        continue
                    asked.answer.set_result(self.round(self._work.between_batches, repair=asked.repair))
            except workers.Stopped:
                return
            except Exception as error:
                if self._stop.asked():
                    return
                asked.answer.set_exception(error)
                if not isinstance(error, errors.OutgrowError) or isinstance(error, errors.TargetLost):
                    self._failure = error  # the main thread's affair, which may not have seen it
                    return
                self._work.hear(event.Notice(message=f"The verification was broken off: {error.message}: {error.why}"))
            due = time.monotonic() + self._every

    def round(self, at_rest: Visit, *, repair: bool = False) -> Mapping[str, Any]:
        """Compare every table once, with those repaired before that were suspected.

        `repair` brings over what differs in any table, as the primary has it, and compares everything again.
        """
        began = time.monotonic()
        self._look(at_rest)
        self._repair(at_rest)
        rows, differences = self._compare_all(at_rest)
        repaired = 0
        if repair and differences:
            repaired = len(differences)
            tables = list(dict.fromkeys(one.table for one in differences))
            at_rest(lambda: self._work.target_store.suspect(tables))
            self._note(tables)
            self._repair(at_rest)
            rows, differences = self._compare_all(at_rest)
            repaired = max(repaired - len(differences), 0)
        seconds = time.monotonic() - began
        self._work.view.verified = watching.Verified(
            at=time.monotonic(), rows=rows, differences=len(differences), seconds=seconds
        )
        for difference in differences[:SHOWN]:
            self._tell(difference)
        self._work.hear(event.VerificationDone(rows=rows, differences=len(differences), seconds=seconds))
        kept = at_rest(lambda: quarantine_sample.groups(self._work.keeper))
        return {
            "rows": rows,
            "tables": len(self._work.plan.tables),
            "differences": [dataclasses.asdict(one) for one in differences[:SHOWN]],
            "repaired": repaired,
            "quarantined": self._work.view.quarantined,
            "quarantine_groups": [dataclasses.asdict(one) for one in kept],
            "seconds": seconds,
        }

    def _compare_all(self, at_rest: Visit) -> tuple[int, list[compare.Difference]]:
        """Compare every table once: the rows that were compared, and what differs."""
        rows = 0
        differences: list[compare.Difference] = []
        with pace.Pacer(self._pulse) as pacer:
            for table in self._work.plan.tables:
                found = self._compare(table, at_rest, pacer.pace)
                rows += found.rows
                differences += found.differences
        return rows, differences

    def _look(self, at_rest: Visit) -> None:
        if self._work.primary is Side.POSTGRES:
            readiness.validate_foreign_keys(self._work, self._session)
        self._work.view.standing = at_rest(lambda: readiness.look(self._work, self._session))

    def _tell(self, difference: compare.Difference) -> None:
        self._work.hear(
            event.DifferenceFound(
                table=difference.table, key=difference.key, kind=difference.kind, column=difference.column
            )
        )

    def _repair(self, at_rest: Visit) -> None:
        """Compare the suspected tables, and log the keys that differ, so that the follower gets their rows again.

        A row that was brought over and differs still (a generated column with another expression, a trigger at the target)
        cannot be repaired by that: it is left to the round, which reports it.
        """
        before: list[compare.Difference] = []
        while True:
            with self._lock:
                name = next(iter(self._suspects), None)
            if name is None:
                return
            seen = self._suspicions
            table = self._work.plan.table(name)
            if table is not None:
                found = self._compare(table, at_rest, lambda: None)
                differences = list(found.differences)
                if (differences or found.extras) and differences != before:
                    at_rest(lambda table=table, found=found: self._work.log_again(table, found))  # type: ignore[misc]
                    before = differences
                    continue  # until nothing differs
            before = []
            at_rest(lambda name=name, seen=seen: self._clear(name, seen))  # type: ignore[misc]

    def _clear(self, name: str, seen: int) -> None:
        """Suspect a table no more, unless something was suspected while it was compared."""
        if self._suspicions != seen:
            return
        self._work.target_store.clear(name)
        with self._lock:
            self._suspects.discard(name)
        self._work.view.suspects = len(self._suspects)

    def _compare(self, table: plan.TablePlan, at_rest: Visit, slow: Callable[[], None]) -> live.Found:
        agreed = pool.agree(self._session)
        encoding = self._work.plan.encoding
        source = reader.TableReader(self._connection, table, encoding=encoding, generated=True, agreed=agreed)
        with pool.Pool([self._session]) as sessions:
            return live.compare_live(
                source,
                pool.Target(sessions, self._work.plan.schema, table, agreed),
                lambda: self._snapshots(table, source, at_rest),
                check=self._stop.check,
                pace=slow,
            )

    def _identity(self, source: reader.TableReader, key: str) -> Any:
        """A key that is written as SQL literals, as rows are told apart by."""
        names = [f"k{position}" for position in range(1, len(source.sql.key_operands) + 1)]
        rows = f"(WITH it({','.join(names)}) AS (VALUES({key})) SELECT * FROM it)"
        return next(source.keys(rows, (), names))[1]

    @contextlib.contextmanager
    def _snapshots(
        self, table: plan.TablePlan, source: reader.TableReader, at_rest: Visit
    ) -> Iterator[Callable[[], compare.Excused]]:
        """Both sides as they are between two batches: what the follower lacks is in the primary's log, and in that snapshot."""

        def take() -> tuple[Side, int]:
            self._connection.execute("BEGIN")
            self._connection.execute(f"SELECT epoch FROM {file_state.STATE}").fetchone()
            self._session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._session.execute("SELECT 1")
            return self._work.primary, self._work.file_store.mark.seq

        def excused() -> compare.Excused:
            number = self._work.number(table)
            if primary is Side.SQLITE:
                captured = self._work.captured[number]
                names = [f"k{position}" for position in range(1, len(captured.terms) + 1)]
                touched = list(source.keys(f"{capture.LOG} WHERE seq>{seq} AND t={number}", (), names))
                return compare.Excused(
                    literals=frozenset(literal for literal, _ in touched),
                    identities=frozenset(identity for _, identity in touched),
                )
            touched_there = self._work.target_store.touched(self._session, table)
            away = [self._identity(source, key) for key in self._work.target_store.away(self._session, table)]
            return compare.Excused(identities=frozenset([*touched_there, *away]))

        try:
            primary, seq = at_rest(take)
            yield excused
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if not self._session.closed:
                self._session.execute("ROLLBACK")
