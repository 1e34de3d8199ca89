"""Operations on rows that belong to one process: whatever can be done to a row, its key, and what depends on it.

Nothing in them may depend on an id that a database gave: the two databases, and the one that replays, give others.
"""

from __future__ import annotations

from support.workload import operations, schema, stores

__all__ = ["SMALL", "big_doc", "large", "pad"]

GROUPS = ("group 0", "group 1", "group 2", "group 3", "group 4", "Group 1", "grüppe", "tab\tbed", "", "\x1e\x1f")


# --- accounts: unique values, cascades, ids that are given ---------------------------------------------------------


@operations.kind(20)
def reopen(draw: operations.Draw) -> operations.Act:
    """An account goes with its entries, another comes under a new id, with entries."""
    name, amounts = draw.name(), [draw.chance.randrange(-9, 10) for _ in range(draw.chance.randrange(4))]

    def body(store: stores.Store) -> None:
        store.run("DELETE FROM account WHERE name = ?", name)
        account = store.insert("account", name=name)
        for amount in amounts:
            store.insert("entry", account=account, op=draw.op, amount=amount)

    return operations.Act(body=body)


@operations.kind(16)
def replace_account(draw: operations.Draw) -> operations.Act:
    """INSERT OR REPLACE: up to three rows are deleted through three unique indexes, their entries with them."""
    name, old, slot, email = draw.name(), draw.slot(), draw.slot(), draw.email()
    given = draw.chance.choice(["slot", "email", "both", "all"])

    def body(store: stores.Store) -> None:
        values: dict[str, object] = {"slot": slot} if given == "slot" else {"email": email}
        if given in ("both", "all"):
            values = {"slot": slot, "email": email}
        if given == "all" and (found := store.run("SELECT id FROM account WHERE slot = ?", old)):
            values["id"] = found[0][0]
        store.replace("account", name=name, **values)

    return operations.Act(body=body)


@operations.kind(10)
def move_account(draw: operations.Draw) -> operations.Act:
    """UPDATE OR REPLACE: the rows in the way are deleted."""
    old, slot, email = draw.slot(), draw.slot(), draw.email()
    with_email = draw.chance.random() < 0.5

    def body(store: stores.Store) -> None:
        values: dict[str, object] = {"slot": slot}
        # With foreign keys on, SQLite 3.40 (not 3.54) fails when a row replaces another one and keeps its own unique value.
        own = store.run("SELECT lower(email) FROM account WHERE slot = ?", old)
        if with_email and own != [(email.lower(),)]:
            values["email"] = email
        store.move("account", {"slot": old}, **values)

    return operations.Act(body=body)


@operations.kind(8)
def ignore_account(draw: operations.Draw) -> operations.Act:
    """INSERT OR IGNORE, ignored for the slot, the address, or not at all."""
    name, slot, email = draw.name(), draw.slot(), draw.email()
    return operations.Act(body=lambda store: store.ignore("account", name=name, slot=slot, email=email))


@operations.kind(5)
def rekey_account(draw: operations.Draw) -> operations.Act:
    """An account gets another id, and its entries follow."""
    slot = draw.slot()
    return operations.does("UPDATE account SET id = ? WHERE slot = ?", draw.fresh_id(), slot)


@operations.kind(4)
def respell(draw: operations.Draw) -> operations.Act:
    """A unique value without case changes its case only."""
    return operations.does("UPDATE account SET email = upper(email) WHERE slot = ?", draw.slot())


@operations.kind(10)
def post(draw: operations.Draw) -> operations.Act:
    """Entries for an account, if it is there."""
    slot, amounts = draw.slot(), [draw.chance.randrange(-9, 10) for _ in range(draw.chance.randrange(1, 5))]

    def body(store: stores.Store) -> None:
        for (account,) in store.run("SELECT id FROM account WHERE slot = ?", slot):
            for amount in amounts:
                store.insert("entry", account=account, op=draw.op, amount=amount)

    return operations.Act(body=body)


@operations.kind(5)
def close_account(draw: operations.Draw) -> operations.Act:
    """Accounts of one name go, with their entries."""
    return operations.does("DELETE FROM account WHERE name = ?", draw.name())


