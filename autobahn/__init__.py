"""The Autobahn suite against our own server, on both reactors: `make autobahn`."""
