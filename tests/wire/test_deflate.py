"""RFC 7692 §5 and §7.1: the negotiation of permessage-deflate."""

from itertools import product

import pytest

from sock import Compression, HandshakeError
from sock.wire.deflate import Agreement, negotiate, offer
from sock.wire.extension import Extension, parse

NAME = "permessage-deflate"


def answer(field: str, **settings) -> str | None:
    """What the server answers to an offer."""
    agreement = negotiate(parse([field]), Compression(**settings))
    return agreement and agreement.header().removeprefix(NAME).lstrip("; ")


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (NAME, "server_max_window_bits=12"),
        (f"{NAME}; client_max_window_bits", "server_max_window_bits=12; client_max_window_bits=12"),
        (
            f"{NAME}; client_max_window_bits=15",
            "server_max_window_bits=12; client_max_window_bits=12",
        ),
        (
            f"{NAME}; client_max_window_bits=10",
            "server_max_window_bits=12; client_max_window_bits=10",
        ),
        (
            f"{NAME}; client_max_window_bits=8",
            "server_max_window_bits=12; client_max_window_bits=8",
        ),
        (f"{NAME}; server_max_window_bits=10", "server_max_window_bits=10"),
        (f'{NAME}; server_max_window_bits="10"', "server_max_window_bits=10"),
        (f"{NAME}; server_max_window_bits=15", "server_max_window_bits=12"),
        (
            f"{NAME}; server_no_context_takeover",
            "server_no_context_takeover; server_max_window_bits=12",
        ),
        (
            f"{NAME}; client_no_context_takeover",
            "client_no_context_takeover; server_max_window_bits=12",
        ),
    ],
)
def test_an_offer_is_answered(offered, answered):
    """RFC 7692 §7.1.1, §7.1.2: window 12 bounds both ends where the offer allows it."""
    assert answer(offered) == answered


@pytest.mark.parametrize(
    "declined",
    [
        "permessage-bzip2",
        "Permessage-Deflate",
        "x-webkit-deflate-frame",
        f"{NAME}; unknown",
        f"{NAME}; unknown=1",
        f"{NAME}; server_no_context_takeover; server_no_context_takeover",
        f"{NAME}; client_max_window_bits; client_max_window_bits=10",
        f"{NAME}; server_no_context_takeover=true",
        f"{NAME}; client_no_context_takeover=1",
        f"{NAME}; server_max_window_bits",
        f"{NAME}; server_max_window_bits=7",
        f"{NAME}; server_max_window_bits=16",
        f"{NAME}; server_max_window_bits=010",
        f"{NAME}; server_max_window_bits=1e1",
        f"{NAME}; client_max_window_bits=7",
        f"{NAME}; client_max_window_bits=16",
        f"{NAME}; client_max_window_bits=09",
        f"{NAME}; client_max_window_bits=x",
    ],
)
def test_an_offer_that_is_not_understood_is_declined(declined):
    """RFC 7692 §7.1: "A server MUST decline an extension negotiation offer" like these."""
    assert answer(declined) is None


def test_a_server_window_of_256_bytes_is_declined():
    """RFC 7692 §7.1.2.1: who accepts it must keep it, which zlib cannot."""
    assert answer(f"{NAME}; server_max_window_bits=8") is None


def test_the_first_offer_that_can_be_accepted_wins():
    """RFC 7692 §5.1: offers come in the order of preference."""
    fallback = f"other, {NAME}; server_max_window_bits=8, {NAME}; server_max_window_bits=9, {NAME}"
    assert answer(fallback) == "server_max_window_bits=9"
    assert negotiate([], Compression()) is None


def test_the_greatest_window_of_a_client_need_not_be_said():
    """RFC 7692 §7.1.2.2: without it in the answer the client's window is 15."""
    assert answer(f"{NAME}; client_max_window_bits", window=15) == "server_max_window_bits=15"


