"""The words HomeVerse is filled with: people, places, prose, JSON, clocks and vectors.

Everything is drawn from the `random.Random` handed in and from nothing else, so a seed gives the same content
on every machine. Only operations that round the same way everywhere are used (no `gauss`, no `sum` of floats).
"""

from __future__ import annotations

import datetime
import itertools
import json
import math
import random
import struct
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

BEGINNING = datetime.datetime(2019, 3, 4, 8, 0, 0)
END = datetime.datetime(2025, 11, 28, 18, 0, 0)
LIFETIME = int((END - BEGINNING).total_seconds())

MODELS = ("all-MiniLM-L6-v2", "paraphrase-multilingual-MiniLM-L12-v2")

# Per language: given names, family names, each as written and as it appears in an e-mail address.
PEOPLE: tuple[tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]], ...] = (
    (
        (("Ingrid", "ingrid"), ("Øystein", "oystein"), ("Åse", "aase"), ("Bjørn", "bjorn")),
        (("Solberg", "solberg"), ("Ødegård", "odegard"), ("Håkonsen", "haakonsen"), ("O'Brien", "obrien")),
    ),
    (
        (("Zoë", "zoe"), ("François", "francois"), ("José", "jose"), ("Inês", "ines")),
        (("Müller", "mueller"), ("García-Núñez", "garcia.nunez"), ("D'Ångelo", "dangelo"), ("Weiß", "weiss")),
    ),
    (
        (("Łukasz", "lukasz"), ("Žofie", "zofie"), ("Ağça", "agca"), ("İpek", "ipek")),
        (("Wójcik", "wojcik"), ("Dvořák", "dvorak"), ("Şahin", "sahin"), ("Kovács", "kovacs")),
    ),
    (
        (("Олена", "olena"), ("Дмитро", "dmytro"), ("Μαρία", "maria"), ("Γιώργος", "giorgos")),
        (("Шевченко", "shevchenko"), ("Їжакевич", "yizhakevych"), ("Παπαδόπουλος", "papadopoulos")),
    ),
    (
        (("محمد", "mohammed"), ("فاطمة", "fatima"), ("נועה", "noa"), ("یاسمین", "yasmin")),
        (("الحسيني", "alhusseini"), ("כהן", "cohen"), ("احمدی", "ahmadi")),
    ),
    (
        (("小明", "xiaoming"), ("さくら", "sakura"), ("민준", "minjun"), ("𠮷郎", "yoshiro")),
        (("王", "wang"), ("佐藤", "sato"), ("김", "kim"), ("𠮷田", "yoshida")),
    ),
    (
        (("अनन्या", "ananya"), ("สมชาย", "somchai"), ("ලක්ෂ්මී", "lakshmi"), ("தமிழ்", "tamil")),
        (("शर्मा", "sharma"), ("วงศ์สว่าง", "wongsawang"), ("රාජපක්ෂ", "rajapaksa")),
    ),
    (
        (("Zoe\u0308", "zoe"), ("Rene\u0301", "rene"), ("Nguye\u0302\u0303n", "nguyen"), ("Max", "max")),
        (("Null", "null"), ("Nguyễn", "nguyen"), ("Tre\u0301panier", "trepanier"), ("Smith", "smith")),
    ),
)

PLACES = (
    "Oslo", "Tromsø", "Zürich", "Kraków", "São Paulo", "Αθήνα", "Київ", "東京都渋谷区", "서울", "القاهرة",
    "תל אביב", "İstanbul", "Malmö", "Ærøskøbing", "Reykjavík", "Łódź", "मुंबई", "กรุงเทพฯ", "Oslo ", "Saint-Étienne",
)  # fmt: skip
COUNTRIES = ("NO", "SE", "DK", "CH", "DE", "PL", "FR", "GR", "UA", "JP")

SENTENCES = (
    "Bright corner flat with a view of the fjord.",
    "Quiet courtyard, bicycle cellar and a shared roof terrace 🌿.",
    "Ruhige Lage, Südbalkon, Aufzug – nur 5 Gehminuten zur S‑Bahn.",
    "Lys og romslig leilighet på Grünerløkka, nær både park og trikk.",
    "Très lumineux, «coup de cœur» assuré ; charges comprises.",
    "駅から徒歩3分、ペット可、オートロック付き。",
    "Тихий двір, поруч школа та дитячий садок.",
    "شقة مشمسة قريبة من المترو، الطابق الثالث.",
    "Families welcome 👨‍👩‍👧‍👦, no smoking 🚭.",
    'The caretaker says: "ring twice"; it\'s the 2nd door on the left.',
    "Energy class A++, 100% district heating, ≈ 54 kWh/m².",
    "Documents are in C:\\Shared\\plans\\new\\tower.pdf and \\\\nas01\\homes.",
)
BREAKS = ("\n", "\r\n", "\n\n", "\t", "\r\n\t- ", "\n\t• ", " ", " ", " ", "  ")

