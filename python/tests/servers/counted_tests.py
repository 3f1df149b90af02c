"""Tests that count themselves."""

from __future__ import annotations

import pytest
from counting_app import count


@pytest.mark.parametrize("number", range(20))
def test_counts(number: int) -> None:
    assert count()
