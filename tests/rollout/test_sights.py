from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import InvalidValue
from schiff.rollout.health import Verdict
from schiff.rollout.sights import Report, Sight
from schiff.values.names import ClusterKey

RELEASE = f"sha256:{'1' * 64}"


def a_sight(reason: str = "") -> Sight:
    return Sight(RELEASE, "v1.35.4", Verdict.Healthy, reason)


REPORT = Report(
    {ClusterKey("site-1", "a"): a_sight(), ClusterKey("site-1", "b"): a_sight("NotReady")}, {"mgmt-1": a_sight()}
)
TEXT = REPORT.to_bytes().decode()


@given(
    tenants=st.dictionaries(st.sampled_from(["a/b", "a-b/c", "a/b-c", "a/bc"]).map(ClusterKey.parse), st.text()),
    managers=st.dictionaries(st.text(max_size=3), st.sampled_from(['},"', "}", '"', "},", '},"managementClusters":{'])),
)
def test_a_report_is_read_as_it_was_written(tenants: dict[ClusterKey, str], managers: dict[str, str]) -> None:
    report = Report(
        {key: a_sight(reason) for key, reason in tenants.items()},
        {name: a_sight(reason) for name, reason in managers.items()},
    )
    assert Report.parse(report.to_bytes()) == report


@given(
    at=st.integers(0, len(TEXT) - 1),
    cut=st.integers(0, 3),
    more=st.sampled_from(["", " ", "0", '"', "\\", "}", "{", ",", '},"', '"v":1,', "\n", "é", "a"]),
)
def test_what_is_taken_for_a_report_has_exactly_these_bytes(at: int, cut: int, more: str) -> None:
    content = (TEXT[:at] + more + TEXT[at + cut :]).encode()
    with suppress(InvalidValue):
        assert Report.parse(content).to_bytes() == content


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"v":1', '"v":2', "form"),
        ('"v":1', '"v":1,"w":1', "form"),
        ("site-1/a", "site-1/c", "spelled"),
        ("site-1/a", "site-1/b", "spelled"),
        ("site-1/a", "site", "cluster"),
        ('"reason":""', '"reason":"", ', "read"),
        ('"reason":"",', '"reason":"","wish":"",', "spelled"),
        ('"reason":"",', "", "reason"),
        ("Healthy", "Fine", "Fine"),
        (TEXT, "[]", "read"),
        (TEXT, "[" * 100_000, "read"),
    ],
)
def test_anything_but_a_report_is_refused_with_its_reason(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidValue, match=said):
        Report.parse(TEXT.replace(old, new, 1).encode())


def test_a_sight_that_stood_in_a_report_before_is_the_very_same() -> None:
    key = ClusterKey("site-1", "a")
    other = Report({key: REPORT.clusters[key]}, {})
    assert Report.parse(other.to_bytes()).clusters[key] is Report.parse(REPORT.to_bytes()).clusters[key]
