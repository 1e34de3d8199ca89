"""Dates and times that a column keeps as text of one format."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from outgrow.codec.base import Codec, Spec

__all__ = ["Date", "Time", "Timestamp", "Timestamptz", "formats"]

_D = "[0-9]"
_DATE = f"{_D * 4}-[01]{_D}-[0-3]{_D}"
_TIME = f"[0-2]{_D}:[0-5]{_D}:[0-5]{_D}"
OPTIONAL = -1
"""`fraction` of a format with six digits, left out when they are zero: what Python's isoformat() writes."""
ZONES = ("Z", "+00:00", "+00")


def _fractions(fraction: int) -> tuple[int, ...]:
    return (0, 6) if fraction == OPTIONAL else (fraction,)


class _Clock(Codec):
    """What timestamps and times share: a text of fixed shape whose seconds may have a fraction."""

    def __init__(self, *, fraction: int = 0) -> None:
        if not OPTIONAL <= fraction <= 6:
            raise ValueError(f"PostgreSQL keeps six digits of a second, not {fraction}")
        self.fraction = fraction

    @property
    def _head(self) -> str:
        """GLOB pattern of everything before the fraction."""
        raise NotImplementedError

    @property
    def _head_length(self) -> int:
        raise NotImplementedError

    @property
    def _zone(self) -> str:
        return ""

    def _shape(self, x: str) -> str:
        choices = []
        for digits in _fractions(self.fraction):
            pattern = self._head + (f".{_D * digits}" if digits else "") + self._zone
            choice = f"{x} GLOB '{pattern}'"
            if digits and self.fraction == OPTIONAL:
                # A fraction of zeros would come back without it.
                choice = f"({choice} AND substr({x},{self._head_length + 1},7)<>'.000000')"
            choices.append(choice)
        return f"({' OR '.join(choices)})" if len(choices) > 1 else choices[0]

    def guard(self, x: str) -> str:
        # PostgreSQL rolls 24:00:00 over into the next day; every other impossible time or date it refuses.
        # GLOB, length and substr stop at NUL.
        late = f"substr({x},{self._head_length - 7},2)<'24' AND instr({x},char(0))=0"
        return f"typeof({x})='text' AND {self._shape(x)} AND {late}"

    def fits(self, x: str) -> str:
        return self.guard(x)

    def conclusive(self, x: str) -> str:
        # PostgreSQL writes one form only, so digits and days need no second look; but what the canonical text leaves out does.
        start = self._head_length + 1
        choices = []
        for digits in _fractions(self.fraction):
            tail = (f".{_D * digits}" if digits else "") + self._zone
            choice = f"octet_length({x})={self._head_length + (digits and digits + 1) + len(self._zone)}"
            if tail:
                choice += f" AND substr({x},{start}) GLOB '{tail}'"
            if digits and self.fraction == OPTIONAL:
                choice += f" AND substr({x},{start},7)<>'.000000'"
            choices.append(choice)
        return f"typeof({x})='text' AND ({' OR '.join(choices)})"

    def canonical_source(self, x: str) -> str:
        # PostgreSQL's output: no separator T, no trailing zeros in the fraction, and +00 for the zone.
        body = self._body(x)
        if self.fraction > 0:
            body = f"rtrim(rtrim({body},'0'),'.')"
        elif self.fraction == OPTIONAL:
            longer = self._head_length + len(self._zone)
            body = f"CASE WHEN length({x})>{longer} THEN rtrim({body},'0') ELSE {body} END"
        return f"{body}||'+00'" if self._zone else body

    def _body(self, x: str) -> str:
        """The text without its zone, with a space for the T."""
        return x

    def restore(self, c: str) -> str:
        seconds = self._restore_format("HH24:MI:SS")
        if self.fraction == 0:
            return f"to_char({c},'{seconds}')"
        fine = self._restore_format("HH24:MI:SS." + ("US" if self.fraction in (OPTIONAL, 6) else f"FF{self.fraction}"))
        if self.fraction == OPTIONAL:
            return (
                f"CASE WHEN extract(microseconds FROM {c})::bigint % 1000000 = 0"
                f" THEN to_char({c},'{seconds}') ELSE to_char({c},'{fine}') END"
            )
        return f"to_char({c},'{fine}')"

    def _restore_format(self, clock: str) -> str:
        return clock


