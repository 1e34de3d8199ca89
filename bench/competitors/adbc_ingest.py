"""Arrow batches from ADBC's SQLite driver to its PostgreSQL driver.

The drivers' batches are typed by SQLite's storage classes (int64, double, string) and the PostgreSQL driver
writes binary, so four columns are cast by Arrow on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import pyarrow as pa

from bench import competitors

CASTS = {"amount": pa.decimal128(12, 2), "active": pa.bool_(), "timestamp": pa.timestamp("us")}
BATCH = 65_536


def load(job: competitors.Job) -> None:
    with (
        adbc_driver_sqlite.dbapi.connect(str(job.source)) as source,
        adbc_driver_postgresql.dbapi.connect(job.uri) as target,
        source.cursor() as reading,
        target.cursor() as writing,
    ):
        reading.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH)})
        reading.execute("SELECT * FROM events")
        reader = reading.fetch_record_batch()
        schema = pa.schema([field.with_type(CASTS.get(field.name, field.type)) for field in reader.schema])

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                yield batch.cast(schema)

        writing.adbc_ingest("events", pa.RecordBatchReader.from_batches(schema, batches()), mode="append")
        target.commit()
