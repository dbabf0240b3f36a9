"""Whether a release may enter an environment: the gate, as one pure function of what two chains hold.

In the order of the code:

1. A release that was revoked here or in any environment before goes nowhere.
2. It does not run, and has not completed, here already; its plan has somebody to move, the waves that its policy
   asks for, and begins where the chain says that clusters are.
3. One rollout at a time: what runs or turns back is not overtaken; in `tst` and `ref` nor is what soaks, except by
   a hotfix.
4. It completed in the environment before, which is not halted, and enough clusters at enough sites showed it.
5. It soaked there as long as that environment's own frozen policy asks (`schiff.rollout.soak`); a hotfix has floors
   instead, and two people may skip them.
6. What the environment before has none of (provider, zone, variant) is named in the promotion, not passed over.
7. It takes no hotfix away that ran here: it contains the fix, or says that it supersedes it.
8. A policy that asks for less than the one before is agreed to by a person.
9. As many people as policy says agree to the release; a hotfix alone is hurried, or overrides a freeze. It is not
   hurried while the review of an earlier one is overdue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.rollout.agreement import Asked, lack_of_agreement
from schiff.rollout.bodies import PromoteBody
from schiff.rollout.hotfix import fix_forward_problem
from schiff.rollout.moments import format_moment
from schiff.rollout.plan import Plan
from schiff.rollout.policy_changes import loosened
from schiff.rollout.progress import Phase
from schiff.rollout.proofs import Proofs
from schiff.rollout.refusals import Refusal
from schiff.rollout.reviews import overdue_reviews
from schiff.rollout.running import ReleaseState, Rollout
from schiff.rollout.stage import Stage
from schiff.rollout.waves import waves
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment

_SKIPPING = 2
_BUSY = {
    ReleaseState.RollingOut: "is rolling out",
    ReleaseState.RollingBack: "is being taken back",
    ReleaseState.Halted: "is halted",
    ReleaseState.Soaking: "is soaking",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A promotion that is asked about: its body, its plan, its moment, and both environments on its prefix.

    `revoked` are the releases that any environment before took back, with the reasons. `is_closed` says that the
    promotion stands although the chain it cites was closed since, so that nobody can judge its evidence again.
    """

    environment: Environment
    body: PromoteBody
    plan: Plan
    at: datetime
    here: Stage
    before: Stage | None
    proofs: Proofs
    revoked: Mapping[str, str] = field(default_factory=dict)
    is_closed: bool = False


def admission(request: Request) -> Iterator[Refusal]:
    """Yield every reason why a promotion may not be; none when it may."""
    yield from _revoked(request)
    yield from _repeated(request)
    yield from _planned(request)
    yield from _busy(request)
    if request.environment != ENVIRONMENTS[0] and not request.is_closed:
        yield from _evidence(request)
    yield from _fixed(request)
    yield from _loosened(request)
    yield from _approvals(request)
    yield from _hurried(request)


def _revoked(request: Request) -> Iterator[Refusal]:
    before = request.before.revoked if request.before is not None else {}
    for revoked in (request.here.revoked, before, request.revoked):
        if request.body.release in revoked:
            reason = revoked[request.body.release]
            yield Refusal("revoked", f"release {request.body.name} was revoked: {reason}; cut another one")
            return


def _repeated(request: Request) -> Iterator[Refusal]:
    if request.here.rollout_of(request.body.release) is not None:
        where = f"in {request.environment} already"
        yield Refusal("repeated", f"release {request.body.name} was promoted {where}; it goes on by itself")


def _planned(request: Request) -> Iterator[Refusal]:
    plan = request.plan
    if plan.waves != waves(plan.members, plan.policy, plan.release):
        yield Refusal("not-admitted", f"the waves of release {request.body.name} are not those its policy asks for")
    if not plan.members:
        yield Refusal("nothing-to-judge", f"{request.environment} has no cluster that is not held")
    starts = {key: member.start for key, member in plan.members.items()} | dict(plan.held)
    for key, start in sorted(starts.items()):
        if not _runs(request.here, key, start):
            yield Refusal("not-admitted", f"the plan says that {key} runs {start.release}, and the chain says another")


def _runs(here: Stage, key: ClusterKey, start: Assignment) -> bool:
    pin = here.pins.get(key)
    if pin is None:
        return start.release == HEAD or start.release in here.completed_releases
    return (start.release, start.kubernetes) == (pin.release, pin.kubernetes)


def _busy(request: Request) -> Iterator[Refusal]:
    running = request.here.rollout
    if running is None:
        return
    state = running.state
    if state is ReleaseState.Soaking and (request.body.expedited or request.environment == ENVIRONMENTS[-1]):
        return
    if state in _BUSY:
        yield Refusal("busy", f"release {running.name} {_BUSY[state]} in {request.environment}; one at a time")


def _evidence(request: Request) -> Iterator[Refusal]:
    name = ENVIRONMENTS[ENVIRONMENTS.index(request.environment) - 1]
    earlier = request.before.rollout_of(request.body.release) if request.before is not None else None
    if earlier is None:
        yield Refusal("not-admitted", f"release {request.body.name} was never promoted in {name}; it goes there first")
        return
    if earlier.halted is not None:
        yield Refusal("halted", f"release {request.body.name} is halted in {name}: {earlier.halted}")
    if earlier.completed is None:
        yield Refusal("not-complete", f"release {request.body.name} is not complete in {name}: {_rest(earlier)}")
    yield from _population(request, earlier, name)
    yield from _soaked(request, earlier, name)
    yield from _represented(request, earlier)


