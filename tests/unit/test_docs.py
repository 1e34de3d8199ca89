"""The documentation says what the code says."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from outgrow import codec, errors
from outgrow.cli import app
from tools import cli_reference, requirements

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("examples/*/*.md")])
SOURCES = {path: path.read_text() for path in sorted((ROOT / "src").rglob("*.py"))}
SOURCE = "\n".join(SOURCES.values())


def read(*parts: str) -> str:
    """A file of the repository."""
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def rows(page: str) -> dict[str, list[str]]:
    """The rows of a page's tables whose first cell is a name in backticks."""
    lines = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {name: line for line in lines for name in re.findall(r"`([^`]+)`", line[0])}


def finding_codes() -> set[str]:
    """Every code that a finding can have, as the source writes them."""
    source = "\n".join(text for path, text in SOURCES.items() if path.parent.name != "cli")
    codes = set(re.findall(r'\bcode="(\w+)"', source))
    left_out = set(re.findall(r'\.leave_out\(\s*"([\w ]+)"', source))
    remedies = source.partition("_REMEDIES = {")[2].partition("}")[0]
    others = set(re.findall(r'^    "([\w ]+)": "', remedies, re.MULTILINE))
    return (
        codes
        | {f"{kind.replace(' ', '_')}_left_out" for kind in left_out}
        | {f"{k.replace(' ', '_')}s_left_out" for k in others}
    )


def test_the_cli_reference_is_generated() -> None:
    """docs/cli.md is what `make docs` would write."""
    assert read("docs", "cli.md") == cli_reference.render()


def test_every_error_code_is_documented() -> None:
    """docs/json.md has each code with its exit status."""
    documented = rows(read("docs", "json.md"))
    for name in errors.__all__:
        error = getattr(errors, name)
        assert documented[error.code][1].strip() == str(error.exit_code), name


def test_every_finding_code_is_documented() -> None:
    """docs/findings.md has each code, and no other."""
    codes = finding_codes()
    assert len(codes) > 12
    assert set(rows(read("docs", "findings.md"))) == codes


def test_every_type_is_documented() -> None:
    """docs/types.md has each codec."""
    documented = rows(read("docs", "types.md").partition("## Codecs")[2])
    assert set(codec.TYPES) <= set(documented)


def test_every_word_of_the_glossary_is_used() -> None:
    """A word that the source never says is not one of the field's words, unless it is marked as to come."""
    words = re.findall(r"^\| \*\*([\w ]+)\*\*( ○)? \|", read("docs", "glossary.md"), re.MULTILINE)
    assert len(words) > 40
    assert [word for word, _ in words] == sorted(word for word, _ in words)
    said = SOURCE.lower() + read("src", "outgrow", "postgres", "sql", "state.sql").lower()
    unused = [word for word, later in words if not later and word.removesuffix("al").removesuffix("ing") not in said]
    assert unused == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    """A link leads to a file of the repository, and to a heading that is there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        if target.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.*)", linked.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}, (
            target
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_examples_exist(page: Path) -> None:
    """Every `$ outgrow …` names a command and options that there are, every `$ make …` a target."""
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for line in re.findall(r"^\$ (.+)$", page.read_text(), re.MULTILINE):
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            assert words[1] in targets, line
        elif words[0] == "outgrow":
            assert words[1] in app.commands(), line
            reference = read("docs", "cli.md").partition(f"## outgrow {words[1]}\n")[2].partition("## outgrow")[0]
            assert all(re.search(rf"{word}\b", reference) for word in words if word.startswith("--")), line


def test_the_readme_has_room_for_the_benchmark() -> None:
    """bench/table.py finds its markers."""
    assert re.search(r"<!-- bench:copy -->\n.*<!-- /bench:copy -->", read("README.md"), re.DOTALL)
    for name in ("whole", "verify", "memory", "capture", "reverse", "live"):
        room = rf"<!-- bench:{name} -->\n.*<!-- /bench:{name} -->"
        assert re.search(room, read("docs", "performance.md"), re.DOTALL), name


def test_every_decision_is_listed() -> None:
    """docs/decisions/README.md links each record under its title, in order."""
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.*) \|$", read("docs", "decisions", "README.md"), re.MULTILINE)
    records = sorted(path.name for path in (DOCS / "decisions").glob("0*.md"))
    assert [name for _, name, _ in listed] == records
    for number, name, title in listed:
        assert read("docs", "decisions", name).startswith(f"# {number}: {title}\n")


def test_no_page_has_a_line_that_a_terminal_cannot_show() -> None:
    """Prose is wrapped; tables and output are what they are."""
    for page in PAGES:
        for line in re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL).splitlines():
            assert len(line) <= 170 or line.startswith("|"), (page.name, line)


def test_constraints_are_the_lock() -> None:
    """`make` gives pip every locked version once for a Python, and the development group as it is declared."""
    locked = requirements.locked()
    assert len(locked) > 40
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+(; .+)?", line) for line in locked)
    groups = tomllib.loads(read("pyproject.toml"))["dependency-groups"]
    assert requirements.group("dev") == groups["dev"]


def test_the_lock_names_the_public_index_only() -> None:
    """A lock made behind a mirror would send everybody there."""
    public = pytest.importorskip("pip._internal.models.index").PyPI
    assert set(re.findall(r"https?://([^/\"]+)", read("uv.lock"))) == {public.netloc, public.file_storage_domain}
