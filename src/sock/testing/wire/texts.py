"""Section 6: text is UTF-8, wherever it is cut."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from . import raw
from .case import Section
from .probe import MARK

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    6,
    "text",
    "Text",
    "Programs behind the server, and other clients, get text that is none: they fail, or read it"
    " differently from the filter that has let it through.",
)
must, should = SECTION.must, SECTION.should

_CHANGED: Final = "Text of this kind is lost or changed."


async def _valid(text: str, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, text.encode()))
    await probe.hears(connection, text)


for _word, _text in (
    ("ASCII", "Hello, world!"),
    ("Text with two bytes a letter", "äöüß éàè ñ"),
    ("Text with three bytes a letter", "日本語 한국어 हिन्दी"),
    ("Text with four bytes a letter", "😀 𝄞 𐍈"),
    ("Text with combining marks", "κόσμε e\u0301"),
    ("A NUL in a text", "a\0b"),
    ("The controls of ASCII", "".join(map(chr, range(32))) + "\x7f"),
    ("The first letter of each length", "\0\x80\u0800\U00010000"),
    ("The last letter of each length", "\x7f\u07ff\uffff\U0010ffff"),
    ("The letters beside the surrogates", "\ud7ff\ue000"),
    ("The code points that are no characters", "\ufdd0\ufffe\uffff\U0001fffe"),
    ("A byte order mark", "\ufefftext"),
    ("The replacement character", "\ufffd"),
    ("Text from right to left", "שלום \u202eabc\u202c"),
):
    must("RFC 6455 §5.6, RFC 3629 §3", f"{_word} comes back as it is.", "echo", why=_CHANGED)(
        partial(_valid, _text)
    )


async def _cut(text: str, at: int, probe: Probe) -> None:
    connection = await probe.open()
    data = text.encode()
    await connection.send(*raw.fragments(raw.TEXT, (data[:at], data[at:])))
    await probe.hears(connection, text)


for _text, _ats in (("é", (1,)), ("語", (1, 2)), ("😀", (1, 2, 3))):
    for _at in _ats:
        must(
            "RFC 6455 §5.6",
            f"A letter of {len(_text.encode())} bytes may be cut by a fragment after byte {_at}.",
            "echo",
            why=_CHANGED,
        )(partial(_cut, _text, _at))


@must("RFC 6455 §5.6", "A letter may be cut by four fragments.", "echo", why=_CHANGED)
async def _four(probe: Probe) -> None:
    connection = await probe.open()
    pieces = [bytes((one,)) for one in "😀".encode()]
    await connection.send(b"".join(raw.fragments(raw.TEXT, pieces)))
    await probe.hears(connection, "😀")


@must("RFC 6455 §5.6", "A letter may be cut by TCP.", "echo", why=_CHANGED)
async def _by_tcp(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send_slowly(raw.frame(raw.TEXT, "日本語 😀".encode()))
    await probe.hears(connection, "日本語 😀")


@must("RFC 6455 §5.6", "A binary message need not be UTF-8.", "binary", why=_CHANGED)
async def _binary(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.BINARY, b"\xff\xfe\xc0\x80"))
    await probe.hears(connection, b"\xff\xfe\xc0\x80")


async def _invalid(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, MARK.encode() + data))
    await probe.is_failed(connection, 1007)


for _word, _data in (
    ("The byte 80 alone", b"\x80"),
    ("The byte BF alone", b"\xbf"),
    ("Three continuation bytes", b"\x80\x81\x82"),
    ("The byte FE", b"\xfe"),
    ("The byte FF", b"\xff"),
    ("NUL in two bytes", b"\xc0\x80"),
    ("A slash in two bytes", b"\xc0\xaf"),
    ("The byte C1", b"\xc1\xbf"),
    ("A slash in three bytes", b"\xe0\x80\xaf"),
    ("A slash in four bytes", b"\xf0\x80\x80\xaf"),
    ("A slash in five bytes", b"\xf8\x80\x80\x80\xaf"),
    ("A slash in six bytes", b"\xfc\x80\x80\x80\x80\xaf"),
    ("U+07FF in three bytes", b"\xe0\x9f\xbf"),
    ("U+FFFF in four bytes", b"\xf0\x8f\xbf\xbf"),
    ("The surrogate D800", b"\xed\xa0\x80"),
    ("The surrogate DBFF", b"\xed\xaf\xbf"),
    ("The surrogate DC00", b"\xed\xb0\x80"),
    ("The surrogate DFFF", b"\xed\xbf\xbf"),
    ("A pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
    ("A code point above 10FFFF", b"\xf4\x90\x80\x80"),
    ("The byte F5", b"\xf5\x80\x80\x80"),
    ("A letter of two bytes without its end", b"\xc3"),
    ("A letter of three bytes without its end", b"\xe2\x82"),
    ("A letter of four bytes without its end", b"\xf0\x9f\x98"),
    ("A letter of two bytes that ends in ASCII", b"\xc3("),
    ("A letter of three bytes that ends in ASCII", b"\xe2\x82("),
    ("A letter of four bytes with ASCII in it", b"\xf0(\x8c\xbc"),
    ("Latin-1", "café".encode("latin-1")),
    ("UTF-16", "é".encode("utf-16")),
):
    must("RFC 6455 §8.1", f"{_word} in a text fails the connection.")(partial(_invalid, _data))


async def _invalid_parts(parts: tuple[bytes, ...], probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(b"".join(raw.fragments(raw.TEXT, (MARK.encode(), *parts))))
    await probe.is_failed(connection, 1007)


for _word, _parts in (
    ("A bad byte in the second fragment", (b"\xff",)),
    ("A letter whose end is missing in the last fragment", (b"\xe2\x82",)),
    ("A letter whose end is missing before an empty fragment", (b"\xe2\x82", b"")),
    ("A surrogate that is cut by a fragment", (b"\xed", b"\xa0\x80")),
    ("A letter that goes on in the next fragment with ASCII", (b"\xe2\x82", b"abc")),
    ("An overlong form that is cut by a fragment", (b"\xf0", b"\x80\x80\xaf")),
):
    must("RFC 6455 §8.1", f"{_word} fails the connection.")(partial(_invalid_parts, _parts))


@must("RFC 6455 §8.1", "A bad text behind a hundred good ones fails the connection.")
async def _later(probe: Probe) -> None:
    connection = await probe.open()
    good = raw.frame(raw.TEXT, b"good") * 100
    await connection.send(good + raw.frame(raw.TEXT, MARK.encode() + b"\xff"))
    await probe.is_failed(connection, 1007)


async def _early(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(data)
    await probe.is_failed(connection, 1007)


_FAST: Final = "A server that reads on keeps megabytes that it will never use."

for _title, _data in (
    (
        "A bad byte in the first fragment fails the connection before the last.",
        raw.frame(raw.TEXT, b"bad \xff", fin=False),
    ),
    (
        "A bad byte fails the connection before the frame is complete.",
        raw.frame(raw.TEXT, b"bad \xff" + b"x" * 10_000)[:200],
    ),
    (
        "Bytes that cannot become a letter fail the connection before the last of them.",
        raw.frame(raw.TEXT, b"bad \xf4\x90", fin=False),
    ),
):
    should("RFC 6455 §8.1", _title, why=_FAST)(partial(_early, _data))