def _population(request: Request, earlier: Rollout, name: str) -> Iterator[Refusal]:
    stage = earlier.plan.policy.environments[earlier.plan.environment]
    done = [key for key in earlier.population if earlier.clusters[key].is_done]
    if not earlier.population:
        yield Refusal("nothing-to-judge", f"no cluster of {name} runs release {request.body.name} unheld")
    elif len(done) < stage.min_clusters:
        wanted = f"{stage.min_clusters} clusters of {name} must show it"
        yield Refusal("nothing-to-judge", f"{wanted}, and {len(done)} run release {request.body.name}")
    elif len({key.site for key in done}) < stage.sites:
        yield Refusal("nothing-to-judge", f"{stage.sites} sites of {name} must show it, and fewer do")


def _soaked(request: Request, earlier: Rollout, name: str) -> Iterator[Refusal]:
    policy = earlier.plan.policy
    needed = earlier.required_soak
    if request.body.expedited:
        needed = _floor(policy, earlier.plan.environment)
        asked = Asked("skip", request.body.release, request.at, request.body.authors)
        if not list(lack_of_agreement(request.here, request.proofs, request.body.approvals, asked, _SKIPPING)):
            return
    missing = needed - earlier.soak.earned
    if missing > timedelta():
        due = request.at + missing
        sentence = (
            f"release {request.body.name} has run well in {name} for {_days(earlier.soak.earned)} of {_days(needed)};"
            f" it may go on {format_moment(due)} at the earliest"
        )
        yield Refusal("not-soaked", sentence, due)
    if earlier.self_asserted and request.plan.policy.environments[request.environment].witness == "required":
        yield Refusal("self-dated", f"the time of {name} is self-asserted, and policy asks for a witness")


def _floor(policy: PolicySpec, environment: Environment) -> timedelta:
    floors = policy.hotfix.floors
    return (floors.tst if environment == ENVIRONMENTS[0] else floors.ref).delta


def _represented(request: Request, earlier: Rollout) -> Iterator[Refusal]:
    for sentence in first_in(request.plan, earlier):
        if sentence not in request.body.first_in:
            yield Refusal("not-represented", f"{sentence}: the promotion must name it")


def first_in(plan: Plan, earlier: Rollout) -> tuple[str, ...]:
    """Return what clusters of a plan have and none of the environment before has shown, a sentence each."""
    shown = {_kind(earlier.plan, key) for key in earlier.population if earlier.is_member(key)}
    new = sorted({_kind(plan, key) for key in plan.members} - shown)
    return tuple(f"first in {plan.environment}: {provider}, {zone}, {variant}" for provider, zone, variant in new)


def _kind(plan: Plan, key: ClusterKey) -> tuple[str, str, str]:
    member = plan.members[key]
    return member.provider, member.zone, member.variant


def _fixed(request: Request) -> Iterator[Refusal]:
    known = request.proofs.releases
    if request.body.release in known:
        ran = [known[digest] for digest in request.here.expedited if digest in known]
        problem = fix_forward_problem(known[request.body.release], ran)
        if problem is not None:
            yield Refusal("not-fixed", problem)


def _loosened(request: Request) -> Iterator[Refusal]:
    last = request.here.rollout
    less = loosened(last.plan.policy, request.plan.policy, request.at) if last is not None else ()
    if not less:
        return
    asked = Asked("policy", request.body.policy, request.at, request.body.authors)
    for refusal in lack_of_agreement(request.here, request.proofs, request.body.approvals, asked, 1):
        yield Refusal(refusal.code, f"policy asks for less than before ({'; '.join(less)}): {refusal.sentence}")


def _approvals(request: Request) -> Iterator[Refusal]:
    needed = required_approvals(request.plan.policy, request.environment)
    asked = Asked("promote", request.body.release, request.at, request.body.authors)
    yield from lack_of_agreement(request.here, request.proofs, request.body.approvals, asked, needed)


def _hurried(request: Request) -> Iterator[Refusal]:
    body, known = request.body, request.proofs.releases.get(request.body.release)
    if body.expedited and known is not None and known.release.kind != "hotfix":
        yield Refusal("not-admitted", f"release {body.name} is a {known.release.kind}; only a hotfix is hurried")
    if body.expedited and required_approvals(request.plan.policy, request.environment):
        yield from overdue_reviews(request.here, request.proofs, request.at)
    for seq in body.approvals:
        approval = request.here.approvals.get(seq)
        if approval is None or approval.body.verb != "freeze":
            continue
        if not body.expedited:
            yield Refusal("closed", f"approval {seq} overrides a freeze, and only a hotfix may")
        asked = Asked("freeze", approval.body.subject, request.at, body.authors)
        yield from lack_of_agreement(request.here, request.proofs, (seq,), asked, 1)


def required_approvals(policy: PolicySpec, environment: Environment) -> int:
    """Return how many people agree before a release enters."""
    return policy.environments[environment].approvals


def _rest(rollout: Rollout) -> str:
    phases = rollout.phases().values()
    done = sum(phase is Phase.Done for phase in phases)
    return f"{done} of {len(rollout.population)} clusters are done"


def _days(span: timedelta) -> str:
    hours = int(span.total_seconds()) // 3600
    return f"{hours // 24}d {hours % 24}h" if hours % 24 else f"{hours // 24}d"
