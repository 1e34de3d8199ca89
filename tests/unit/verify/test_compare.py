"""How digests of spans are asked for: in advance, and once more where plain text is not clear."""

from __future__ import annotations

import concurrent.futures

from outgrow.model import store
from outgrow.verify import compare

SPANS = [store.Span(lower=(number,), upper=(number + 1,)) for number in range(6)]


class Side:
    """A side that notes what it was asked; the spans in `unclear` it can only measure."""

    def __init__(self, *unclear: store.Span, ahead: int = 2) -> None:
        self.unclear = unclear
        self.ahead = ahead
        self.asked: list[tuple[store.Span, store.Form]] = []

    def digest(self, span: store.Span, form: store.Form) -> concurrent.futures.Future[store.Digest]:
        """The span's own number in the form that is asked for, or in the clear one."""
        self.asked.append((span, form))
        given = store.Form.MEASURED if span in self.unclear else form
        future: concurrent.futures.Future[store.Digest] = concurrent.futures.Future()
        future.set_result(store.Digest(hash=bytes(span.lower or ()), rows=1, form=given))
        return future


def test_clear_text_is_asked_for_once() -> None:
    """Every span of either side, in order, and the target is ahead."""
    ours, theirs = Side(), Side()
    walked = []
    for span, mine, other in compare.digests(ours, theirs, SPANS):
        assert mine == other
        walked.append(span)
        assert len(theirs.asked) == min(len(walked) + theirs.ahead, len(SPANS))
    assert walked == SPANS
    assert ours.asked == theirs.asked == [(span, store.Form.PLAIN) for span in SPANS]


def test_text_that_is_not_clear_is_measured_on_both_sides() -> None:
    """The span itself and those already asked for again; all that follow at once."""
    ours, theirs = Side(SPANS[1]), Side()
    assert all(mine == other for _, mine, other in compare.digests(ours, theirs, SPANS))
    assert theirs.asked.count((SPANS[1], store.Form.MEASURED)) == 1
    assert [span for span, form in ours.asked if form is store.Form.MEASURED] == SPANS[4:]
    assert len(theirs.asked) == len(SPANS) + 1
