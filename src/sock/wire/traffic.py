"""Counts of messages and of the bytes of their payloads.

A payload is counted as the application sees it: without the heads of frames, before it is
compressed and after it is inflated. Text is counted in UTF-8. Control frames are not counted.
"""

from __future__ import annotations

from typing import Final, final


@final
class Traffic:
    """What has gone in one direction.

    >>> traffic = Traffic()
    >>> traffic.add(5)
    >>> traffic.messages, traffic.payload_bytes
    (1, 5)
    """

    __slots__ = ("messages", "payload_bytes")

    def __init__(self) -> None:
        self.messages = 0
        self.payload_bytes = 0

    def add(self, size: int) -> None:
        """Count a message with `size` bytes of payload."""
        self.messages += 1
        self.payload_bytes += size


# For the whole process: to ask each of a hundred thousand connections would take too long.
RECEIVED: Final = Traffic()
"""All messages that clients have sent to this process."""

SENT: Final = Traffic()
"""All messages that this process has sent to clients."""


@final
class BothWays:
    """What one connection has received and sent. The counts of the process grow with it.

    >>> traffic = BothWays()
    >>> traffic.received(5)
    >>> traffic.figures()
    (1, 5, 0, 0)
    """

    __slots__ = ("_received", "_sent")

    def __init__(self) -> None:
        self._received, self._sent = Traffic(), Traffic()

    def received(self, size: int) -> None:
        """Count a message of the client, with `size` bytes of payload."""
        process = RECEIVED
        process.add(size)
        self._received.add(size)

    def sent(self, size: int) -> None:
        """Count a message to the client, with `size` bytes of payload."""
        process = SENT
        process.add(size)
        self._sent.add(size)

    def figures(self) -> tuple[int, int, int, int]:
        """Return the messages received, their bytes, the messages sent, and their bytes."""
        received, sent = self._received, self._sent
        return received.messages, received.payload_bytes, sent.messages, sent.payload_bytes
