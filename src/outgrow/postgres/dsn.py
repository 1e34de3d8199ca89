"""Connection strings of the target: parsed once, and never shown with a secret in them.

libpq's own parse errors quote the text they choke on, which is often a piece of the password (`%` and `[` in a
URI), and a password with `@`, `/` or `#` left unencoded is parsed without complaint into the host or the database
name, from where it reaches the next error message. Both end here, as `errors.Usage` without any quotation.
"""

from __future__ import annotations

import importlib
import ipaddress
import os
import re
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import conninfo

from outgrow import errors

__all__ = ["Dsn", "parse", "scrub"]

MASK = "***"

SECRET = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})

# What `masked` may show. Whatever is not listed is masked, so that a parameter of a later libpq is hidden first.
SHOWN = frozenset(
    {
        *("service", "host", "hostaddr", "port", "dbname", "user", "application_name", "connect_timeout"),
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "passfile", "target_session_attrs", "channel_binding"),
    }
)

# Where distributions keep the certificate authorities they trust: Debian, Red Hat, SUSE, Alpine and macOS.
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

VERIFYING = frozenset({"verify-ca", "verify-full"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Dsn:
    """Where the target is and how to get in; `str()` and `repr()` are safe to print.

    `secret` is the libpq conninfo to connect with, `masked` the same without any secret, `without_password` one
    that may go into an argument list. `secrets` are the values that `scrub` has to take out of a text.
    `tls_weakened` says that the DSN itself asked for less than `verify-full` on a host that is not local.
    """

    secret: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    without_password: str = field(repr=False)
    masked: str
    host: str
    dbname: str
    user: str
    is_local: bool
    tls_weakened: bool

    def __str__(self) -> str:
        return self.masked

    def same_place(self, other: Dsn) -> bool:
        """Whether both lead to one database by the same name; a database can have other names."""
        keys = ("host", "hostaddr", "port", "dbname", "service")
        mine, others = (conninfo.conninfo_to_dict(one.without_password) for one in (self, other))
        return self.dbname == other.dbname and all(mine.get(key) == others.get(key) for key in keys)


def parse(text: str) -> Dsn:
    """Read a libpq URI or a `key=value` string, and settle how the connection is verified.

    A host that is not local gets `sslmode=verify-full` unless the text itself names an sslmode (PGSSLMODE and a
    service file do not count: a variable left behind in a shell must not weaken a migration). Raises
    `errors.Usage` for a text that cannot be meant, `errors.TargetUnfit` for the address of a transaction pooler.
    """
    params = _params(text.strip())
    _refuse_misread_password(params)
    _refuse_pooler(params)

    local = _is_local(params)
    asked = params.get("sslmode")
    if asked is None and not local:
        params["sslmode"] = "verify-full"
    if params.get("sslmode") in VERIFYING:
        _name_authorities(params)

    public = {key: value for key, value in params.items() if key not in SECRET}
    masked = {key: value if key in SHOWN else MASK for key, value in params.items()}
    return Dsn(
        secret=conninfo.make_conninfo("", **params),
        secrets=tuple(value for key, value in params.items() if key in SECRET and value),
        without_password=conninfo.make_conninfo("", **public),
        # Joined by hand: libpq would check the masked values.
        masked=" ".join(f"{key}={_quoted(value)}" for key, value in masked.items()),
        host=_hosts(params),
        dbname=params.get("dbname") or os.environ.get("PGDATABASE") or params.get("user", ""),
        user=params.get("user") or os.environ.get("PGUSER", ""),
        is_local=local,
        tls_weakened=not local and asked is not None and asked != "verify-full",
    )


def scrub(text: str, *secrets: str) -> str:
    """Take secrets out of a text that others wrote: the given values, however encoded, and whatever looks like one.

    PGPASSWORD counts as given. A very short password masks every place where its letters occur, which is ugly and safe.
    """
    spellings: set[str] = set()
    for secret in filter(None, (*secrets, os.environ.get("PGPASSWORD", ""))):
        escaped = secret.replace("\\", "\\\\").replace("'", "\\'")
        quoted = (urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret), urllib.parse.quote_plus(secret))
        spellings.update((secret, escaped, repr(secret)[1:-1], *quoted))
    if spellings:
        longest_first = sorted(spellings, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), MASK, text)
    text = re.sub(r"(?i)(\bpostgres(?:ql)?(?:\+\w+)?://[^\s:@/]*):[^\s]*@", rf"\1:{MASK}@", text)
    value = r"(?:'(?:[^'\\]|\\.)*'|[^\s&'\"]+)"
    return re.sub(rf"(?i)\b({'|'.join(sorted(SECRET))})(\s*=\s*){value}", rf"\1\2{MASK}", text)


