"""Functions on values of every kind give in PostgreSQL what they give in SQLite."""

from __future__ import annotations

import pytest

from integration.dialect_functions.dialect_values import Both

SAME = """
substr(t, i) | t i
substr(t, i, j) | t i j
substr(b, j) | b j
substr(b, i, j) | b i j
substring(i, 2, 2) | i
substr(t, r) | t r
instr(t, u) | t u
instr(b, x'00') | b
instr(i, 2) | i
replace(t, u, 'Z') | t u
replace(t, 'a', u) | t u
replace(i, 1, 2) | i
trim(t) | t
trim(t, u) | t u
ltrim(t, u) | t u
rtrim(t, u) | t u
upper(t) | t
lower(t) | t
upper(i) | i
length(t) | t
length(b) | b
length(i) | i
length(f) | f
octet_length(b) | b
octet_length(t) | t
hex(t) | t
hex(b) | b
hex(i) | i
hex(NULL) |
unhex(t) | t
unicode(t) | t
char(j, j + 64) | j : j BETWEEN 1 AND 6
quote(t) | t
quote(b) | b
quote(i) | i
quote(f) | f
concat(t, i, u) | t i u
concat_ws(u, i, t, NULL, f) | u i t f
typeof(t) | t
typeof(i) | i
typeof(f) | f
typeof(n) | n
typeof(r) | r
typeof(coalesce(r, i)) | r i
abs(r) | r
abs(n) | n
abs(t) | t
abs(f) | f
abs(j) | j
sign(i) | i
sign(r) | r
sign(t) | t
sign(n) | n
round(r) | r
round(q, j) | q j
round(r, 2) | r
round(r, 1) | r
round(i) | i
round(t, 1) | t
round(n, 1) | n
ceil(r) | r
floor(r) | r
trunc(r) | r
ceil(i) | i
floor(f) | f
mod(r, q) | r q
mod(i, 7) | i
sqrt(r) | r
ln(q) | q
log(q) | q
log10(q) | q
pow(q, j) | q j
pow(q, 2) | q
pow(0, -1) |
pow(-8, 1.0 / 3) |
pi() |
degrees(q) | q
radians(q) | q
sin(q) | q
cos(q) | q
asin(q) | q
acos(q) | q
atan(q) | q
min(i, j) | i j
max(i, r) | i r
min(i, r) | i r
max(r, q) | r q
min(t, u) | t u
max(b, x'61') | b
max(n, i) | n i
nullif(i, j) | i j
nullif(t, u) | t u
nullif(n, 1) | n
nullif(r, q) | r q
coalesce(i, r) | i r
coalesce(r, 0) | r
coalesce(n, 0) | n
coalesce(NULL, n, r, i) | n r i
ifnull(r, i) | r i
ifnull(t, '') | t
iif(f, r, 0) | f r
iif(i > 1, i, q) | i q
CASE WHEN i > 1 THEN r ELSE i END | i r
CAST(t AS INTEGER) | t
CAST(t AS REAL) | t
CAST(t AS NUMERIC) | t
CAST(t AS BLOB) | t
CAST(r AS INTEGER) | r
CAST(n AS INTEGER) | n
CAST(n AS REAL) | n
CAST(i AS REAL) | i
CAST(f AS TEXT) | f
CAST(i AS BLOB) | i
CAST(x'6162' AS TEXT) |
CAST(x'3132' AS INTEGER) |
likely(i) | i
zeroblob(j) | j : j < 100
printf('%d', i) | i
printf('%5d|%-5d|%05d|%+d|% d', i, i, i, i, i) | i
printf('%,d', i) | i
printf('%08.3d|%.5d', i, i) | i
printf('%x %X %o %#x %u', i, i, i, i, i) | i
printf('%d', r) | r
printf('%d', t) | t
printf('%s', t) | t
printf('%5s|%-5s|', t, t) | t
printf('%s %s', i, b) | i b : b IN (x'', x'616263', x'3132')
printf('%.2f', r) | r : abs(r) < 1e300
printf('%f', r) | r : abs(r) < 1e300
printf('%8.3f|%-9.1f|%+.0f', r, r, r) | r : abs(r) < 1e300
printf('%05.2f', q) | q : abs(q) < 1e300
printf('%.12f', r) | r : abs(r) < 1e300
printf('%e|%.3E|%.0e', r, r, r) | r
printf('%g|%.3g|%G', r, r, r) | r
printf('%.2f', i) | i
printf('%.2f', t) | t
printf('%q|%Q|%w', t, t, t) | t : t IS NOT NULL
printf('%Q', t) | t
printf('%c%c', t, u) | t u : t <> '' AND u <> ''
printf('100%%') |
printf('%s') |
format('%s-%d', t, i) | t i
like(u, t) | u t
glob('*a*', t) | t
t LIKE u | t u
t LIKE '%' || u || '%' | t u
t GLOB u | t u
t GLOB '*' || u | t u
t GLOB '[a-h]*' | t
t LIKE '%\\_%' ESCAPE '\\' | t
i LIKE '1%' | i
n LIKE '%9%' | n
t || i | t i
t || n | t n : n <> 1e-7
n + 1 | n
n * i | n i
n / n | n
n - r | n r
n * 1.5 | n
t + 1 | t
t * 2 | t
i - t | i t
'10' / 4 |
i || '-' || f | i f
"""

STANDARD = """
CAST(r AS TEXT) | r
CAST(n AS TEXT) | n
r || '' | r
length(r) | r
upper(r) | r
substr(r, 2, 3) | r
hex(r) | r
printf('%s', r) | r
n || '|' | n
r LIKE '1%' | r
replace(r, '.', ',') | r
trim(r, '0') | r
"""


def _cases(block: str) -> list[tuple[str, list[str], str]]:
    found = []
    for line in block.strip().splitlines():
        expression, _, rest = line.rpartition(" |")
        columns, _, where = rest.partition(":")
        found.append((expression, columns.split(), where.strip()))
    return found


@pytest.mark.parametrize(("expression", "columns", "where"), _cases(SAME))
def test_a_function_gives_the_same(both: Both, expression: str, columns: list[str], where: str) -> None:
    assert both.same(expression, *columns, where=where) > 0


@pytest.mark.parametrize(("expression", "columns", "where"), _cases(STANDARD))
def test_reals_have_the_fifteen_digits_of_sqlite_before_3_53(
    both: Both, expression: str, columns: list[str], where: str
) -> None:
    assert both.same(expression, *columns, where=where, standard=True) > 0
