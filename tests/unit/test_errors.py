"""The error tree: every leaf can be told apart by code and exit status."""

from __future__ import annotations

import inspect

import pytest

from outgrow import errors

LEAVES = [found for name in errors.__all__ if not (found := getattr(errors, name)).__subclasses__()]
ALL = [getattr(errors, name) for name in errors.__all__]
STATUS = {errors.Usage: 4, errors.Refused: 2, errors.Retryable: 3, errors.Internal: 70}


def test_all_names_the_whole_tree() -> None:
    """Nothing of the tree is missing from `__all__`."""
    defined = {name for name, found in vars(errors).items() if inspect.isclass(found) and issubclass(found, Exception)}
    assert defined == set(errors.__all__)


def test_codes_are_unique() -> None:
    """A code names one error."""
    assert len({error.code for error in ALL}) == len(ALL)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_leaf_says_what_it_is(leaf: type[errors.OutgrowError]) -> None:
    """A code of its own, a documented meaning, and the exit status and retry of its branch."""
    assert leaf.code == "".join(f"_{c.lower()}" if c.isupper() else c for c in leaf.__name__).lstrip("_")
    assert leaf.__doc__
    branch = next(branch for branch in STATUS if issubclass(leaf, branch))
    assert leaf.exit_code == STATUS[branch]
    assert leaf.retry == (branch is errors.Retryable)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_the_drawing_shows_the_tree(error: type[errors.OutgrowError]) -> None:
    """The docstring's drawing has every class."""
    assert error.__name__ in (errors.__doc__ or "")


def test_an_error_reads_as_sentences() -> None:
    """What happened, why, and what to do, with one full stop between them."""
    error = errors.TargetBusy("Somebody works here.", why="backend 7", hint="Wait")
    assert str(error) == "Somebody works here. backend 7. Wait"
    assert str(errors.Usage("Only this")) == "Only this"
