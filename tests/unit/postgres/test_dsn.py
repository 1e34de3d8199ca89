"""The DSN: no spelling of a password gets out, and the default connection knows whom it talks to."""

from __future__ import annotations

import os
import ssl
import sys
import traceback
from pathlib import Path

import pytest
from psycopg import conninfo

from outgrow import errors
from outgrow.postgres import dsn

CANARY = "hunter2"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of whoever runs the tests takes part."""
    for name in [name for name in os.environ if name.startswith("PG") or name == "SSL_CERT_FILE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def settings(text: str) -> dict[str, object]:
    return dict(conninfo.conninfo_to_dict(dsn.parse(text).secret))


def everything_said(error: BaseException) -> str:
    """The traceback with causes and contexts, and the repr of every exception in the chain."""
    said = "".join(traceback.format_exception(error))
    link: BaseException | None = error
    while link is not None:
        said += repr(link) + repr(vars(link))
        link = link.__cause__ or link.__context__
    return said


UNREADABLE = [
    f"postgresql://user:%ZZ{CANARY}@host/db",
    f"postgresql://user:{CANARY}%@host/db",
    f"postgresql://user:{CANARY}@[host/db",
    f"postgresql://user:{CANARY}@[::1/db",
    f"postgresql://user:x@{CANARY}@host/db",
    f"postgresql://user:x/{CANARY}@host/db",
    f"postgresql://user:{CANARY}/x@host/db",
    f"postgresql://user:x/y?{CANARY}@host/db",
    f"postgresql://user:x/y#{CANARY}@host:5432/db",
    f"postgresql://user:x@y/{CANARY}@host/db",
    f"postgresql://host/db?pasword={CANARY}",
    f"postgresql://host/db?password={CANARY}&{CANARY}",
    f"postgresql+psycopg://user:{CANARY}@host/db",
    f"mysql://user:{CANARY}@host/db",
    f"host=h password=two {CANARY}",
    f"host=h pasword={CANARY}",
    f"host=h password='{CANARY}",
    f"host=h password='x' {CANARY} dbname=d",
    f"host=h port={CANARY}",
    f"dbname=postgresql://user:{CANARY}@host/db",
    f"postgresql://user:{CANARY}\0@host/db",
    f"host=h password=x\0{CANARY}",
    f"postgresql://user:{CANARY}\udcff@host/db",
    f"{CANARY}",
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_an_unreadable_dsn_is_refused_without_quoting_any_of_it(text: str) -> None:
    with pytest.raises(errors.Usage) as caught:
        dsn.parse(text)

    assert CANARY not in everything_said(caught.value)
    assert caught.value.hint
    assert caught.value.why


def test_the_planted_passwords_do_leak_from_libpq() -> None:
    """The fault is real: libpq quotes the text it chokes on (should this fail, the detour may be unnecessary)."""
    for text in UNREADABLE[:3]:
        with pytest.raises(Exception, match=CANARY):
            conninfo.conninfo_to_dict(text)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_dsn_is_refused(text: str) -> None:
    with pytest.raises(errors.Usage, match="empty"):
        dsn.parse(text)


def test_the_spelling_of_sqlalchemy_is_recognised() -> None:
    with pytest.raises(errors.Usage, match="SQLAlchemy"):
        dsn.parse("postgresql+psycopg2://host/db")


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://user:{CANARY}@db.example.org:6000/app",
        f"postgres://db.example.org:6000/app?user=user&password={CANARY}",
        f"host=db.example.org port=6000 dbname=app user=user password={CANARY}",
        f"host=db.example.org port=6000 dbname=app user=user password = '{CANARY}'",
        f"postgresql://user:{CANARY}@db.example.org:6000/app?sslpassword={CANARY}&sslkey=/k",
        f"postgresql://user:{CANARY}@db.example.org:6000/app?scram_client_key={CANARY}&options=-cx.y%3D{CANARY}",
    ],
)
def test_what_is_shown_has_everything_but_the_secrets(text: str) -> None:
    target = dsn.parse(text)

    assert (target.host, target.dbname, target.user) == ("db.example.org", "app", "user")
    assert CANARY in target.secret
    for shown in (target.masked, str(target), repr(target), f"{target}", f"{target!r:>10}"):
        assert CANARY not in shown
    for part in ("host=db.example.org", "port=6000", "dbname=app", "user=user", "password=***"):
        assert part in target.masked


def test_a_conninfo_for_an_argument_list_has_no_password_and_still_leads_there() -> None:
    target = dsn.parse(f"postgresql://user:{CANARY}@db.example.org/app?sslpassword={CANARY}&options=-cgeqo%3Doff")

    public = conninfo.conninfo_to_dict(target.without_password)

    assert CANARY not in target.without_password
    assert public == {k: v for k, v in settings(f"{target.secret}").items() if "password" not in k}
    assert public["options"] == "-cgeqo=off"


@pytest.mark.parametrize("password", ["p@ss/w?rd#%[]", "it's", "back\\slash", " ", "пароль", "a=b c=d", "***"])
def test_a_well_encoded_password_arrives_as_it_is(password: str) -> None:
    text = conninfo.make_conninfo("", host="/run", user="u", password=password)

    assert settings(text)["password"] == password


@pytest.mark.parametrize("value", ["it's", "back\\slash", "two words", ""])
def test_the_masked_text_is_itself_a_conninfo(value: str) -> None:
    target = dsn.parse(conninfo.make_conninfo("", host="/run", dbname="d", user=value, password=CANARY))

    assert conninfo.conninfo_to_dict(target.masked)["user"] == value


@pytest.mark.parametrize(
    "text",
    [
        "postgresql:///db",
        "dbname=db",
        "postgresql:///db?host=/var/run/postgresql",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/db",
        "host=@abstract dbname=db",
        "postgresql://localhost/db",
        "postgresql://127.0.0.1:5433/db",
        "postgresql://127.8.9.1/db",
        "postgresql://[::1]/db",
        "postgresql://localhost,127.0.0.1/db",
        "host=db.example.org hostaddr=127.0.0.1 dbname=db",
    ],
)
def test_a_local_target_is_left_to_libpqs_tls_default(text: str) -> None:
    target = dsn.parse(text)

    assert target.is_local
    assert not target.tls_weakened
    assert "sslmode" not in settings(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db.example.org/db",
        "host=10.0.0.7 dbname=db",
        "postgresql://[2001:db8::1]/db",
        "postgresql://localhost,db.example.org/db",
        "postgresql://localhost.example.org/db",
        "host=localhost hostaddr=10.0.0.7",
        "service=production",
    ],
)
def test_a_distant_target_is_verified_in_full(text: str) -> None:
    target = dsn.parse(text)

    assert not target.is_local
    assert not target.tls_weakened
    assert settings(text)["sslmode"] == "verify-full"


def test_a_host_from_the_environment_is_not_taken_for_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")

    assert dsn.parse("dbname=db").host == "db.example.org"
    assert settings("dbname=db")["sslmode"] == "verify-full"


def test_a_variable_left_in_the_shell_does_not_weaken_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")

    assert settings("host=db.example.org")["sslmode"] == "verify-full"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_weaker_mode_is_obeyed_and_told(mode: str) -> None:
    text = f"host=db.example.org sslmode={mode}"

    assert dsn.parse(text).tls_weakened
    assert settings(text)["sslmode"] == mode


def test_naming_verify_full_is_not_weaker() -> None:
    assert not dsn.parse("host=db.example.org sslmode=verify-full").tls_weakened


def test_authorities_are_named_by_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """psycopg's wheel does not find any by itself, nor with sslrootcert=system."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    assert settings("host=db.example.org")["sslrootcert"] == str(bundle)
    assert settings("host=db.example.org sslrootcert=system")["sslrootcert"] == str(bundle)
    assert settings("host=localhost sslmode=verify-full")["sslrootcert"] == str(bundle)


