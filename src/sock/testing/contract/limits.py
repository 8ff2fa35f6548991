"""What a host may declare that it cannot do."""

from __future__ import annotations

from typing import Final

LIMITS: Final = {
    "control": "neither sends nor sees pings and pongs",
    "detail": "does not pass on all that is in a Close frame, or that there was none",
    "codes": "lets an application say no codes but 1000, 1011 and 3000 to 4999",
    "early": "loses what comes together with the handshake",
    "empty": "sends no empty messages",
    "ends": "does not notice that the peer has ended or reset TCP",
    "leaving": "does not tell that the peer has left before the application has answered",
    "farewell": "does not tell its application that the peer has said Close",
    "headers": "puts no headers of the application's on its 101",
    "acceptance": "sends the 101 before the application has answered, or cannot wait for it",
    "responses": "gives no ordinary answer of the application's",
    "received": "tells of the messages that it has received, but not of each byte",
    "idle": "does not tell when bytes were received",
    "writes": "decides when bytes leave, and how much it reads ahead",
    "buffer": "does not tell what waits to be sent",
    "pressure": "does not hold back a peer or a handler",
    "close": "answers a Close in a way of its own, or ends TCP so",
    "violations": "answers what breaks the protocol by itself",
    "drain": "is not told here how to stop",
    "handshake": "judges by itself what is a valid handshake, and answers it",
    "options": "has settings of its own for compression and fragments",
    "fields": "joins fields that are repeated",
    "heads": "reads the heads of requests by rules and limits of its own",
    "lifespan": "leaves the lifespan to the program that uses the host",
    "requests": "takes no ordinary requests with a body",
    "text": "loses, or sends otherwise, what is no ASCII in a header field",
}
"""What a host may declare that it cannot do."""