AMENITIES = ("balcony", "lift", "parking", "sauna", "roof terrace", "vaskekjeller", "Südbalkon", "床暖房")
COMMENTS = ("ok", "needs a lift 🛗", "kjæledyr: 1 katt", 'said "maybe"', "ペット可?", "a\\b", "line one\nline two", "")


def weighted(rng: random.Random, choices: dict[Any, int]) -> Any:
    """One key of `choices`, drawn by its integer weight."""
    throw = rng.randrange(sum(choices.values()))
    for choice, weight in choices.items():
        throw -= weight
        if throw < 0:
            return choice
    raise AssertionError("weights are positive")


def person(rng: random.Random) -> tuple[str, str, str]:
    """Given name, family name, and the local part of an e-mail address."""
    given_names, family_names = rng.choice(PEOPLE)
    given, given_ascii = rng.choice(given_names)
    family, family_ascii = rng.choice(family_names)
    return given, family, f"{given_ascii}.{family_ascii}"


def prose(rng: random.Random, sentences: int) -> str:
    """Sentences in several languages, joined by blanks, tabs, LF and CRLF."""
    parts = [rng.choice(SENTENCES)]
    for _ in range(sentences - 1):
        parts.append(rng.choice(BREAKS))
        parts.append(rng.choice(SENTENCES))
    return "".join(parts)


def as_json(rng: random.Random, value: Any) -> str:
    """JSON text as two generations of code wrote it: with escapes for everything beyond ASCII, or compact and raw."""
    if rng.random() < 0.5:
        return json.dumps(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def money(rng: random.Random, low: int, high: int) -> int | float:
    """An amount with two decimals; one in eight is a plain integer, as typed."""
    if rng.random() < 0.125:
        return rng.randrange(low, high)
    return rng.randrange(low * 100, high * 100) / 100


def moments(rng: random.Random, count: int) -> Iterator[datetime.datetime]:
    """`count` ascending moments over the life of the application, with microseconds that are never zero."""
    step = max(LIFETIME // max(count, 1), 1)
    for index in range(count):
        seconds = min(index * step + rng.randrange(step), LIFETIME)
        yield BEGINNING + datetime.timedelta(seconds=seconds, microseconds=rng.randrange(1, 1_000_000))


def sql_text(moment: datetime.datetime) -> str:
    """As `CURRENT_TIMESTAMP` writes it: `2024-05-01 12:30:00`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def iso_text(moment: datetime.datetime) -> str:
    """As `datetime.isoformat()` writes it: `2024-05-01T12:30:00.123456`."""
    return moment.isoformat(timespec="microseconds")


def later(rng: random.Random, moment: datetime.datetime, days: int) -> datetime.datetime:
    """A moment up to `days` days after `moment`."""
    return moment + datetime.timedelta(seconds=rng.randrange(1, days * 86_400), microseconds=1)


def uuid4(rng: random.Random) -> str:
    """A random version 4 UUID, from `rng` instead of the operating system."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def centroids(rng: random.Random, dims: int, count: int = 8) -> list[list[float]]:
    """Directions around which the embeddings gather, so that a nearest neighbour means something."""
    return [[rng.random() * 2 - 1 for _ in range(dims)] for _ in range(count)]


def embedding(rng: random.Random, centre: Sequence[float]) -> bytes:
    """A unit vector near `centre` as little-endian float32."""
    vector = [component + rng.random() - 0.5 for component in centre]
    length = math.sqrt(math.fsum(component * component for component in vector))
    return struct.pack(f"<{len(vector)}f", *(component / length for component in vector))


def long_text(rng: random.Random, size: int) -> str:
    """At least `size` bytes of UTF-8: a mail thread, quoted again and again."""
    parts: list[str] = []
    written = 0
    for turn in itertools.count(1):
        part = f"> {'> ' * (turn % 9)}On turn {turn} somebody wrote:\r\n{prose(rng, 6)}\r\n\r\n"
        parts.append(part)
        written += len(part.encode())
        if written >= size:
            return "".join(parts)
    raise AssertionError("unreachable")
