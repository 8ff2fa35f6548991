"""A client with threads and numbers for references: phxsocket_client.py URL. Prints JSON."""

import json
import sys
import threading

from phxsocket import Client

seen = []
client = Client(sys.argv[1])
client.connect()
room = client.channel("room:1", {"name": "ada"})
seen.append(["join", room.join()])
shouted = threading.Event()
room.on("shout", lambda payload: (seen.append(["shout", payload]), shouted.set()))
seen.append(["echo", room.push("echo", {"n": 1}, reply=True).wait_for_response()])
room.push("shout", {"text": "é"})
assert shouted.wait(20)
sys.stdout.write(json.dumps(seen))
client.close()