# --- tags and memberships: keys of text, keys of two columns --------------------------------------------------------


@operations.kind(10)
def rename_tag(draw: operations.Draw) -> operations.Act:
    """A text key changes."""
    name = draw.chance.choice(["tag %s", "tag\t%s\\", "Étiquette %s", "tag %s\x1e"]) % draw.fresh_name()
    place = draw.chance.randrange(10)
    return operations.does("UPDATE tag SET name = ? WHERE owner = ? AND place = ?", name, draw.process, place)


@operations.kind(6)
def swap_tags(draw: operations.Draw) -> operations.Act:
    """Two rows exchange their keys."""
    places, aside = draw.chance.sample(range(10), 2), draw.fresh_name()

    def body(store: stores.Store) -> None:
        find = "SELECT name FROM tag WHERE owner = ? AND place = ?"
        names = [name for place in places for (name,) in store.run(find, draw.process, place)]
        if len(names) == 2:
            store.run("UPDATE tag SET name = ? WHERE name = ?", aside, names[0])
            store.run("UPDATE tag SET name = ? WHERE name = ?", names[0], names[1])
            store.run("UPDATE tag SET name = ? WHERE name = ?", names[1], aside)

    return operations.Act(body=body)


@operations.kind(8)
def retag(draw: operations.Draw) -> operations.Act:
    """INSERT OR REPLACE of a row by its own key, or the first of its kind."""
    place, fresh = draw.chance.randrange(10), draw.fresh_name()

    def body(store: stores.Store) -> None:
        found = store.run("SELECT name FROM tag WHERE owner = ? AND place = ?", draw.process, place)
        name = found[0][0] if found else fresh
        store.replace("tag", name=name, owner=draw.process, place=place, weight=draw.n)

    return operations.Act(body=body)


@operations.kind(3)
def drop_tag(draw: operations.Draw) -> operations.Act:
    """A row with a text key goes."""
    place = draw.chance.randrange(10)
    return operations.does("DELETE FROM tag WHERE owner = ? AND place = ?", draw.process, place)


@operations.kind(10)
def join(draw: operations.Draw) -> operations.Act:
    """INSERT OR REPLACE or OR IGNORE by a key of two columns."""
    row = {"a": draw.process, "b": draw.chance.choice(GROUPS), "role": draw.text()}
    if draw.chance.random() < 0.3:
        return operations.Act(body=lambda store: store.ignore("membership", **row))
    return operations.Act(body=lambda store: store.replace("membership", **row))


@operations.kind(6)
def enrol(draw: operations.Draw) -> operations.Act:
    """INSERT ... ON CONFLICT by a key of two columns, which updates, updates some, or does nothing."""
    action = draw.chance.choice(
        ["UPDATE SET role = excluded.role", "UPDATE SET role = 'again' WHERE membership.role IS NULL", "NOTHING"]
    )
    statement = f"INSERT INTO membership (a, b, role) VALUES (?, ?, ?) ON CONFLICT (a, b) DO {action}"
    return operations.does(statement, draw.process, draw.chance.choice(GROUPS), draw.text())


@operations.kind(8)
def move_membership(draw: operations.Draw) -> operations.Act:
    """UPDATE OR REPLACE onto another row's key."""
    old, new = draw.chance.choice(GROUPS), draw.chance.choice(GROUPS)
    return operations.Act(
        body=lambda store: store.move("membership", {"a": draw.process, "b": old}, b=new, role=draw.op)
    )


@operations.kind(5)
def leave(draw: operations.Draw) -> operations.Act:
    """A row with a key of two columns goes."""
    group = draw.chance.choice(GROUPS)
    return operations.does("DELETE FROM membership WHERE a = ? AND b = ?", draw.process, group)


# --- events: no key, equal rows ---------------------------------------------------------------------------------------


@operations.kind(20)
def append(draw: operations.Draw) -> operations.Act:
    """Rows without a key, some of them equal."""
    source, payload, times = f"{draw.process}/{draw.chance.randrange(10)}", draw.text(), draw.chance.randrange(1, 5)

    def body(store: stores.Store) -> None:
        for _ in range(times):
            store.insert("event", op=draw.op, source=source, payload=payload)

    return operations.Act(body=body)


