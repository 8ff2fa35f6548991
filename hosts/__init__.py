"""The matrix of hosts: each server that people run, against the contract and the Autobahn suite."""
