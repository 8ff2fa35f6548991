"""What tests of the compiled core share: without one there is nothing to test."""

import pytest

from sock import native


@pytest.fixture(scope="session", autouse=True)
def core():
    """Give the compiled core, which must be in use."""
    if not native.ACTIVE:
        pytest.skip("the compiled core is not in use")
    from sock import _core

    return _core
