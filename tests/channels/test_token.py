"""`Token`, beside tokens that Plug.Crypto (c326c3c, on Erlang 25) has signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import time

import pytest

from sock.channels import term
from sock.channels.token import Token, TokenError

pytestmark = pytest.mark.one_form

SECRET = "a secret key base that is longer than twenty bytes"
SALT = "user socket"
SIGNED_AT = 1_700_000_000
THINGS = {
    "admin": True,
    "id": 300,
    "list": [1, "two", -3, 70_000, 5_000_000_000, -123456789012345678901234567890],
    "none": None,
    "pi": 3.5,
}

# What `Plug.Crypto.sign(SECRET, SALT, data, signed_at: 1_700_000_000)` returns.
OF_PLUG = {
    "SFMyNTY.g2gDYQduBgAAaOXPiwFiAAFRgA.wBF3uYdZDiTlk7AuOy2roq6z1aNSbthFrtRkyOgQiOI": 7,
    "SFMyNTY.g2gDbQAAAANhZGFuBgAAaOXPiwFiAAFRgA.jOtOhLZ1aA7jqyMVcBuqTRMDxWt2Bs64j5lHgqDSysI": "ada",
    "SFMyNTY.g2gDbQAAAALDqW4GAABo5c-LAWIAAVGA.2Mz479EjN6aV3108zjlH80NbDNgDRbnI4QZ124E41ds": "é",
    "SFMyNTY.g2gDam4GAABo5c-LAWIAAVGA.JrOVAosQUwfEoJgw2qBfR3ZPGHdXydZ0lCBql3sukzQ": [],
    "SFMyNTY.g2gDbQAAAAL_AG4GAABo5c-LAWIAAVGA"
    ".W-wDZkv_icDAb1a1Gfs9lt1bJKr8XkaE42yLnfYYqaM": b"\xff\0",
    "SFMyNTY.g2gDbAAAAARhAWECYQNiAAABLGpuBgAAaOXPiwFiAAFRgA"
    ".9jBDpAcYIKhRemFhqomgPkk48efL7vskOxrL1PzwHw8": [1, 2, 3, 300],
}
# The same, where our bytes are others: atoms and lists of bytes are written in a newer form.
ONLY_READ = {
    "SFMyNTY.g2gDdAAAAAVtAAAABWFkbWluZAAEdHJ1ZW0AAAACaWRiAAABLG0AAAAEbGlzdGwAAAAGYQFtAAAAA3R3b2L__"
    "__9YgABEXBuBQAA8gUqAW4NAdIKP07u4HPD9g_pjgFqbQAAAARub25lZAADbmlsbQAAAAJwaUZADAAAAAAAAG4GAABo5c-L"
    "AWIAAVGA.9MPJuxqFqXUNB1NQOPOuGWrbuh8bIVgO0DbtSUvdsC8": THINGS,
    "SFMyNTY.g2gDawADAQIDbgYAAGjlz4sBYgABUYA.Gz7wiSLF88kpU0rDeRCx4jQ2BxGbT0xfILpT7p47Tyo": [
        1,
        2,
        3,
    ],
    "SFMyNTY.g2gDaAJtAAAAA2FkYWQABWFkbWlubgYAAGjlz4sBYgABUYA"
    ".O_sZqnzVhcwaRGov8YZlauGYGU9lSRrpcxcfLnMh2is": ("ada", "admin"),
    "SFMyNTY.g2gDdAAAAAJkAAJpZGEHZAAEbmFtZW0AAAADYWRhbgYAAGjlz4sBYgABUYA"
    ".J-v9tVrYtbtlCUIkhgNBpnthugiugMkmq2aDLyL56SA": {"id": 7, "name": "ada"},
}
FOR_EVER = "SFMyNTY.g2gDYQduBgAAaOXPiwFkAAhpbmZpbml0eQ.CGQO5BzJmupKpbbZZtieW75ah5vjXC0qC5SS7oBciXI"
A_MINUTE = "SFMyNTY.g2gDYQduBgAAaOXPiwFhPA.ylsh_wz80SKKAp7NZQBERDNbhHVweJqMMTi_VM11Lgs"


@pytest.fixture
def tokens():
    return Token(SECRET)


def why(tokens, token, salt=SALT, **options):
    with pytest.raises(TokenError) as caught:
        tokens.verify(salt, token, **options)
    return caught.value.why


@pytest.mark.parametrize(("token", "data"), [*OF_PLUG.items(), *ONLY_READ.items()])
def test_a_token_of_phoenix_is_read(tokens, token, data):
    assert tokens.verify(SALT, token, max_age=math.inf) == data


@pytest.mark.parametrize(("token", "data"), OF_PLUG.items())
def test_the_same_data_is_signed_as_phoenix_signs_it(tokens, token, data):
    assert tokens.sign(SALT, data, signed_at=SIGNED_AT) == token


def test_an_age_is_signed_as_phoenix_signs_it(tokens):
    assert tokens.sign(SALT, 7, signed_at=SIGNED_AT, max_age=60) == A_MINUTE
    assert why(tokens, A_MINUTE) == "expired"
    assert tokens.verify(SALT, A_MINUTE, max_age=10**9) == 7


def test_a_token_may_be_good_for_ever(tokens):
    assert tokens.verify(SALT, FOR_EVER) == 7
    own = tokens.sign(SALT, 7, signed_at=SIGNED_AT, max_age=math.inf)
    assert tokens.verify(SALT, own) == 7
    assert why(tokens, own, max_age=60) == "expired"


def test_what_has_been_signed_comes_back(tokens):
    data = {"things": THINGS, "bytes": b"\xff", "tuple": (1, None), "many": tuple(range(300))}
    assert tokens.verify(SALT, tokens.sign(SALT, data)) == data


def test_a_token_is_good_for_a_day(tokens):
    now = time.time()
    assert tokens.verify(SALT, tokens.sign(SALT, 7, signed_at=now - 86_000)) == 7
    assert why(tokens, tokens.sign(SALT, 7, signed_at=now - 86_500)) == "expired"
    assert why(tokens, tokens.sign(SALT, 7), max_age=0) == "expired"


def test_a_token_from_the_future_is_invalid(tokens):
    assert why(tokens, tokens.sign(SALT, 7, signed_at=time.time() + 100)) == "invalid"


def test_no_token_is_missing(tokens):
    assert why(tokens, None) == "missing"


def test_any_secret_verifies_and_the_first_one_signs():
    old, new = "the old secret of twenty bytes", "the new secret of twenty bytes"
    both = Token(new, old)
    assert both.verify(SALT, Token(old).sign(SALT, 7)) == 7
    assert Token(new).verify(SALT, both.sign(SALT, 7)) == 7
    assert why(Token(new), Token(old).sign(SALT, 7)) == "invalid"


def test_a_token_of_another_use_is_invalid(tokens):
    assert why(tokens, tokens.sign("password reset", 7)) == "invalid"


def test_a_token_with_any_other_character_is_invalid(tokens):
    good = tokens.sign(SALT, 7)
    for at in range(len(good) - 1):  # the last one has two bits that mean nothing
        other = "A" if good[at] != "A" else "B"
        assert why(tokens, good[:at] + other + good[at + 1 :]) == "invalid", at


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "SFMyNTY", "SFMyNTY..", "SFMyNTY.a.b.c", "SFMzODQ.g2gD.AAAA", "é.ü.ö"),
        *("=.=.=", "SFMyNTY.g2g\n.AAAA", "SFMyNTY.g2gD.AA+/", "x" * 100_000, "." * 100_000),
        *(7, b"SFMyNTY", {}, True),
    ],
)
def test_what_is_no_token_is_invalid(tokens, token):
    assert why(tokens, token) == "invalid"


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\x83", b"\x83\x68\3\x61\7", b"\x83\x61\7", b"\x83\x68\2\x61\7\x61"),
        *(b"\x83\x6c\xff\xff\xff\xff\x6a", b"\x83\x6d\xff\xff\xff\xff", b"\x83\x50\0\0\0\1x"),
        *(b"\x83\x74\x7f\xff\xff\xff", b"\x83\x74\0\0\0\1\x6a\x6a", b"{}", b"\x83\x61\7\7"),
        *(b"\x83\x6c\0\0\0\1\x61\1\x61\1", b"\x83" + b"\x68\1" * 100_000),
    ],
    ids=range(14),
)
def test_what_was_signed_as_something_else_is_invalid(tokens, payload):
    key = hashlib.pbkdf2_hmac("sha256", SECRET.encode(), SALT.encode(), 1000, 32)
    signed = f"SFMyNTY.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}"
    mac = base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).decode()
    assert why(tokens, f"{signed}.{mac.rstrip('=')}") == "invalid"


@pytest.mark.parametrize(
    "value", [(7, 1_700_000_000_000), {"data": 7, "signed": 1_700_000_000_000}]
)
def test_a_token_in_the_form_of_old_versions_is_good_for_a_day(tokens, value):
    key = hashlib.pbkdf2_hmac("sha256", SECRET.encode(), SALT.encode(), 1000, 32)
    payload = base64.urlsafe_b64encode(term.encode(value)).decode().rstrip("=")
    mac = hmac.digest(key, f"SFMyNTY.{payload}".encode(), "sha256")
    token = f"SFMyNTY.{payload}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert why(tokens, token) == "expired"
    assert tokens.verify(SALT, token, max_age=math.inf) == 7


def test_what_has_no_term_is_refused_where_it_is_signed(tokens):
    for data in ({1, 2}, object(), {"when": math}):
        with pytest.raises(TypeError, match="has no term here"):
            tokens.sign(SALT, data)
    with pytest.raises(OverflowError, match="255 bytes"):
        tokens.sign(SALT, 1 << 3000)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="20 bytes at least, not 5: make one by python"):
        Token("short")
    with pytest.raises(ValueError, match="needs a secret"):
        Token()
    with pytest.raises(TypeError, match="not 'int'"):
        Token(7)


def test_a_secret_is_not_shown(tokens):
    tokens.sign(SALT, 7)
    assert SECRET not in repr(tokens)
