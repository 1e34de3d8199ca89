"""Verifying all tables of a plan, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outgrow import workers
from outgrow.model import event, plan
from outgrow.postgres import connection as postgres
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import reader as source_reader
from outgrow.verify import compare, pool

__all__ = ["Result", "verify"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A verification: what was compared and every difference, tables in the plan's order."""

    tables: tuple[compare.TableResult, ...]

    @property
    def rows(self) -> int:
        """Rows of the file that were compared, those in quarantine included."""
        return sum(table.rows for table in self.tables)

    @property
    def quarantined(self) -> int:
        """Rows that are rightly in quarantine."""
        return sum(table.quarantined for table in self.tables)

    @property
    def differences(self) -> tuple[compare.Difference, ...]:
        """Every difference."""
        return tuple(difference for table in self.tables for difference in table.differences)


def verify(
    planned: plan.Plan,
    source: sqlite.Source,
    sessions: Sequence[postgres.Session],
    *,
    stop: workers.Stop,
    interrupt: Callable[[], None],
    sink: event.Sink,
) -> Result:
    """Compare every table: one walk over the file, and a reader of it for every two sessions."""
    results: dict[str, compare.TableResult] = {}

    def compared(
        table: plan.TablePlan,
        walking: sqlite.SourceConnection,
        files: pool.Pool[sqlite.SourceConnection],
        theirs: pool.Target,
    ) -> compare.TableResult:
        def reading(connection: sqlite.SourceConnection) -> source_reader.TableReader:
            return source_reader.TableReader(
                connection, table, encoding=planned.encoding, generated=True, agreed=theirs.agreed
            )

        ahead = pool.Pooled(files, reading)
        return compare.compare(reading(walking), theirs, ahead=ahead, check=stop.check, sink=sink)

    def work() -> None:
        walking = source.connect()
        # The file's side needs less time for a span than the target's.
        readers = [source.connect() for _ in range((len(sessions) + 1) // 2)]
        agreed = pool.agree(sessions[0])
        with pool.Pool(readers) as files, pool.Pool(sessions) as targets:
            for table in sorted(planned.tables, key=lambda table: (-table.rows, table.source)):
                stop.check()
                sink(event.TableStarted(step="verify", table=table.source, rows=table.rows))
                theirs = pool.Target(targets, planned.schema, table, agreed)
                results[table.source] = compared(table, walking, files, theirs)

    workers.run([work], stop, interrupt=interrupt)
    return Result(tables=tuple(results[table.source] for table in planned.tables))
