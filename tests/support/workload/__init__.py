"""A workload that knows what it did: processes that write to a live migration, and judges of what came of it.

    from support.workload import equality, judge, ledger, running, schema, script, watching

    what = script.Script(seed=7, shape=schema.Shape(rows=20_000))
    schema.create(path, what.shape)                           # ... outgrow follows the file into `dsn` ...
    with (
        running.Workload(tmp_path, what, sqlite=path, postgres=dsn, processes=4, rate=500) as load,
        running.Prober(tmp_path, what, sqlite=path, postgres=dsn) as prober,
        watching.watch_total(dsn, what.shape) as watch,
    ):
        load.ready()
        ...                                                   # switch, kill, roll back
        load.accepted("postgres")                             # every process has been served by it since
        prober.stop()
        summary = load.stop().require()                       # latencies, the longest gap, who took what
    records = [*load.ledgers, *prober.ledgers]
    ...                                                       # wait until the follower has everything
    ledger.check(records, dsn).require()
    equality.compare(path, dsn, what.shape).require()
    judge.one_primary(judge.attempts(records), last_epoch=1).require()
    watch.require()

It shares nothing with outgrow: SQLite is the standard `sqlite3` module, PostgreSQL is psycopg. What the databases must hold
is found by running the same operations once more on a SQLite in memory.

    schema      the tables, the rows they begin with
    stores      one operation, one transaction, on either database: sqlite_store, postgres_store
    script      which operation is the n-th of a process: chance with a seed
    operations  what an operation is made of; they are in shared, private and compound
    record      the file in which a process writes down what it tries and what came of it
    driver      a process that writes, and replays where it met a fence
    prober      a process that tries to write to both stores all the time
    running     starts and stops them
    summary     how long operations took, and how long nobody was served
    reading     rows of either database in one form
    ledger      every acknowledged operation is there exactly once, and nothing else is
    equality    both stores are equal
    watching    totals hold at every moment
    judge       one store accepts at a time
    apart       any of these in a process of its own
    byhand      a copy and fences made by hand, to test all this without outgrow
"""
