"""Dates and times: the same text, or a refusal; never another day, second or zone."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence

import hypothesis
import law
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgrow import codec
from outgrow.codec import temporal

FRACTIONS = range(-1, 7)
TIMES = [codec.Time(fraction=fraction) for fraction in FRACTIONS]
TIMESTAMPS = [codec.Timestamp(separator=separator, fraction=fraction) for separator in " T" for fraction in FRACTIONS]
ZONED = [
    codec.Timestamptz(separator=separator, fraction=fraction, zone=zone)
    for separator, fraction, zone in itertools.product(" T", FRACTIONS, temporal.ZONES)
]

clocks = st.builds(
    "{:02}:{:02}:{:02}".format,
    st.sampled_from([0, 1, 12, 23, 24, 25, 29]),
    st.sampled_from([0, 1, 59, 60]),
    st.sampled_from([0, 1, 59, 60, 61]),
)
days = st.builds(
    "{:04}-{:02}-{:02}".format,
    st.sampled_from([0, 1, 4, 99, 100, 1582, 1900, 2000, 2023, 2024, 9999, 10000]),
    st.sampled_from([0, 1, 2, 4, 12, 13, 19]),
    st.sampled_from([0, 1, 10, 28, 29, 30, 31, 32, 39]),
)
fractions = st.sampled_from(
    ["", ".", ".0", ".5", ".50", ".123", ".000", ".120", ".1234567", ".123456", ".000000", ".100000"]
)
zones = st.sampled_from(["", *temporal.ZONES, "z", "-00", "-00:00", "+0000", "+01", "+05:30", " UTC", " +00"])
suffixes = st.sampled_from(["", "", "", "", " ", " BC", " AD", "\0", "\0x", "\n", "٠"])
near_times = st.builds("{}{}{}{}".format, clocks, fractions, zones, suffixes)
near_dates = st.builds("{}{}".format, days, suffixes)
separators = st.sampled_from([" ", "T", "t", "_", "  "])
near_moments = st.builds("{}{}{}{}{}{}".format, days, separators, clocks, fractions, zones, suffixes)


def written(moment: datetime.datetime, separator: str, fraction: int, zone: str) -> str:
    """A moment in one format."""
    text = moment.strftime(f"%m-%d{separator}%H:%M:%S")
    digits = f"{moment.microsecond:06}"
    if fraction == temporal.OPTIONAL:
        digits = digits if moment.microsecond else ""
    else:
        digits = digits[:fraction]
    return f"{moment.year:04}-{text}{'.' if digits else ''}{digits}{zone}"


moments = st.one_of(
    st.datetimes(min_value=datetime.datetime(1, 1, 1)),
    st.datetimes().map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)),
    st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
    st.sampled_from([datetime.datetime.min, datetime.datetime.max, datetime.datetime(2000, 2, 29, 23, 59, 59)]),
)
formatted = st.builds(
    written, moments, st.sampled_from(" T"), st.integers(-1, 6), st.sampled_from(["", *temporal.ZONES])
)


@law.fuzz
@given(st.lists(st.one_of(near_dates, near_moments, near_times, st.dates().map(str)), max_size=50))
def test_dates_cross_or_are_refused(bench: law.Bench, values: list[str]) -> None:
    """No day rolls over into another, and no word becomes the day of the migration."""
    bench.hold(codec.Date(), values, ["NUMERIC", "TEXT"])


@law.fuzz
@given(st.lists(st.one_of(near_times, st.times().map(str)), max_size=50), st.sampled_from(TIMES))
def test_times_cross_or_are_refused(bench: law.Bench, values: list[str], one: codec.Time) -> None:
    """24:00:00 would become the next day, 12:00:60 the next minute."""
    bench.hold(one, values, ["NUMERIC", "TEXT"])


@law.fuzz
@given(st.lists(st.one_of(near_moments, near_moments, formatted), max_size=50), st.sampled_from([*TIMESTAMPS, *ZONED]))
def test_moments_cross_or_are_refused(bench: law.Bench, values: list[str], one: codec.Timestamp) -> None:
    """Near misses of every format, by every codec."""
    bench.hold(one, values, ["NUMERIC", "TEXT"])


@hypothesis.settings(law.fuzz, max_examples=5)
@given(st.lists(moments, min_size=1, max_size=20))
def test_every_moment_fits_the_codec_of_its_format(bench: law.Bench, values: list[datetime.datetime]) -> None:
    """What the condition refuses for no reason would be quarantined for no reason."""
    for one in (*TIMESTAMPS, *ZONED):
        zone = one.zone if isinstance(one, codec.Timestamptz) else ""
        texts = {written(value, one.separator, one.fraction, zone) for value in values}
        assert len(bench.hold(one, texts, ["NUMERIC"]).crossed) == len(texts)
    for clock in TIMES:
        texts = {written(value, " ", clock.fraction, "")[11:] for value in values}
        assert len(bench.hold(clock, texts, ["NUMERIC"]).crossed) == len(texts)
    texts = {written(value, " ", 0, "")[:10] for value in values}
    assert len(bench.hold(codec.Date(), texts, ["NUMERIC"]).crossed) == len(texts)


def test_each_day_of_leap_and_common_years_crosses_and_no_other(bench: law.Bench) -> None:
    """Every combination of month and day, and every hour, minute and second."""
    years = (0, 1, 1582, 1900, 2000, 2023, 2024, 9999)
    dates = [f"{year:04}-{month:02}-{day:02}" for year in years for month in range(14) for day in range(33)]
    crossed = bench.hold(codec.Date(), dates, ["NUMERIC"]).crossed
    assert len(crossed) == sum(366 if year in (2000, 2024) else 365 for year in years if year)
    times = [f"{h:02}:{m:02}:{s:02}" for h in range(30) for m in (0, 59, 60) for s in (0, 30, 59, 60)]
    assert len(bench.hold(codec.Time(), times, ["NUMERIC"]).crossed) == 24 * 2 * 3


@pytest.mark.parametrize("zone", ["", *temporal.ZONES])
def test_a_zero_fraction_that_isoformat_would_leave_out_does_not_fit(bench: law.Bench, zone: str) -> None:
    """It would come back without its zeros."""
    zeros, without, fine = (f"2024-05-06T07:08:09{part}{zone}" for part in (".000000", "", ".000001"))
    spec = {"type": "timestamptz", "zone": zone} if zone else {"type": "timestamp"}
    one = codec.from_spec({**spec, "separator": "T", "fraction": temporal.OPTIONAL})
    bench.fill([zeros, without, fine], ["NUMERIC"])
    fits = bench.source.execute(f"SELECT {one.fits('c')} FROM source_NUMERIC ORDER BY id").fetchall()
    assert fits == [(0,), (1,), (1,)]


@law.fuzz
@given(st.lists(moments, max_size=40), st.sampled_from([codec.Date(), *TIMES, *TIMESTAMPS, *ZONED]))
def test_what_may_be_a_key_is_ordered_alike(
    bench: law.Bench, values: list[datetime.datetime], one: codec.Codec
) -> None:
    """The order of the texts is the order of the moments."""
    zone = one.zone if isinstance(one, codec.Timestamptz) else ""
    separator = one.separator if isinstance(one, codec.Timestamp) else " "
    texts = [written(value, separator, getattr(one, "fraction", 0), zone) for value in values]
    close = [
        written(datetime.datetime(2024, 1, 1, microsecond=us), separator, getattr(one, "fraction", 0), zone)
        for us in (0, 1, 10, 500_000, 999_999)
    ]
    texts = [*texts, *close]
    if one.type == "date":
        texts = [text[:10] for text in texts]
    elif one.type == "time":
        texts = [text[11:] for text in texts]
    ours, theirs = bench.orders(one, texts, "NUMERIC")
    assert (ours == theirs) == one.orderable


def test_optional_fractions_before_a_z_are_no_key(bench: law.Bench) -> None:
    """As text 09.500000Z comes before 09Z."""
    one = codec.Timestamptz(separator="T", fraction=temporal.OPTIONAL, zone="Z")
    assert not one.orderable
    ours, theirs = bench.orders(one, ["2024-05-06T07:08:09Z", "2024-05-06T07:08:09.500000Z"], "NUMERIC")
    assert ours != theirs


FORMATS = [
    (separator, fraction, zone)
    for separator, fraction, zone in itertools.product(" T", FRACTIONS, ["", *temporal.ZONES])
]


@law.fuzz
@given(st.lists(moments, min_size=2, max_size=12, unique=True), st.sampled_from(FORMATS))
def test_proposals_hold_the_format_of_all_values(
    bench: law.Bench, values: list[datetime.datetime], written_as: tuple[str, int, str]
) -> None:
    """One format, one proposal that takes every value."""
    separator, fraction, zone = written_as
    texts = [written(value, separator, fraction, zone) for value in values]
    wanted: codec.Spec = {"type": "timestamptz", "separator": separator, "fraction": fraction, "zone": zone}
    if not zone:
        wanted = {"type": "timestamp", "separator": separator, "fraction": fraction}
    expected = codec.from_spec(wanted)
    proposals = [*codec.formats("timestamptz" if zone else "timestamp", texts)]
    if fraction != temporal.OPTIONAL or len({len(text) for text in texts}) == 2:
        assert expected in proposals
    assert accepting(bench, proposals, texts)


@law.fuzz
@given(st.lists(st.tuples(moments, st.sampled_from(FORMATS)), min_size=1, max_size=8), st.data())
def test_no_proposal_takes_values_that_it_would_change(
    bench: law.Bench, values: list[tuple[datetime.datetime, tuple[str, int, str]]], data: st.DataObject
) -> None:
    """Mixes of formats, near misses among them: a proposal that takes all of them gives all of them back."""
    texts = [written(value, *written_as) for value, written_as in values]
    texts += data.draw(st.lists(near_moments, max_size=1))
    for kind in ("timestamp", "timestamptz", "date", "time"):
        accepting(bench, [*codec.formats(kind, texts)], texts)


@law.fuzz
@given(st.lists(st.times(), min_size=1, max_size=10), st.sampled_from(FRACTIONS))
def test_proposals_hold_the_format_of_times(bench: law.Bench, values: list[datetime.time], fraction: int) -> None:
    """Times have no separator and no zone."""
    texts = [written(datetime.datetime.combine(datetime.date.min, value), " ", fraction, "")[11:] for value in values]
    proposals = [*codec.formats("time", texts)]
    assert all(proposal.type == "time" for proposal in proposals)
    assert accepting(bench, proposals, texts)


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "time"])
@pytest.mark.parametrize("sample", [[], [""], ["now"], ["2024"], ["2024-05-06"], ["2024-05-06_07:08:09"], ["x" * 40]])
def test_a_sample_without_a_format_has_no_proposals(kind: str, sample: list[str]) -> None:
    """Such a column stays what it is."""
    assert [*codec.formats(kind, sample)] == []


def accepting(bench: law.Bench, proposals: Sequence[codec.Codec], texts: Sequence[str]) -> list[codec.Codec]:
    """The proposals that take all texts, each of which must keep the law."""
    assert len(set(proposals)) == len(proposals)
    found = []
    for one in proposals:
        crossed = bench.hold(one, texts, ["TEXT"]).crossed
        if {exact for _, exact in crossed} == {bench.stored(text) for text in texts}:
            found.append(one)
    return found
