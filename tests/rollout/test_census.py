from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schiff.rollout.census import Census, Part
from schiff.values.names import ClusterKey

keys = st.sampled_from([ClusterKey("site", name) for name in "abc"])
parts = st.none() | st.builds(Part, st.booleans(), st.booleans(), st.booleans())


@given(puts=st.lists(st.tuples(keys, parts)))
def test_the_sums_are_those_of_what_was_put_last(puts: list[tuple[ClusterKey, Part | None]]) -> None:
    census = Census()
    for key, part in puts:
        census.put(key, part)
    last = [part for part in dict(puts).values() if part is not None]
    assert (census.total, census.healthy) == (len(last), sum(part.healthy for part in last))
    assert (census.unhealthy, census.done) == (sum(part.unhealthy for part in last), sum(part.done for part in last))


def test_a_copy_goes_on_by_itself() -> None:
    census = Census()
    census.put(ClusterKey("site", "a"), Part(healthy=True, unhealthy=False, done=True))
    later = census.copy()
    later.put(ClusterKey("site", "a"), None)
    assert (census.total, census.done, later.total, later.done) == (1, 1, 0, 0)