@operations.kind(5)
def amend_events(draw: operations.Draw) -> operations.Act:
    """Rows without a key change."""
    source = f"{draw.process}/{draw.chance.randrange(10)}"
    return operations.does("UPDATE event SET payload = ? WHERE source = ?", draw.text(), source)


@operations.kind(7)
def forget_events(draw: operations.Draw) -> operations.Act:
    """Rows without a key go."""
    source = f"{draw.process}/{draw.chance.randrange(10)}"
    return operations.does("DELETE FROM event WHERE source = ?", source)


# --- documents: every type, ids given, changed and used again ---------------------------------------------------------


@operations.kind(20)
def write_doc(draw: operations.Draw) -> operations.Act:
    """A row goes, and another comes, with an id that may have been used before."""
    name, values = f"doc {draw.process}.{draw.chance.randrange(10)}", draw.doc()

    def body(store: stores.Store) -> None:
        store.run("DELETE FROM doc WHERE name = ?", name)
        store.insert("doc", name=name, **values)

    return operations.Act(body=body)


@operations.kind(14)
def amend_doc(draw: operations.Draw) -> operations.Act:
    """One to three columns of any type change."""
    values = dict(
        draw.chance.sample(sorted(draw.doc().items(), key=lambda item: item[0]), draw.chance.choice([1, 2, 3]))
    )
    changes = ", ".join(f"{column} = ?" for column in values)
    name = f"doc {draw.process}.{draw.chance.randrange(10)}"
    return operations.does(f"UPDATE doc SET {changes} WHERE name = ?", *values.values(), name)


@operations.kind(6)
def rekey_doc(draw: operations.Draw) -> operations.Act:
    """A row gets an id below zero."""
    name = f"doc {draw.process}.{draw.chance.randrange(10)}"
    return operations.does("UPDATE doc SET id = ? WHERE name = ?", draw.fresh_id(), name)


@operations.kind(5)
def drop_doc(draw: operations.Draw) -> operations.Act:
    """A row goes, and its id may be used again."""
    return operations.does("DELETE FROM doc WHERE name = ?", f"doc {draw.process}.{draw.chance.randrange(10)}")


@operations.kind(1)
def big_doc(draw: operations.Draw) -> operations.Act:
    """Values as large as the script wants them."""
    name, body_text, blob = f"doc {draw.process}.0", draw.big(), draw.chance.randbytes(draw.shape.big)

    def body(store: stores.Store) -> None:
        store.run("DELETE FROM doc WHERE name = ?", name)
        store.insert("doc", name=name, body=body_text, blob=blob)

    return operations.Act(body=body)


# --- nodes: a table that refers to itself, in circles as well ------------------------------------------------------------


def _node(draw: operations.Draw) -> int:
    return (draw.process + 1) * 10**9 + draw.chance.randrange(30)


@operations.kind(8)
def plant(draw: operations.Draw) -> operations.Act:
    """A node goes with all below it, and comes back below another."""
    node, parent, label = _node(draw), _node(draw), f"node {draw.op}"

    def body(store: stores.Store) -> None:
        store.run("DELETE FROM node WHERE id = ?", node)
        found = store.run("SELECT id FROM node WHERE id = ?", parent)
        store.insert("node", id=node, parent=found[0][0] if found else 0, label=label)

    return operations.Act(body=body)


@operations.kind(6)
def graft(draw: operations.Draw) -> operations.Act:
    """A node goes below another, which may be below it."""
    find = "(SELECT other.id FROM node AS other WHERE other.id = ?)"
    return operations.does(f"UPDATE node SET parent = {find} WHERE id = ?", _node(draw), _node(draw))


@operations.kind(3)
def prune(draw: operations.Draw) -> operations.Act:
    """A node goes, with all below it."""
    return operations.does("DELETE FROM node WHERE id = ?", _node(draw))


# --- tables that are emptied, tables that are large, tables that are many --------------------------------------------------


