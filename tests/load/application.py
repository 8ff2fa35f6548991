"""The application under load; `make load` copies it, edits the copy and breaks it."""

import asyncio
import contextlib
import os
import time

import sock

VERSION = 1
ENDS = os.open("ends", os.O_APPEND | os.O_CREAT | os.O_WRONLY)


class Noted(sock.Sock):
    """Says at first who it is, and notes at its end how many messages it was given."""

    def __init__(self, request):
        self.name, self.handled = request.path[1:], 0

    def init(self, ref):
        tls = ref.request.tls
        shown = {} if tls is None else dict(one[0] for one in (tls.certificate or {})["subject"])
        return f"{os.getpid()} {VERSION} {shown.get('commonName', '-')}"

    def terminate(self, reason):
        line = f"{self.name} {self.handled} {type(reason).__name__} {os.getpid()}\n"
        os.write(ENDS, line.encode())


class Echo(Noted):
    def handle_in(self, message):
        self.handled += 1
        if message == "block":
            time.sleep(1000)
        return message


class NeverReturns(Noted):
    """Swallows its cancellation, too."""

    async def handle_in(self, message):
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)


class NeverEnds(Noted):
    def handle_in(self, message):
        return sock.Stream(self.ticks())

    async def ticks(self):
        while True:
            await asyncio.sleep(0.1)
            yield "tick"


class Pours(Noted):
    """Has much to say to a peer that does not read."""

    def handle_in(self, message):
        return [bytes(65536)] * 256


def app(request):
    kinds = {"/never-returns": NeverReturns, "/never-ends": NeverEnds, "/pours": Pours}
    return kinds.get(request.path, Echo)(request)