class Timestamp(_Clock):
    """Text such as `2024-05-06 07:08:09.123` without a zone as timestamp, all values of one format.

    The format is part of the codec: separator (space or T) and the number of digits of the fraction, -1 for Python's
    habit of leaving a zero fraction out. Impossible dates, year 0 and 24:00:00 do not fit.
    """

    type = "timestamp"

    def __init__(self, *, separator: str = " ", fraction: int = 0) -> None:
        super().__init__(fraction=fraction)
        if separator not in (" ", "T"):
            raise ValueError(f"between date and time stands a space or a T, not {separator!r}")
        self.separator = separator

    @property
    def _head(self) -> str:
        return f"{_DATE}{self.separator}{_TIME}"

    @property
    def _head_length(self) -> int:
        return 19

    def fits(self, x: str) -> str:
        if (self.separator, self.fraction, self._zone) == (" ", 0, ""):
            # What SQLite itself writes, which knows the calendar too; of negative years the minus sign is not '0'.
            return f"typeof({x})='text' AND datetime({x}) IS {x} COLLATE BINARY AND substr({x},1,4)>'0000'"
        return (
            f"{super().fits(x)} AND substr({x},1,4)>'0000'"
            # Every month has 28 days: only what comes after needs the calendar.
            f" AND CASE WHEN substr({x},9,2) BETWEEN '01' AND '28' AND substr({x},6,2) BETWEEN '01' AND '12' THEN 1"
            f" ELSE strftime('%Y-%m-%d',substr({x},1,10)) IS substr({x},1,10) END"
        )

    def conclusive(self, x: str) -> str:
        condition = super().conclusive(x)
        return f"{condition} AND substr({x},11,1)='T'" if self.separator == "T" else condition

    def _body(self, x: str) -> str:
        if self._zone:
            x = f"substr({x},1,length({x})-{len(self._zone)})"
        return f"replace({x},'T',' ')" if self.separator == "T" else x

    def _restore_format(self, clock: str) -> str:
        return f'YYYY-MM-DD"{self.separator}"{clock}'

    def spec(self) -> Spec:
        return {"type": self.type, "separator": self.separator, "fraction": self.fraction}


class Timestamptz(Timestamp):
    """Text with a zone that is UTC, always written alike (`Z`, `+00:00` or `+00`), as timestamptz.

    Any other offset would come back as another text, so it does not fit.
    """

    type = "timestamptz"

    def __init__(self, *, separator: str = " ", fraction: int = 0, zone: str = "Z") -> None:
        super().__init__(separator=separator, fraction=fraction)
        if zone not in ZONES:
            raise ValueError(f"UTC is written {', '.join(ZONES)}, not {zone!r}")
        self.zone = zone

    @property
    def orderable(self) -> bool:
        # As text, 09.5Z comes before 09Z.
        return self.fraction != OPTIONAL or self.zone != "Z"

    @property
    def _zone(self) -> str:
        return self.zone

    def restore(self, c: str) -> str:
        return f"({super().restore(f'({c} AT TIME ZONE {chr(39)}UTC{chr(39)})')})||'{self.zone}'"

    def spec(self) -> Spec:
        return {**super().spec(), "zone": self.zone}


class Date(Codec):
    """Text `YYYY-MM-DD` as date; an impossible date does not fit."""

    type = "date"

    def fits(self, x: str) -> str:
        return f"{self.guard(x)} AND substr({x},1,4)>'0000' AND strftime('%Y-%m-%d',{x}) IS {x} COLLATE BINARY"

    def guard(self, x: str) -> str:
        return f"typeof({x})='text' AND {x} GLOB '{_DATE}'"

    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text' AND octet_length({x})=10"

    def spec(self) -> Spec:
        return {"type": self.type}


class Time(_Clock):
    """Text `HH:MM:SS` with an optional fraction as time."""

    type = "time"

    @property
    def _head(self) -> str:
        return _TIME

    @property
    def _head_length(self) -> int:
        return 8

    def conclusive(self, x: str) -> str:
        # A time of PostgreSQL can be 24:00:00.
        return f"{super().conclusive(x)} AND substr({x},1,2)<'24'"

    def restore(self, c: str) -> str:
        return super().restore(f"(DATE '2000-01-01'+{c})")

    def spec(self) -> Spec:
        return {"type": self.type, "fraction": self.fraction}


def formats(kind: str, sample: list[str]) -> Iterator[Codec]:
    """Codecs of a kind (timestamp, timestamptz, date, time) whose format appears in the sample, likeliest first."""
    if kind == "date":
        yield Date()
        return
    seen: set[tuple[str, int, str]] = set()
    for text in sample:
        start = 8 if kind == "time" else 19
        if len(text) < start:
            continue
        rest = text[start:]
        digits = len(rest) - len(rest[1:].lstrip("0123456789")) - 1 if rest.startswith(".") else 0
        zone = rest[digits + 1 if digits else 0 :]
        if digits <= 6 and zone in ("", *ZONES):
            seen.add(("" if kind == "time" else text[10], digits, zone))
    for separator, zone in sorted({(s, z) for s, _, z in seen}):
        digits_seen = sorted({d for s, d, z in seen if (s, z) == (separator, zone)})
        fractions = [*digits_seen, OPTIONAL] if set(digits_seen) <= {0, 6} else digits_seen
        for fraction in itertools.chain(fractions):
            if kind == "time":
                if not zone:
                    yield Time(fraction=fraction)
            elif separator in (" ", "T"):
                if zone:
                    yield Timestamptz(separator=separator, fraction=fraction, zone=zone)
                else:
                    yield Timestamp(separator=separator, fraction=fraction)
