"""Operations made of others: several tables in one transaction, and transactions that take back some or all they did."""

from __future__ import annotations

from support.workload import operations, private, shared, stores

__all__ = ["partly", "several", "stumble", "undo"]


@operations.kind(16)
def several(draw: operations.Draw) -> operations.Act:
    """A transfer and changes of a handful of tables, all or nothing."""
    first, rest = shared.transfer(draw), _some(draw, draw.chance.randrange(2, 6))

    def body(store: stores.Store) -> None:
        first.body(store)
        for each in rest:
            each(store)

    return operations.Act(body=body, effect=first.effect)


@operations.kind(14)
def undo(draw: operations.Draw) -> operations.Act:
    """A transaction that is rolled back."""
    parts = [shared.transfer(draw).body, *_some(draw, 3)]

    def body(store: stores.Store) -> None:
        for each in parts:
            each(store)

    return operations.Act(body=body, commits=False)


@operations.kind(10)
def partly(draw: operations.Draw) -> operations.Act:
    """A transaction that is rolled back in part."""
    before, undone, after = _some(draw, 3)
    taken_back = shared.transfer(draw).body

    def body(store: stores.Store) -> None:
        before(store)
        store.run("SAVEPOINT part")
        taken_back(store)
        undone(store)
        store.run("ROLLBACK TO SAVEPOINT part")
        store.run("RELEASE SAVEPOINT part")
        after(store)

    return operations.Act(body=body)


@operations.kind(6)
def stumble(draw: operations.Draw) -> operations.Act:
    """A statement breaks a unique index, and the application goes on."""
    slot, (after,) = draw.chance.choice(draw.own_accounts), _some(draw, 1)

    def body(store: stores.Store) -> None:
        # Slots only change hands among the process's own accounts: this one is always taken.
        store.stumble("INSERT INTO account (name, slot) VALUES (?, ?)", f"never {draw.op}", slot)
        after(store)

    return operations.Act(body=body)


def _some(draw: operations.Draw, times: int) -> list[operations.Body]:
    return [draw.chance.choice(private.SMALL)(draw).body for _ in range(times)]
