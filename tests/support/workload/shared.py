"""Operations on rows that belong to all: hot, contended, and such that their order does not matter.

PostgreSQL's row locks are always taken in the same order (accounts by id, counters by id, tags), so that no two wait for
each other.
"""

from __future__ import annotations

from support.workload import operations, schema, stores

__all__ = ["count", "count_many", "swap_emails", "swap_slots", "touch", "transfer", "weigh"]


@operations.kind(80)
def transfer(draw: operations.Draw) -> operations.Act:
    """Money moves between two to four accounts: rows of three tables that only make sense together."""
    chance = draw.chance
    accounts = sorted(chance.sample(range(1, draw.shape.accounts + 1), chance.choice([2, 2, 2, 3, 4])))
    amounts = [chance.randrange(-50, 51) for _ in accounts[1:]]
    legs = dict(zip(accounts, [-sum(amounts), *amounts], strict=True))
    own = schema.LEG_COUNTERS + draw.process

    def body(store: stores.Store) -> None:
        for account, amount in legs.items():
            store.run("UPDATE account SET balance = balance + ?, moves = moves + 1 WHERE id = ?", amount, account)
        store.run("UPDATE counter SET n = n + ? WHERE id = ?", len(legs), own)
        for account, amount in legs.items():
            store.insert("entry", account=account, op=draw.op, amount=amount)

    moved = {str(account): amount for account, amount in legs.items()}
    return operations.Act(body=body, effect={"account": moved, "counter": {str(own): len(legs)}})


@operations.kind(30)
def count(draw: operations.Draw) -> operations.Act:
    """A hot row."""
    return _counted({draw.chance.randrange(1, schema.HOT_COUNTERS + 1): draw.chance.randrange(1, 5)})


@operations.kind(6)
def count_many(draw: operations.Draw) -> operations.Act:
    """Several hot rows."""
    numbers = sorted(draw.chance.sample(range(1, schema.HOT_COUNTERS + 1), 3))
    return _counted({number: draw.chance.randrange(-3, 4) for number in numbers})


def _counted(steps: dict[int, int]) -> operations.Act:
    def body(store: stores.Store) -> None:
        for number, step in steps.items():
            store.run("UPDATE counter SET n = n + ? WHERE id = ?", step, number)

    return operations.Act(body=body, effect={"counter": {str(number): step for number, step in steps.items()}})


@operations.kind(20)
def weigh(draw: operations.Draw) -> operations.Act:
    """An upsert, by whoever comes first an insert."""
    name, weight = f"shared {draw.chance.randrange(schema.SHARED_TAGS)}", draw.chance.randrange(1, 10)

    def body(store: stores.Store) -> None:
        store.run(
            "INSERT INTO tag (name, weight) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET weight = tag.weight + excluded.weight",
            name,
            weight,
        )

    return operations.Act(body=body, effect={"tag": {name: weight}})


@operations.kind(14)
def swap_slots(draw: operations.Draw) -> operations.Act:
    """Two or three accounts change places in a unique index."""
    accounts = sorted(draw.chance.sample(draw.own_accounts, draw.chance.choice([2, 3])))

    def body(store: stores.Store) -> None:
        slots = [store.run("SELECT slot FROM account WHERE id = ?", account)[0][0] for account in accounts]
        store.run("UPDATE account SET slot = NULL WHERE id = ?", accounts[0])
        for account, slot in zip([*accounts[1:], accounts[0]], slots, strict=True):
            store.run("UPDATE account SET slot = ? WHERE id = ?", slot, account)

    return operations.Act(body=body)


@operations.kind(8)
def swap_emails(draw: operations.Draw) -> operations.Act:
    """Two accounts change places in a unique index without case, and one of them its case."""
    one, other = sorted(draw.chance.sample(draw.own_accounts, 2))

    def body(store: stores.Store) -> None:
        first, second = (store.run("SELECT email FROM account WHERE id = ?", each)[0][0] for each in (one, other))
        store.run("UPDATE account SET email = NULL WHERE id = ?", one)
        store.run("UPDATE account SET email = ? WHERE id = ?", first, other)
        store.run("UPDATE account SET email = ? WHERE id = ?", second.swapcase(), one)

    return operations.Act(body=body)


@operations.kind(6)
def touch(draw: operations.Draw) -> operations.Act:
    """An update that changes nothing."""
    account = draw.chance.choice(draw.own_accounts)
    return operations.does("UPDATE account SET slot = slot WHERE id = ?", account)
