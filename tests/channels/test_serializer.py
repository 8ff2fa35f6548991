"""The frames of both versions; the package of phoenix.js is their judge."""

import json
import subprocess

import pytest

from sock import InvalidMessage
from sock.channels import V1, V2
from sock.channels.message import Broadcast, Message
from sock.channels.serializer import decode_broadcast, encode_broadcast
from tests.needed import node_folder

pytestmark = pytest.mark.one_form

JUDGE = """
const {Serializer} = require(process.argv[1])
const lines = require("fs").readFileSync(0, "utf8").trim().split("\\n").map(JSON.parse)
const hex = data => Buffer.from(data).toString("hex")
const answers = lines.map(line => {
  if (line.decode !== undefined) {
    const raw = line.binary ? Uint8Array.from(Buffer.from(line.decode, "hex")).buffer : line.decode
    let found
    Serializer.decode(raw, message => { found = message })
    const inner = found.payload && found.payload.response
    if (found.payload instanceof ArrayBuffer) found.payload = {bytes: hex(found.payload)}
    else if (inner instanceof ArrayBuffer) found.payload.response = {bytes: hex(inner)}
    return found
  }
  const message = line.encode
  if (message.bytes !== undefined) {
    message.payload = Uint8Array.from(Buffer.from(message.bytes, "hex")).buffer
    delete message.bytes
  }
  let found
  Serializer.encode(message, data => { found = data })
  return typeof found === "string" ? {text: found} : {bytes: hex(found)}
})
console.log(JSON.stringify(answers))
"""