@operations.kind(6)
def scribble(draw: operations.Draw) -> operations.Act:
    """Some rows at once."""
    rows = [(f"{draw.op}/{number}",) for number in range(draw.chance.randrange(3, 30))]
    return operations.Act(body=lambda store: store.many(f"INSERT INTO scratch_{draw.process} (v) VALUES (?)", rows))


@operations.kind(8)
def sprout(draw: operations.Draw) -> operations.Act:
    """Rows, and others that go with them when the table is emptied."""
    leaves = [draw.chance.randrange(4) for _ in range(draw.chance.randrange(1, 8))]

    def body(store: stores.Store) -> None:
        for number, count in enumerate(leaves):
            twig = store.insert(f"scratch_{draw.process}", v=f"{draw.op}/twig {number}")
            for leaf in range(count):
                store.insert(f"leaf_{draw.process}", scratch=twig, v=f"{draw.op}/leaf {leaf}")

    return operations.Act(body=body)


@operations.kind(3)
def wipe(draw: operations.Draw) -> operations.Act:
    """Every row of a table at once, with what belongs to them: on PostgreSQL TRUNCATE CASCADE."""
    return operations.Act(body=lambda store: store.empty(f"scratch_{draw.process}"))


@operations.kind(10)
def amend_archive(draw: operations.Draw) -> operations.Act:
    """A row anywhere in the large table."""
    change = "UPDATE archive SET note = ?, ratio = ? WHERE id = ?"
    return operations.does(change, draw.text(), draw.real(), draw.archived())


@operations.kind(4)
def archive(draw: operations.Draw) -> operations.Act:
    """INSERT OR REPLACE anywhere in the large table."""
    row = {"id": draw.archived(), "label": draw.op, "note": draw.text(), "amount": draw.amount(), "ratio": draw.real()}
    return operations.Act(body=lambda store: store.replace("archive", **row))


@operations.kind(4)
def swap_archive(draw: operations.Draw) -> operations.Act:
    """Two rows of the large table exchange their ids, if they are there."""
    one, other, aside = draw.archived(), draw.archived(), draw.fresh_id()
    change = "UPDATE archive SET id = ? WHERE id = ?"

    def body(store: stores.Store) -> None:
        store.run(change, aside, one)
        store.run(change, one, other)
        store.run(change, other, aside)

    return operations.Act(body=body if one != other else lambda store: None)


@operations.kind(3)
def discard(draw: operations.Draw) -> operations.Act:
    """A row of the large table goes."""
    return operations.does("DELETE FROM archive WHERE id = ?", draw.archived())


@operations.kind(10)
def pad(draw: operations.Draw) -> operations.Act:
    """A row of one of the further tables."""
    table = draw.chance.choice(draw.shape.paddings)
    row = draw.process + draw.shape.processes * draw.chance.randrange(schema.PADDING_ROWS // draw.shape.processes)
    return operations.does(f"UPDATE {table} SET a = ?, b = b + 1 WHERE id = ?", draw.op, row)


@operations.kind(1)
def large(draw: operations.Draw) -> operations.Act:
    """Thousands of rows in one transaction: they come, change, or go."""
    source = f"{draw.process}/large {draw.chance.randrange(2)}"
    rows = [(draw.op, source, f"row {number}") for number in range(draw.shape.large)]
    what = draw.chance.choice(["come", "come", "change", "go"])

    def body(store: stores.Store) -> None:
        if what == "change":
            store.run("UPDATE event SET op = ? WHERE source = ?", draw.op, source)
            return
        store.run("DELETE FROM event WHERE source = ?", source)
        if what == "come":
            store.many("INSERT INTO event (op, source, payload) VALUES (?, ?, ?)", rows)

    return operations.Act(body=body)


SMALL: tuple[operations.Decide, ...] = (
    reopen, replace_account, move_account, ignore_account, rekey_account, respell, post, close_account,
    rename_tag, swap_tags, retag, drop_tag, join, move_membership, leave, append, amend_events, forget_events,
    write_doc, amend_doc, rekey_doc, drop_doc, plant, graft, prune, scribble, wipe, amend_archive, archive, discard,
    enrol, swap_archive,
)  # fmt: skip
"""What other operations are put together of."""
