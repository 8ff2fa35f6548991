"""The listening sockets of all slots. The supervisor holds them open for as long as it lives.

    the address                              a slot has
    ---------------------------------------  ---------------------------------------------------
    is TCP, and the supervisor has bound it  a socket of its own for it (SO_REUSEPORT), on Linux
    is a Unix socket, or was handed over     the one socket for it, as all other slots

The first socket is bound without SO_REUSEPORT, and gets that option afterwards: so a port that
another server has, with or without this option, is in use and not shared by mistake.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, final

from sock.server.binding import BACKLOG

from .steering import Group, spreads

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@final
class Addresses:
    """Where a server with workers listens.

    Args:
        own: sockets of TCP that listen, and that the supervisor has bound; they are those of slot 0
            from now on.
        shared: other sockets that listen; all slots have them.
    """

    def __init__(self, own: Sequence[socket.socket], shared: Sequence[socket.socket]) -> None:
        if not spreads():
            own, shared = [], [*own, *shared]
        self._shared = list(shared)
        self._groups = [Group() for _ in own]
        self._of_slot: dict[int, list[socket.socket]] = {0: list(own)}
        for group, sock in zip(self._groups, own, strict=True):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            group.add(sock)

    @property
    def steered(self) -> bool:
        """Whether a slot has sockets of its own."""
        return bool(self._groups)

    def of(self, slot: int) -> list[socket.socket]:
        """Return the sockets of a slot; they are bound when it is first asked for.

        Raises:
            OSError: an address cannot be bound once more.
        """
        if slot not in self._of_slot:
            self._of_slot[slot] = self._bind_again()
        return [*self._of_slot[slot], *self._shared]

    def let_get(self, slots: Collection[int]) -> None:
        """Let only these slots get new connections, as far as their sockets are their own."""
        for index, group in enumerate(self._groups):
            group.steer_to([self._of_slot[slot][index] for slot in sorted(slots)])

    def drop_waiting(self, slot: int) -> None:
        """Close the connections that wait for this slot: their clients may find another one."""
        for sock in self._of_slot.get(slot, ()):
            with contextlib.suppress(OSError):  # none is left
                while True:
                    sock.accept()[0].close()

    def close_slot(self, slot: int) -> None:
        """Close the sockets that only this slot has."""
        for group, sock in zip(self._groups, self._of_slot.pop(slot), strict=True):
            group.close(sock)

    def close(self) -> None:
        """Close all of them."""
        for sockets in self._of_slot.values():
            for sock in sockets:
                sock.close()
        for sock in self._shared:
            sock.close()

    def _bind_again(self) -> list[socket.socket]:
        made: list[socket.socket] = []
        try:
            for first in self._of_slot[0]:
                made.append(sock := socket.socket(first.family, first.type))
                sock.settimeout(0)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if first.family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(first.getsockname())
                sock.listen(BACKLOG)
        except OSError:
            for sock in made:
                sock.close()
            raise
        for group, sock in zip(self._groups, made, strict=True):
            group.add(sock)
        return made