def test_without_takeover_both_ends_give_it_up():
    """RFC 7692 §7.1.1: the server may say so unasked."""
    both = "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
    assert answer(NAME, takeover=False) == both


FLAGS = (True, False)
WINDOWS = (None, 9, 12, 15)


@pytest.mark.parametrize(("server_fresh", "client_fresh"), list(product(FLAGS, FLAGS)))
@pytest.mark.parametrize(
    ("server_bits", "client_bits"), list(product(WINDOWS, (*WINDOWS, 8, "any")))
)
@pytest.mark.parametrize(("window", "takeover"), list(product((9, 12, 15), FLAGS)))
def test_every_combination_is_kept_by_both_ends(
    peer, server_fresh, client_fresh, server_bits, client_bits, window, takeover
):
    """RFC 7692 §7.1: the answer is allowed by the offer, and both ends understand each other."""
    parameters = []
    if server_fresh:
        parameters.append(("server_no_context_takeover", None))
    if client_fresh:
        parameters.append(("client_no_context_takeover", None))
    if server_bits:
        parameters.append(("server_max_window_bits", str(server_bits)))
    if client_bits:
        value = None if client_bits == "any" else str(client_bits)
        parameters.append(("client_max_window_bits", value))
    compression = Compression(window=window, takeover=takeover, threshold=0)
    agreement = negotiate([Extension(NAME, tuple(parameters))], compression)

    assert agreement is not None
    assert agreement.server_no_context_takeover == (server_fresh or not takeover)
    assert agreement.client_no_context_takeover == (client_fresh or not takeover)
    assert agreement.server_max_window_bits == min(server_bits or 15, window)
    limit = 15 if client_bits == "any" else client_bits
    assert agreement.client_max_window_bits == (min(limit, window) if limit else 15)
    said = agreement.header()
    assert ("client_max_window_bits" in said) <= bool(client_bits)
    assert ("server_max_window_bits" in said) >= bool(server_bits)
    if agreement.client_max_window_bits > 8:
        (extension,) = parse([said])
        assert Agreement.from_answer(extension) == agreement

    messages = [b"%d the quick brown fox " % turn * 60 for turn in (1, 2, 1)]
    ends = [(agreement.deflater(compression), agreement.swapped().inflater())]
    if agreement.client_max_window_bits > 8:
        ends.append((agreement.swapped().deflater(compression), agreement.inflater()))
    for deflater, inflater in ends:
        for message in messages:
            packed = deflater.deflate(message) + inflater.TAIL
            assert b"".join(inflater.inflate(packed, len(message), 1)) == message
            inflater.finish()


def test_what_a_client_offers_a_server_accepts():
    """RFC 7692 §5.1."""
    assert str(offer(Compression(window=10))) == (
        f"{NAME}; server_max_window_bits=10; client_max_window_bits=10"
    )
    for takeover in FLAGS:
        agreement = negotiate([offer(Compression(takeover=takeover))], Compression(window=15))
        assert agreement == Agreement(not takeover, not takeover, 12, 12)


@pytest.mark.parametrize(
    "field",
    [
        "permessage-bzip2",
        f"{NAME}; unknown",
        f"{NAME}; client_max_window_bits",
        f"{NAME}; server_max_window_bits=16",
        f"{NAME}; client_max_window_bits=8",
    ],
)
def test_an_answer_that_no_server_may_give_is_refused(field):
    """RFC 7692 §7.1: the client MUST fail the connection."""
    (extension,) = parse([field])
    with pytest.raises(HandshakeError, match=r"RFC 7692 §7\.1"):
        Agreement.from_answer(extension)


def test_a_bare_answer_means_takeover_and_the_greatest_windows():
    """RFC 7692 §7.1."""
    assert Agreement.from_answer(Extension(NAME)) == Agreement(False, False, 15, 15)


def test_the_roles_can_be_exchanged():
    agreement = Agreement(True, False, 10, 11)
    assert agreement.swapped() == Agreement(False, True, 11, 10)
    assert agreement.swapped().swapped() == agreement
