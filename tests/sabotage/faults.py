"""One-line faults in what decides about rollouts, and the tests that are asked whether they notice."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A line of a module, what a careless hand makes of it, and the test modules that must notice."""

    module: str
    old: str
    new: str
    tests: tuple[str, ...]


def _faults(module: str, tests: str, *lines: tuple[str, str]) -> tuple[Fault, ...]:
    return tuple(Fault(module, old, new, tuple(tests.split())) for old, new in lines)


FAULTS = (
    *_faults(
        "admission",
        "test_admission",
        ("if missing > timedelta():", "if missing > timedelta(days=7):"),
        ("if earlier.completed is None:", "if earlier.completed is not None:"),
        ("elif len(done) < stage.min_clusters:", "elif len(done) < stage.min_clusters - 1:"),
        ("    yield from _hurried(request)\n", "\n"),
        ("        if sentence not in request.body.first_in:", "        if request.body.first_in:"),
        ("_SKIPPING = 2", "_SKIPPING = 1"),
    ),
    *_faults(
        "agreement",
        "test_agreement",
        ("    if seq in stage.used:", "    if seq in stage.pins:"),
        ("    if parse_moment(approval.expires) < asked.at:", "    if parse_moment(approval.expires) > asked.at:"),
        ("    if signer is None:", "    if signer == approval.verb:"),
        ("            people.add(stage.approvals[seq].body.principal)", "            people.add(str(seq))"),
    ),
    *_faults(
        "moves",
        "test_moves test_gate",
        ("    elif not progress.may_start:", "    elif progress.gone:"),
        ("wave_of(key) > turn:", "wave_of(key) > turn + 9:"),
        ("        elif pin.release not in stage.completed_releases:", "        elif not pin.release:"),
        ("    reason = rollout.halted or rollout.over_budget", "    reason = rollout.over_budget"),
        ("    if progress is None or progress.hop >= 0:\n", "    if progress is None:\n"),
    ),
    *_faults(
        "soak",
        "test_soak",
        ("timedelta() < gap <= max_gap", "timedelta() < gap"),
        ("            return self._replace(good_at=None)\n        gap", "            return self\n        gap"),
        ("at - since > grace", "at - since > 9 * grace"),
        ("since = self.bad_since or at", "since = at"),
    ),
    *_faults(
        "waves",
        "test_waves",
        ("        if len(chosen) >= free:", "        if len(chosen) > free:"),
        ("taken[claim] < limit(plan, claim)", "taken[claim] <= limit(plan, claim)"),
        ("    line = sorted(set(members), key=lambda key: place_in_line(release, key))", "    line = list(members)"),
    ),
    *_faults(
        "ledger",
        "test_ledger",
        ("    if entry.prev != (head.digest if head else None):", "    if entry.prev is None and head:"),
        ('    if (entry.kind == "genesis") != (head is None):', '    if entry.kind != "genesis" and head is None:'),
        ("        if entry.digest != anchor.digest:", "        if anchor.seq < 0:"),
    ),
    *_faults(
        "ledger",
        "test_reopening",
        ("        if anchor.seq < self.first:", "        if anchor.seq < self.first + 9:"),
        ("closed.seq + 1 if closed else 0)", "entry.seq if closed else 0)"),
    ),
    *_faults(
        "reopening",
        "test_reopening",
        ("PEOPLE: Final = 2", "PEOPLE: Final = 1"),
        ("len(set(people)) < PEOPLE:", "len(people) < PEOPLE:"),
        ("parse_moment(one.expires) >= moment)", "parse_moment(one.expires) >= at)"),
        ("    said = {name: value for name, value in body.items() if name != _AGREED}", '    said = body["closes"]'),
        ("kubernetes = max(run.kubernetes, now.kubernetes)", "kubernetes = min(run.kubernetes, now.kubernetes)"),
        ('{"removal": now.removal} if', '{"removal": good.removal} if good and'),
        ('"revoked": {**revoked, **taken_back}', '"revoked": {**revoked}'),
    ),
    *_faults(
        "gate",
        "test_reopening",
        ("or entry.seq > standing.seq:", "or entry.seq > standing.seq + 99:"),
        ("    return last is not None and last.digest == standing.digest", "    return last is not None"),
        ("        case GenesisBody(revoked=stopped):\n            pass\n", ""),
    ),
    *_faults(
        "proofs",
        "test_reopening",
        ("        if 0 <= seq < first:", "        if first:"),
    ),
    *_faults(
        "ledger",
        "test_ledger",
        ("    if entry.env != environment:", "    if not entry.env:"),
    ),
    *_faults(
        "judged",
        "test_judged",
        ("stands.digest != self.head.digest", "not stands.digest"),
        ("            and self.receipts == _received(proofs.receipts, self.head.seq)\n", ""),
        ("            and self.earlier == [_known(one) for one in earlier]\n", ""),
    ),
    *_faults(
        "skew",
        "test_skew",
        ("    if start > target:", "    if start.major > target.major:"),
        ("    if highest > control_plane:", "    if highest < control_plane:"),
        ("        if not old.reversible:", "        if old.reversible:"),
    ),
    *_faults(
        "progress",
        "test_progress",
        ("        if self.held:", "        if self.gone:"),
        ("not (self.held or self.gone or self.failed)", "not (self.gone or self.failed)"),
        ("done = at - since >= seen.pace.bake", "done = at >= since"),
        ("self.seen in _UNWELL and not (self.gone", "self.seen is Verdict.Unhealthy and not (self.gone"),
        ("        lost = self.hop >= 0 and not self.is_done", "        lost = False"),
    ),
    *_faults(
        "stage",
        "test_gate test_decide",
        ("                rollout.halted, rollout.soak = body.reason, Soak()", "                rollout.soak = Soak()"),
    ),
    *_faults(
        "decide",
        "test_decide",
        ("        elif progress.held != situation.orders[key]:", "        elif progress.held:"),
    ),
    *_faults(
        "gate",
        "test_gate test_adversarial",
        ("against = (_stopped_since(entry, earlier), found,", "against = (found,"),
        ("        if pin.release not in stage.completed_releases:", "        if not pin.release:"),
    ),
    *_faults(
        "dating",
        "test_dating",
        ("> soak_rules(stage).max_gap.delta:", "> 9 * soak_rules(stage).max_gap.delta:"),
        (" < self.vouched - RECEIVED_WITHIN:", " < self.vouched - 99 * RECEIVED_WITHIN:"),
        ("parse_moment(entry.at) > received:", "parse_moment(entry.at) < received:"),
    ),
    *_faults(
        "clock", "test_clock", ("    if last is not None and at <= last:", "    if last is not None and at < last:")
    ),
)
