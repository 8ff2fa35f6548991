"""How a case may end, other than well."""

from __future__ import annotations

import unittest


class Failure(AssertionError):
    """The host does not do what the contract says."""


class Enough(Exception):
    """All was seen that this host lets be seen."""


class Skipped(unittest.SkipTest):
    """The host has declared that it cannot do it. Under pytest and unittest, a skipped test."""


class Advice(unittest.SkipTest):
    """The host leaves out what the specification recommends with SHOULD, which is no failure.

    Under pytest and unittest, a skipped test.
    """