def judged(version, lines):
    """Return what the serializer of phoenix.js makes of messages and of frames."""
    package = node_folder() / "node_modules" / version
    given = "\n".join(map(json.dumps, lines))
    ran = subprocess.run(
        ["node", "-e", JUDGE, str(package)],
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


SENT = [
    ({"join_ref": "0", "ref": "1", "topic": "t", "event": "e", "payload": {"foo": 1}}, None),
    ({"join_ref": None, "ref": "2", "topic": "phoenix", "event": "heartbeat", "payload": {}}, None),
    ({"join_ref": "12", "ref": "123", "topic": "topic", "event": "event"}, b"efg"),
    ({"join_ref": "1", "ref": "2", "topic": "room:café", "event": "ünder"}, b"\x00\x01\xff"),
    ({"join_ref": "1", "ref": "2", "topic": "t", "event": "e"}, b""),
]


@pytest.mark.parametrize("version", ["phoenix", "phoenix-1.7.23"])
def test_what_phoenix_js_encodes_is_decoded_and_what_is_encoded_here_it_decodes(version):
    lines = [
        {"encode": message if data is None else {**message, "bytes": data.hex()}}
        for message, data in SENT
    ]
    two = V2()
    told = [
        two.message("5", None, "room:a", "news", {"n": 1}),
        two.message("5", "5", "room:a", "phx_close", {}),
        two.reply("5", "6", "room:a", "ok", {"x": [1, None]}),
        encode_broadcast("room:a", "shout", {"body": "é"}),
        two.message("5", None, "room:café", "news", b"\x00\xff"),
        two.reply("5", "6", "room:a", "error", b"efg"),
        encode_broadcast("room:a", "blob", b""),
    ]
    lines += [
        {"decode": one.hex() if isinstance(one, bytes) else one, "binary": isinstance(one, bytes)}
        for one in told
    ]
    answers = judged(version, lines)

    for (message, data), answer in zip(SENT, answers, strict=False):
        frame = bytes.fromhex(answer["bytes"]) if "bytes" in answer else answer["text"]
        found = two.decode(frame)
        payload = found.payload if found.binary else json.loads(found.payload)
        wanted = message.get("payload", data)
        assert (found.join_ref, found.ref, found.topic, found.event, payload) == (
            message["join_ref"],
            message["ref"],
            message["topic"],
            message["event"],
            wanted,
        )
    heard = [
        (one["join_ref"], one["ref"], one["topic"], one["event"], one["payload"])
        for one in answers[len(SENT) :]
    ]
    assert heard == [
        ("5", None, "room:a", "news", {"n": 1}),
        ("5", "5", "room:a", "phx_close", {}),
        ("5", "6", "room:a", "phx_reply", {"status": "ok", "response": {"x": [1, None]}}),
        (None, None, "room:a", "shout", {"body": "é"}),
        ("5", None, "room:café", "news", {"bytes": "00ff"}),
        ("5", "6", "room:a", "phx_reply", {"status": "error", "response": {"bytes": "656667"}}),
        (None, None, "room:a", "blob", {"bytes": ""}),
    ]


def test_the_binary_frames_have_the_bytes_that_the_protocol_says():
    two = V2()
    assert two.decode(bytes.fromhex("0002030505 3132 313233 746f706963 6576656e74 656667")) == (
        Message("12", "123", "topic", "event", b"efg", binary=True)
    )
    assert two.message("12", None, "topic", "event", b"efg") == bytes.fromhex(
        "00020505 3132 746f706963 6576656e74 656667"
    )
    assert two.reply("12", "123", "topic", "ok", b"efg") == bytes.fromhex(
        "0102030502 3132 313233 746f706963 6f6b 656667"
    )
    assert encode_broadcast("topic", "event", b"efg") == bytes.fromhex(
        "020505 746f706963 6576656e74 656667"
    )


def test_an_empty_reference_of_a_binary_frame_is_none():
    found = V2().decode(b"\x00\x00\x00\x01\x01te")
    assert found == Message(None, None, "t", "e", b"", binary=True)


def test_elements_beyond_the_fifth_are_ignored():
    assert V2().decode('["1",2,"t","e",{"a":[1]},"more",7]') == Message(
        "1", 2, "t", "e", b'{"a":[1]}'
    )


@pytest.mark.parametrize(
    "frame",
    [
        "", "no", "{}", "[]", '["1","2","t","e"]', "null", '["1","2","t","e",{}', "[" * 2000,
        '["1","2","t","\\ud800",{}]',
        b"", b"\x01", b"\x00", b"\x00\x01\x01\x01", b"\x00\x01\x01\x01\x01abc",
        b"\x02\x01\x01te", b"\x07abcdef",
    ],
)  # fmt: skip
def test_what_is_no_frame_of_the_second_version_is_told(frame):
    with pytest.raises(InvalidMessage):
        V2().decode(frame)


@pytest.mark.parametrize(
    "frame",
    [
        "", "no", "[]", "{}", '["1","2","t","e",{}]', b"\x00\x01\x01\x01\x01abcd",
        '{"topic":"t","event":"e","payload":{}}',
        '{"topic":"t","event":"e","ref":"1"}',
        '{"topic":"t","payload":{},"ref":"1"}',
        '{"event":"e","payload":{},"ref":"1"}',
    ],
)  # fmt: skip
def test_what_is_no_frame_of_the_first_version_is_told(frame):
    with pytest.raises(InvalidMessage):
        V1().decode(frame)


def test_the_first_version_reads_objects_and_writes_four_fields():
    one = V1()
    assert one.decode('{"topic":"t","event":"e","payload":{"a":1},"ref":null,"more":1}') == Message(
        None, None, "t", "e", b'{"a":1}'
    )
    assert one.decode('{"topic":"t","event":"e","payload":[],"ref":0,"join_ref":0}').join_ref == 0
    assert one.reply("1", 0, "t", "ok", {}) == (
        '{"topic":"t","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":0}'
    )
    assert one.message("1", "1", "t", "phx_close", {}) == (
        '{"topic":"t","event":"phx_close","payload":{},"ref":"1"}'
    )


def test_the_first_version_has_no_binary_form():
    one = V1()
    with pytest.raises(TypeError, match="no binary pushes"):
        one.message("1", None, "t", "e", b"")
    with pytest.raises(TypeError, match="no binary replies"):
        one.reply("1", "1", "t", "ok", b"")
    assert one.broadcast(encode_broadcast("t", "e", b"x")) is None


def test_a_broadcast_is_written_in_the_first_version_without_decoding_its_payload():
    frame = encode_broadcast("room:é", "e", {"a": {"b": [1, 2]}})
    assert V1().broadcast(frame) == (
        '{"topic":"room:é","event":"e","payload":{"a":{"b":[1,2]}},"ref":null}'
    )
    assert decode_broadcast(frame) == Broadcast("room:é", "e", b'{"a":{"b":[1,2]}}')


@pytest.mark.parametrize("payload", [[1], "text", 7, None, True, {"a": object()}, {1: {2, object}}])
def test_a_payload_that_is_no_object_is_refused(payload):
    with pytest.raises(TypeError):
        encode_broadcast("t", "e", payload)
    with pytest.raises(TypeError):
        V2().message("1", None, "t", "e", payload)


def test_a_response_may_be_any_json_value():
    assert V2().reply("1", "2", "t", "ok", [1]).endswith('{"status":"ok","response":[1]}]')


def test_a_field_of_a_binary_frame_has_255_bytes_and_one_more_is_refused():
    assert encode_broadcast("é" * 127 + "a", "e", b"x")[1] == 255
    with pytest.raises(ValueError, match="256 bytes"):
        encode_broadcast("é" * 128, "e", b"x")


@pytest.mark.parametrize("frame", ['["1",null,5,"e",{}]', "no", b"\x00\x01\x01te", b""])
def test_what_is_no_broadcast_is_told(frame):
    with pytest.raises(InvalidMessage):
        decode_broadcast(frame)


def test_versions_are_matched_as_phoenix_does():
    assert V2().accepts((2, 0, 9))
    assert not V2().accepts((2, 1, 0))
    assert V1().accepts((1, 0, 1))
    assert not V1().accepts((1, 1, 0))
