"""The seam offers the parser and the writer that are in use."""

from sock.wire import codec, frame, parser, writer


def test_the_pure_parser_and_writer_are_in_use():
    assert codec.Parser is parser.Parser
    assert codec.Writer is writer.Writer
    assert codec.Close is frame.Close


def test_the_names_it_offers_exist():
    assert all(hasattr(codec, name) for name in codec.__all__)
