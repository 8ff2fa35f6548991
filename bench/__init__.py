"""Sock beside its peers, under one load client, in one run: `make bench`."""