def test_authorities_that_the_user_chose_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert settings("host=db.example.org sslrootcert=/own.pem")["sslrootcert"] == "/own.pem"

    with monkeypatch.context() as patch:
        patch.setenv("PGSSLROOTCERT", "/own.pem")
        assert "sslrootcert" not in settings("host=db.example.org")

    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert "sslrootcert" not in settings("host=db.example.org")


def test_no_authorities_are_sought_where_nothing_is_verified() -> None:
    assert "sslrootcert" not in settings("host=db.example.org sslmode=require")


def test_certifi_is_the_last_resort(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "certifi.py").write_text("def where(): return '/certifi/cacert.pem'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "certifi", raising=False)
    monkeypatch.setattr(dsn, "SYSTEM_BUNDLES", ())
    nowhere = ssl.DefaultVerifyPaths("", "", "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)

    assert settings("host=db.example.org")["sslrootcert"] == "/certifi/cacert.pem"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (
            f"postgresql://u:{CANARY}@ep-cool-rain-123-pooler.eu-central-1.aws.neon.tech/db",
            "ep-cool-rain-123.eu-central-1.aws.neon.tech",
        ),
        (f"postgresql://u:{CANARY}@aws-0-eu-central-1.pooler.supabase.com:6543/postgres", "port 5432"),
        (f"postgresql://u:{CANARY}@db.abcdef.supabase.co:6543/postgres", "port 5432"),
        (f"postgresql://u:{CANARY}@AWS-0-eu-central-1.POOLER.supabase.com:6543/postgres", "port 5432"),
    ],
)
def test_a_transaction_pooler_is_refused_with_the_direct_address(text: str, remedy: str) -> None:
    with pytest.raises(errors.TargetUnfit) as caught:
        dsn.parse(text)

    assert remedy in caught.value.hint
    assert CANARY not in everything_said(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "host=ep-cool-rain-123.eu-central-1.aws.neon.tech",
        "host=db.abcdef.supabase.co",
        "host=aws-0-eu-central-1.pooler.supabase.com port=5432",
        "host=my-pooler.example.org port=6543",
    ],
)
def test_a_direct_address_is_not_taken_for_a_pooler(text: str) -> None:
    assert dsn.parse(text).host


