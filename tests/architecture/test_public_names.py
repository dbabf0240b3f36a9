from __future__ import annotations

import schiff
from schiff import resources


def test_the_public_names_are_these() -> None:
    """A name here is a promise: taking one away breaks other people's programs."""
    assert schiff.__all__ == ["Fleet", "InvalidInput", "Problem", "SchiffError", "fleet_of", "load_fleet"]
    assert {"Delivery", "Environment"} <= set(resources.__all__)
