"""A live migration under everything at once, for as long as one wants: `python -m support.soak --seconds 3600 --seed 7`.

The workload's processes and the prober write all the time; the engine follows through one proxy, the application reaches
PostgreSQL through another. Chance, with a seed that is printed, chooses what happens next and when: a switch or a rollback, the
death of an engine, of a writer, or of connections, a checkpoint, lost triggers, a new column. Now and then everything comes to
rest and is judged: what was acknowledged is in both stores, both are equal, one was open at a time, the totals held at every
moment. A line is printed for each event, and a summary in the end; the first violation ends it with status 1.

    course  what is started, how it goes on, and when it is judged
    events  what may happen
"""
