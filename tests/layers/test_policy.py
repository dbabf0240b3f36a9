from __future__ import annotations

import pytest

from schiff.errors import InvalidInput, Problem
from schiff.layers.policy import read_policy
from schiff.layers.yaml_documents import read_document
from schiff.model.policy import PolicySpec
from tests.makers import a_fleet, fleet_documents

WINDOW = "{days: [saturday], from: '22:00', until: '04:00', zone: Europe/Berlin}"
FREEZE = "{from: 2026-12-18, until: 2027-01-04, reason: year's end}"


def problems_in(text: str) -> tuple[Problem, ...]:
    """Return everything that is wrong with a policy file, the way `assemble` says it."""
    problems: list[Problem] = []
    policy = read_policy(read_document(text.encode(), "policy.yaml"), problems)
    assert (policy is None) == bool(problems)
    return tuple(sorted(set(problems)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("environments: {prd: {soak: 0d}}", "environments[prd].soak: 0s is no time at all (expected more than 0"),
        ("environments: {ref: {soak: 0h}}", "environments[ref].soak: 0s is no time at all"),
        (
            "environments: {tst: {candidates: {soak: 0s}}}",
            "environments[tst].candidates.soak: 0s is no time at all",
        ),
        ("environments: {prd: {soak: -14d}}", "environments[prd].soak: '-14d' is not a duration (expected e.g."),
        ("environments: {prd: {soak: 14}}", "environments[prd].soak: '14' is not a duration (expected e.g. 14d"),
        ("environments: {ref: {soak: 24h}}", "maxGap of 36h is longer than the soak of ref, 1d: two looks would do; w"),
        ("soak: {maxGap: 15d}", "soak.maxGap: maxGap of 15d is longer than the soak of tst, 14d: two looks"),
        ("environments: {tst: {soak: 14d}}", "environments[tst].soak: is not read: only candidates soak here; w"),
        ("environments: {prd: {candidates: {}}}", "environments[prd].candidates: only tst has candidates; write"),
        ("environments: {prod: {}}", "environments[prod]: 'prod' is not known; expected 'tst', 'ref' or 'prd'"),
        ("environments: {prd: {minClusters: 0}}", "environments[prd].minClusters: 0 is out of range; expected a"),
        ("environments: {prd: {sites: 0}}", "environments[prd].sites: 0 is out of range; expected at least 1"),
        ("environments: {prd: {approvals: -1}}", "environments[prd].approvals: -1 is out of range; expected at "),
        ("environments: {prd: {witness: maybe}}", "environments[prd].witness: 'maybe' is not known; expected 'r"),
        ("soak: {maxGap: 0h}", "soak.maxGap: 0s is no time at all"),
        ("soak: {grace: -4h}", "soak.grace: '-4h' is not a duration"),
        ("soak: {coverage: 101%}", "soak.coverage: '101%' is not a share (expected whole percent from 1% to 10"),
        ("soak: {coverage: 0%}", "soak.coverage: '0%' is not a share"),
        ("soak: {coverage: '0.9'}", "soak.coverage: '0.9' is not a share (expected whole percent from 1% to 10"),
        ("complete: 98", "complete: '98' is not a share (expected whole percent"),
        ("complete: 0%", "complete: '0%' is not a share"),
        ("waves: {order: []}", "waves.order: no wave is named, so nothing would ever move (expected e.g. [cana"),
        ("waves: {order: [canary]}", "waves.order: the last wave is canary, so some clusters would never move"),
        ("waves: {order: [canary, 50%]}", "waves.order: the last wave is 50%, so some clusters would never mo"),
        ("waves: {order: [50%, 25%, 100%]}", "waves.order: the waves do not grow (expected e.g."),
        ("waves: {order: [25%, 25%, 100%]}", "waves.order: the waves do not grow"),
        ("waves: {order: [5%, canary, 100%]}", "waves.order: canary is not the first wave"),
        ("waves: {order: [canary, five, 100%]}", "waves.order[1]: 'five' is not a share"),
        ("waves: {bake: {canarry: 24h}}", "waves.bake[canarry]: no wave is called 'canarry'; did you mean 'can"),
        ("waves: {bake: {canary: 0h}}", "waves.bake[canary]: 0s is no time at all"),
        ("waves: {deadlinePerMachine: 0m}", "waves.deadlinePerMachine: 0s is no time at all"),
        ("waves: {maxUnavailable: 0}", "waves.maxUnavailable: '0' allows nothing"),
        ("waves: {caps: {customer: 0%}}", "waves.caps.customer: '0%' allows nothing"),
        ("waves: {maxFailures: -1}", "waves.maxFailures: -1 is out of range; expected at least 0"),
        ("trains: {on: tuesday}", "trains.on: 'tuesday' is no moment of a week (expected e.g. tuesday 09:00 Eu"),
        ("trains: {on: tusday 09:00 Europe/Berlin}", "trains.on: 'tusday' is not a weekday (expected e.g. tues"),
        ("trains: {on: tuesday 9am Europe/Berlin}", "trains.on: '9am' is not a time of day (expected 00:00 to"),
        ("trains: {on: tuesday 09:00 Europe/Berln}", "trains.on: 'Europe/Berln' is not a time zone (expected "),
        ("trains: {every: 0 weeks}", "trains.every: 0s is no time at all"),
        (
            f"environments: {{prd: {{windows: [{WINDOW.replace('saturday', '')}]}}}}",
            "environments[prd].windows[0].days: no day is named, so it never opens (expected e.g. [saturday",
        ),
        (
            f"environments: {{prd: {{windows: [{WINDOW.replace('saturday', 'caturday')}]}}}}",
            "environments[prd].windows[0].days[0]: 'caturday' is not known; expected 'monday', 'tuesday', ",
        ),
        (
            f"environments: {{prd: {{windows: [{WINDOW.replace('04:00', '22:00')}]}}}}",
            "environments[prd].windows[0].until: until is from, 22:00: it never opens (a whole day is 00:00 to 24:00",
        ),
        (
            f"environments: {{prd: {{windows: [{WINDOW.replace('04:00', '22:30')}]}}}}",
            "environments[prd].windows[0].until: 30m is shorter than one machine may take, 45m; open it longer, or sh",
        ),
        (
            f"environments: {{prd: {{windows: [{WINDOW.replace('Berlin', 'Atlantis')}]}}}}",
            "environments[prd].windows[0].zone: 'Europe/Atlantis' is not a time zone (expected its IANA name, e.g. Eu",
        ),
        (
            f"environments: {{prd: {{windows: [{WINDOW.replace('22:00', '25:00')}]}}}}",
            "environments[prd].windows[0].from: '25:00' is not a time of day",
        ),
        (
            f"freezes: [{FREEZE.replace('2027-01-04', '2026-12-18')}]",
            "freezes[0].until: until 2026-12-18T00:00:00Z is not after from 2026-12-18T00:00:00Z (expected a",
        ),
        (f"freezes: [{FREEZE.replace('2027-01-04', '2026-11-31')}]", "freezes[0].until: '2026-11-31' is not a date or"),
        ("freezes: [{from: 2026-12-18, until: 2027-01-04}]", "freezes[0].reason: is missing; add it"),
        (
            "freezes: [{from: 2026-12-18, until: 2027-01-04, reason: ''}]",
            "freezes[0].reason: nothing is said (expected",
        ),
        ("hotfix: {floors: {tst: 0h}}", "hotfix.floors.tst: 0s is no time at all"),
        ("trians: {}", "trians: no field is called 'trians' here; did you mean 'trains'?"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_at_its_place_with_the_cure(text: str, said: str) -> None:
    (problem,) = problems_in(text)
    assert said in str(problem), str(problem)
    assert str(problem).startswith("policy.yaml:1:")
    assert problem.path
    assert problem.rule
    assert problem.cure or "expected" in problem.message or "(a whole day" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "environments: {prd: {soak: 36h}}",
        "environments: {ref: {soak: 1s}, prd: {soak: 1s}, tst: {candidates: {soak: 1s}}}\nsoak: {maxGap: 1s}",
        "soak: {maxGap: 14d, coverage: 100%, grace: 1s}",
        "soak: {coverage: 1%}",
        "complete: 100%",
        "environments: {prd: {minClusters: 1, sites: 1, approvals: 0}}",
        "waves: {order: [100%]}",
        "waves: {order: [canary, 99%, 100%], bake: {99%: 1s, default: 1s}, maxFailures: 0}",
        "waves: {maxUnavailable: 1, caps: {site: 100%, customer: 'max(1, 1%)'}}",
        "trains: {on: sunday 24:00 UTC, every: 1s}",
        f"environments: {{prd: {{windows: [{WINDOW}]}}}}",
        f"environments: {{prd: {{windows: [{WINDOW.replace('04:00', '22:45')}]}}}}",
        f"environments: {{prd: {{windows: [{WINDOW.replace('04:00', '24:00')}]}}}}",
        "environments: {prd: {windows: [{days: sunday, from: '00:00', until: '24:00', zone: UTC}]}}",
        f"environments: {{prd: {{windows: [{WINDOW.replace('04:00', '22:30')}]}}}}\nwaves: {{deadlinePerMachine: 30m}}",
        f"freezes: [{FREEZE}]",
        f"freezes: [{FREEZE.replace('2027-01-04', '2026-12-18T00:00:01Z')}]",
        "freezes: [{from: 2028-02-29, until: 2028-03-01, reason: leap day}]",
    ],
)
def test_what_is_just_right_passes(text: str) -> None:
    assert problems_in(text) == ()


def test_problems_of_values_and_of_the_whole_appear_together_each_at_its_place() -> None:
    text = """\
soak: {grace: 1h, maxGap: 15d}
waves: {order: [], bake: {x: 1h}}
environments:
  ref: {soak: 1d}
  prd:
    windows:
      - {days: [monday, tusday], from: "22:00", until: "04:00", zone: Europe/Berlin}
complete: 98
"""
    found = [(problem.place.line, problem.place.column, problem.path) for problem in problems_in(text)]
    assert found == [
        (2, 9, "waves.order"),
        (7, 25, "environments[prd].windows[0].days[1]"),
        (8, 1, "complete"),
    ]
    mended = text.replace("tusday", "tuesday").replace("98", "98%").replace("[]", "[100%]")
    found = [(problem.place.line, problem.place.column, problem.path) for problem in problems_in(mended)]
    assert found == [
        (1, 19, "soak.maxGap"),
        (2, 31, "waves.bake[x]"),
        (4, 9, "environments[ref].soak"),
    ]


def test_a_formula_without_quotes_says_that_it_needs_them() -> None:
    formula, rest = problems_in("waves: {maxUnavailable: max(10, 2%)}")
    assert '(expected e.g. 5, 2% or "max(10, 2%)", in quotes inside {})' in formula.message
    assert rest.rule == "unknown-field"


def test_a_rule_waits_until_what_it_reads_can_be_read() -> None:
    found = problems_in("soak: {maxGap: 15d}\nenvironments: {ref: {soak: x}}\n")
    assert [problem.path for problem in found] == ["environments[ref].soak"]


def test_a_freeze_names_what_the_fleet_has() -> None:
    scope = {"site": "vsphere-site-1", "customer": ["customer-a"], "cluster": "vsphere-site-1/customer-a-1"}
    freeze = {"from": "2026-12-18", "until": "2027-01-04", "reason": "year's end", "scope": scope}
    documents = {**fleet_documents(), "policy.yaml": {"freezes": [freeze]}}
    assert a_fleet(documents).policy.freezes[0].scope.customer == ("customer-a",)
    scope |= {"site": ["vsphere-site-2"], "customer": ["customer-z"], "cluster": ["vsphere-site-1/customer-a-9"]}
    with pytest.raises(InvalidInput) as caught:
        a_fleet(documents)
    assert [(problem.path, problem.rule) for problem in caught.value.problems] == [
        ("freezes[0].scope.cluster", "unknown-cluster"),
        ("freezes[0].scope.customer", "unknown-customer"),
        ("freezes[0].scope.site", "unknown-site"),
    ]
    assert "no cluster is called 'vsphere-site-1/customer-a-9', so this freezes nothing" in str(caught.value)


def test_a_bad_policy_is_said_with_the_problems_of_other_files() -> None:
    documents = fleet_documents()
    documents["policy.yaml"] = {"environments": {"prd": {"soak": "1d"}}}
    documents["customers/customer-b.yaml"] = {"registry": "x"}
    with pytest.raises(InvalidInput) as caught:
        a_fleet(documents)
    assert [problem.rule for problem in caught.value.problems] == ["customer-may-not", "gap-over-soak"]


def test_what_is_read_is_the_policy() -> None:
    problems: list[Problem] = []
    policy = read_policy(read_document(b"environments: {ref: {minClusters: 7}}", "policy.yaml"), problems)
    assert policy == PolicySpec.model_validate({"environments": {"ref": {"minClusters": 7}}})
