"""A receiver of a pipe that notes what it is told."""


class Receiver:
    def __init__(self, pipe=None):
        self.pipe = pipe
        self.events = []

    def received(self, data):
        self.events.append(data)

    def ended(self):
        self.events.append("ended")

    def drained(self):
        self.events.append("drained")

    def lost(self):
        self.events.append("lost")
