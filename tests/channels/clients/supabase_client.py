"""Supabase's client in Python: supabase_client.py URL. Prints what it has seen, as JSON."""

import asyncio
import json
import sys

from realtime import AsyncRealtimeClient

seen = []


async def subscribed(channel):
    states = []
    await channel.subscribe(lambda state, error: states.append([state.value, str(error or "")]))
    return states[0]


async def main(url):
    ada, bob = AsyncRealtimeClient(url, token="public"), AsyncRealtimeClient(url, token="public")
    mine = ada.channel("room", {"config": {"broadcast": {"ack": False, "self": False}}})
    his = bob.channel("room", {"config": {"presence": {"key": "bob", "enabled": True}}})
    got, synced = asyncio.Event(), asyncio.Event()

    def note(payload):
        seen.append(["broadcast", payload["event"], payload["payload"]])
        got.set()

    mine.on_broadcast("move", note)
    his.on_presence_sync(lambda: his.presence_state() and synced.set())
    seen.append(await subscribed(mine))
    seen.append(await subscribed(his))
    await his.send_broadcast("move", {"x": 1})
    await got.wait()
    await his.track({"tab": 1})
    await synced.wait()
    state = his.presence_state()
    seen.append({key: [one["tab"] for one in entries] for key, entries in state.items()})
    closed = ada.channel("closed", {"config": {"private": False}})
    seen.append(await subscribed(closed))
    await ada.close()
    await bob.close()


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 20))
sys.stdout.write(json.dumps(seen))
