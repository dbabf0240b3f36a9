"""`policy.yaml` as a whole: what several of its values must be together, and the names in it.

Each value by itself was judged when it was read. Here, in the order of the code:

1. Candidates and their soak belong to `tst`; the other environments have a soak of their own.
2. A gap between two observations is shorter than every soak, or two looks would do.
3. Every wave that bakes is one that moves.
4. A window is open for as long as one machine may take.
5. A freeze covers something: every site, customer and cluster it names exists, or it would never act.

A rule waits until every part of the policy that it reads could be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from schiff.errors import Problem
from schiff.layers.shapes import path_text, shape_of
from schiff.layers.validation import close_to, typed
from schiff.model.fleet import Document, Path
from schiff.model.policy import DEFAULT_BAKE, PolicySpec
from schiff.values.durations import Duration, format_duration
from schiff.values.names import ENVIRONMENTS, ClusterKey

_SHAPE = shape_of(PolicySpec)


def read_policy(document: Document, problems: list[Problem]) -> PolicySpec | None:
    """Return the policy, or None after adding its problems; those of whole and parts appear together."""
    found: list[Problem] = []
    policy = typed(PolicySpec, document, found)
    readable = policy
    if readable is None:
        broken = {problem.path.partition(".")[0].partition("[")[0] for problem in found}
        kept = {key: value for key, value in document.data.items() if key not in broken}
        readable = typed(PolicySpec, Document(document.file, kept, document.marks), [])
    else:
        broken = set()
    for parts, rule in _RULES:
        if readable is not None and not broken & parts:
            found.extend(rule(readable, document))
    problems.extend(found)
    return None if found else policy


def policy_reference_problems(
    policy: PolicySpec,
    document: Document,
    sites: Collection[str],
    customers: Collection[str],
    clusters: Collection[ClusterKey],
) -> Iterator[Problem]:
    """Give every name in a freeze that leads nowhere."""
    known = {"site": set(sites), "customer": set(customers), "cluster": set(map(str, clusters))}
    for number, freeze in enumerate(policy.freezes):
        scope = freeze.scope
        named = {"site": scope.site, "customer": scope.customer, "cluster": tuple(map(str, scope.cluster))}
        for kind, names in named.items():
            for name in sorted(set(names) - known[kind]):
                message = f"no {kind} is called {name!r}, so this freezes nothing"
                path = ("freezes", number, "scope", kind)
                yield _problem(document, path, message, close_to(name, known[kind]), f"unknown-{kind}")


def _stages(policy: PolicySpec, document: Document) -> Iterator[Problem]:
    for name in ENVIRONMENTS:
        stage, first = policy.environment(name), name == ENVIRONMENTS[0]
        if first and stage.soak is not None:
            message, cure = "is not read: only candidates soak here", "write it as candidates.soak"
            yield _problem(document, ("environments", name, "soak"), message, cure, "wrong-stage")
        if not first and stage.candidates is not None:
            message, cure = f"only {ENVIRONMENTS[0]} has candidates", "write soak here, and candidates there"
            yield _problem(document, ("environments", name, "candidates"), message, cure, "wrong-stage")


def _gaps(policy: PolicySpec, document: Document) -> Iterator[Problem]:
    gap = policy.soak.max_gap
    found: dict[Path, Problem] = {}
    for name in sorted(ENVIRONMENTS, key=policy.soak_of):
        soak = policy.soak_of(name)
        if gap.delta <= soak:
            break
        below: Path = ("candidates", "soak") if name == ENVIRONMENTS[0] else ("soak",)
        path = _written(document, ("environments", name, *below), ("soak", "maxGap"))
        message = f"maxGap of {gap} is longer than the soak of {name}, {format_duration(soak)}: two looks would do"
        cure = f"write a soak.maxGap of at most {format_duration(soak)}, or a soak of at least {gap}"
        found.setdefault(path, _problem(document, path, message, cure, "gap-over-soak"))
    yield from found.values()


def _bakes(policy: PolicySpec, document: Document) -> Iterator[Problem]:
    known = [*policy.waves.order, DEFAULT_BAKE]
    for name in (document.data.get("waves") or {}).get("bake") or {}:
        if name not in known:
            message, cure = f"no wave is called {name!r}", close_to(name, known)
            yield _problem(document, ("waves", "bake", name), message, cure, "unknown-wave")


def _windows(policy: PolicySpec, document: Document) -> Iterator[Problem]:
    takes = policy.waves.deadline_per_machine
    for name in ENVIRONMENTS:
        for number, window in enumerate(policy.environment(name).windows):
            if window.minutes * 60 >= takes.seconds:
                continue
            message = f"{Duration(window.minutes * 60)} is shorter than one machine may take, {takes}"
            cure = "open it longer, or shorten waves.deadlinePerMachine"
            path = ("environments", name, "windows", number, "until")
            yield _problem(document, path, message, cure, "window-too-short")


def _written(document: Document, *paths: Path) -> Path:
    """Return the first path that somebody wrote, else the last."""
    return next((path for path in paths if _is_in(document.data, path)), paths[-1])


def _is_in(data: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


def _problem(document: Document, path: Path, message: str, cure: str, rule: str) -> Problem:
    return Problem(document.place(path), path_text(_SHAPE, path), message, cure, rule=rule)


_RULES = (
    (frozenset({"environments"}), _stages),
    (frozenset({"environments", "soak"}), _gaps),
    (frozenset({"waves"}), _bakes),
    (frozenset({"environments", "waves"}), _windows),
)
