"""What the tests of faults are given besides: workers that start in a moment."""

from collections.abc import Iterator

import pytest

from tests import nursery as nurseries
from tests.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts workers, see tests/nursery.py."""
    with nurseries.nursery() as started:
        yield started