def _params(text: str) -> dict[str, str]:
    problem = _unreadable(text)
    params: Mapping[str, object] = {}
    if not problem:
        # The exception quotes the text, so nothing may be raised inside the handler: it would stay as __context__.
        try:
            params = conninfo.conninfo_to_dict(text)
        except (psycopg.Error, UnicodeError):
            problem = "libpq does not understand it; its message is withheld, because it quotes the text"
    if problem:
        raise errors.Usage(
            "The connection string of the target cannot be read",
            why=problem,
            hint="Write postgresql://user@host:5432/database, percent-encode special characters (@ is %40, % is %25, "
            "/ is %2F, [ is %5B), or leave the password out and put it into PGPASSWORD or a password file",
        )
    return {key: str(value) for key, value in params.items()}


def _unreadable(text: str) -> str:
    if not text:
        return "It is empty"
    if "\0" in text:
        return "It contains a NUL character"
    if re.match(r"postgres(ql)?\+\w+://", text):
        return "postgresql+driver:// is SQLAlchemy's spelling; write postgresql://"
    if "=" not in text and "://" not in text:
        return "It is neither a postgresql:// URI nor a list of key=value pairs"
    return ""


def _refuse_misread_password(params: Mapping[str, str]) -> None:
    """Catch the passwords that libpq takes for a host, a port or a database; see the module's docstring."""
    ports = params.get("port", "")
    if (
        re.search(r"[@?#\s]", params.get("host", "").removeprefix("@"))
        or not re.fullmatch(r"[\d,]*", ports)
        or re.search(r"@|://", params.get("dbname", ""))
    ):
        raise errors.Usage(
            "The connection string of the target cannot be read",
            why="Its host, port or database contains characters that belong into a password",
            hint="Percent-encode special characters in the password (@ is %40, / is %2F, : is %3A, # is %23, ? is %3F)",
        )


def _refuse_pooler(params: Mapping[str, str]) -> None:
    """A transaction pooler hands out another session at will: no SET, no temporary table, no session lock survives."""
    for host in _hosts(params).lower().split(","):
        name, _, domain = host.partition(".")
        if name.endswith("-pooler") and ".neon." in f".{domain}.":
            remedy = f"Use the direct host: {name.removesuffix('-pooler')}.{domain}"
        elif re.search(r"\.supabase\.(co|com)$", host) and "6543" in params.get("port", "").split(","):
            remedy = "Use port 5432: the direct connection, or the session mode of the pooler"
        else:
            continue
        raise errors.TargetUnfit(
            f"{host} is a connection pooler in transaction mode",
            why="A migration needs a session of its own, which this address does not give",
            hint=remedy,
        )


def _hosts(params: Mapping[str, str]) -> str:
    return params.get("host") or params.get("hostaddr") or os.environ.get("PGHOST") or ""


def _is_local(params: Mapping[str, str]) -> bool:
    """Whether no packet leaves the machine. A service file may name any host, so it is not local."""
    hosts = params.get("hostaddr") or os.environ.get("PGHOSTADDR") or _hosts(params)
    if not hosts and (params.get("service") or os.environ.get("PGSERVICE")):
        return False
    return all(_is_local_host(host) for host in hosts.split(","))


def _is_local_host(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name_authorities(params: dict[str, str]) -> None:
    """Name a file of trusted authorities unless there is one.

    The OpenSSL inside psycopg's wheel looks for them in a directory that does not exist, so `sslrootcert=system`
    fails there; the same authorities under an explicit path work.
    """
    given = params.get("sslrootcert") or os.environ.get("PGSSLROOTCERT")
    if given is None and Path("~/.postgresql/root.crt").expanduser().exists():
        return
    if given in (None, "system") and (found := _authorities()):
        params["sslrootcert"] = found


def _authorities() -> str | None:
    candidates = (os.environ.get("SSL_CERT_FILE"), *SYSTEM_BUNDLES, ssl.get_default_verify_paths().cafile)
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return candidate
    try:
        return str(importlib.import_module("certifi").where())
    except ImportError:
        return None


def _quoted(value: str) -> str:
    if re.fullmatch(r"[^\s'\\]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