@pytest.mark.parametrize(
    "text",
    [
        "connection to p@ss/1 failed",
        "token p%40ss%2F1 and p%40ss/1",
        "postgresql://user:p@ss/1@host/db",
        "postgresql://user:other@p@ss/1",
        "password=p@ss/1 sslpassword='p@ss/1'",
    ],
)
def test_scrub_takes_out_a_known_secret_however_encoded(text: str) -> None:
    clean = dsn.scrub(text, "p@ss/1", "")

    assert not any(spelling in clean for spelling in ("p@ss/1", "p%40ss%2F1", "p%40ss/1"))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"postgresql://user:{CANARY}@host/db is down", "postgresql://user:***@host/db is down"),
        (f"postgresql://user:x@{CANARY}@host/db is down", "postgresql://user:***@host/db is down"),
        (f"host=h password={CANARY} dbname=d", "host=h password=*** dbname=d"),
        (f"host=h password = '{CANARY} it\\'s' dbname=d", "host=h password = *** dbname=d"),
        (f"?sslpassword={CANARY}&x=y", "?sslpassword=***&x=y"),
        ('relation "password" does not exist', 'relation "password" does not exist'),
        ("host db.example.org at 10:30, me@example.org", "host db.example.org at 10:30, me@example.org"),
    ],
)
def test_scrub_recognises_unknown_secrets_by_their_place(text: str, clean: str) -> None:
    assert dsn.scrub(text) == clean


def test_scrub_knows_the_password_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", CANARY)

    assert dsn.scrub(f"who is {CANARY}?") == "who is ***?"
