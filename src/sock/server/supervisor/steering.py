"""Which of several sockets on one port gets the next connection.

Each worker slot has listening sockets of its own, all with SO_REUSEPORT. By itself Linux spreads
new connections over all sockets of a port, whether or not somebody accepts from them. A small
program in the kernel (SO_ATTACH_REUSEPORT_CBPF) names the sockets that get any:

    a slot             its sockets
    -----------------  ----------------------------------------------------------------------------
    is being started   are open, but get nothing as long as another slot serves
    serves             get their share
    is to be removed   get nothing any more; its worker accepts what has come, then they are closed

So no connection waits for a worker that does not come, and none is lost when a socket is closed.
Where the kernel has no such program, connections are spread over all sockets.

socket(7), SO_ATTACH_REUSEPORT_CBPF; the kernel's Documentation/networking/filter.rst.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Sequence

_SO_ATTACH_REUSEPORT_CBPF: Final = 51
"""Of <asm-generic/socket.h>, which all our architectures use."""

# From <linux/bpf_common.h> and <linux/filter.h>: what an instruction does, and with what.
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_MODULO: Final = 0x94  # BPF_ALU | BPF_MOD | BPF_K
_JUMP_IF_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_RANDOM: Final = 0xFFFFF000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM: a random number

MAX_SLOTS: Final = 1000
"""A program of the kernel's has at most 4,096 instructions, and a slot needs two."""


def spreads() -> bool:
    """Tell whether several sockets may share one port here, so that all get connections."""
    return sys.platform.startswith("linux") and hasattr(socket, "SO_REUSEPORT")


@final
class Group:
    """The sockets of one address, one for each slot, in the order in which the kernel has them."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def add(self, sock: socket.socket) -> None:
        """Note a socket that listens from now on."""
        self._sockets.append(sock)

    def close(self, sock: socket.socket) -> None:
        """Close a socket. The kernel puts the last one in its place."""
        index = self._sockets.index(sock)
        last = self._sockets.pop()
        if last is not sock:
            self._sockets[index] = last
        sock.close()

    def steer_to(self, chosen: Sequence[socket.socket]) -> bool:
        """Let only these sockets get new connections, each as many as the others.

        Returns:
            Whether the kernel does that.
        """
        indexes = [self._sockets.index(sock) for sock in chosen]
        if not indexes or len(indexes) > MAX_SLOTS:
            return False
        return _attach(self._sockets[0], _program(indexes))


def _program(indexes: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Return instructions that name one of these sockets at random."""
    program = [(_LOAD, 0, 0, _RANDOM), (_MODULO, 0, 0, len(indexes))]
    for number, index in enumerate(indexes):
        program += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, index)]
    return [*program, (_RETURN, 0, 0, indexes[0])]


def _attach(sock: socket.socket, program: Sequence[tuple[int, int, int, int]]) -> bool:
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    memory = ctypes.create_string_buffer(code, len(code))  # lives until the call is over
    filters = struct.pack("HP", len(program), ctypes.addressof(memory))  # struct sock_fprog
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, filters)
    except OSError:
        return False
    return True
