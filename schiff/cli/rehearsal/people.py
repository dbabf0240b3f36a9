"""What people do in a season: change a default before each train, hold one cluster, approve what asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml

from schiff.cli.rehearsal.approvals import APPROVERS, approval
from schiff.cli.rehearsal.story import Story
from schiff.cli.rehearsal.world import RehearsalWorld
from schiff.model.fleet import Order
from schiff.rollout.genesis import newest_release, orders_of
from schiff.rollout.moments import parse_moment
from schiff.rollout.situation import Append
from schiff.rollout.trains import next_train
from schiff.values.names import ClusterKey, Environment

_BEFORE = timedelta(days=1)
_HELD_FROM = timedelta(days=14, hours=8)
_DEFAULTS = (("audit", "maxBackups", 10), ("audit", "maxSizeMiB", 100))


@dataclass(slots=True)
class People:
    """Everybody in the story; what they choose comes from the seed."""

    world: RehearsalWorld
    story: Story
    random: Random
    begin: datetime
    held: ClusterKey | None = None
    changed_for: set[str] = field(default_factory=set)

    def work(self) -> tuple[Environment, ...]:
        """Do what is due, and return the environments whose orders have to be delivered."""
        touched: list[Environment] = []
        if self._train_comes():
            self._change_a_default()
            touched.append("tst")
        if self.held is None and self.world.clock.now >= self.begin + _HELD_FROM and self._hold():
            touched.append("prd")
        return tuple(touched)

    def _train_comes(self) -> bool:
        newest = newest_release(self.world.known)
        if newest is None or newest.digest in self.changed_for:
            return False
        due = next_train(self.world.known.policy.trains, parse_moment(newest.release.cut or ""))
        if self.world.clock.now < due - _BEFORE:
            return False
        self.changed_for.add(newest.digest)
        return True

    def _change_a_default(self) -> None:
        group, name, usual = self.random.choice(_DEFAULTS)
        file = self.world.project.fleet / "defaults.yaml"
        data = _document(file)
        values = data.setdefault(group, {})
        values[name] = int(values.get(name, usual)) + 1
        file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        said = f"{group}.{name} becomes {values[name]} for the whole fleet"
        self.world.commit_fleet(said)
        self.story.say(self.world.clock.now, "people", f"lena merges a default: {said}; at head only, so far")

    def _hold(self) -> bool:
        """Let a customer hold one production cluster; a fleet without one has nothing to hold."""
        orders = orders_of(self.world.known, "prd")
        able = [order for order in orders if not order.document.data.keys() & {"decommission", "hold"}]
        if len(able) < 2:
            return False
        order = self.random.choice(able)
        self.held = order.key
        self._write_hold(order)
        self.world.commit_fleet(f"{order.customer} holds {order.key}")
        said = f"{order.customer} holds {order.key}: no release may reach it until further notice"
        self.story.say(self.world.clock.now, "people", said)
        return True

    def _write_hold(self, order: Order) -> None:
        file = self.world.project.fleet / "sites" / order.key.site / order.customer / f"{order.key.name}.yaml"
        since = f"{self.world.clock.now:%Y-%m-%d}"
        hold = {"by": order.customer, "reason": "the books of the year are closed", "since": since}
        file.write_text(yaml.safe_dump({**_document(file), "hold": hold}, sort_keys=False), encoding="utf-8")

    def approve(self, environment: Environment) -> bool:
        """Let one of the two approve the newest release that went through the environment before."""
        before = self.world.ledgers["ref" if environment == "prd" else "tst"].state
        if before.rollout is None:
            return False
        name, now = self.random.choice(APPROVERS), self.world.clock.now
        digest = next(
            (one for one in reversed(before.completed_releases) if one not in self._known(environment)),
            before.rollout.release,
        )
        body = approval(name, environment, "promote", digest, now)
        step = Append("approve", body, "")
        self.world.append(self.world.ledgers[environment], step, now)
        release = self.world.known.releases[digest].release.name
        self.story.say(now, "people", f"{name} signs: release {release} may enter {environment}")
        return True

    def _known(self, environment: Environment) -> set[str]:
        state = self.world.ledgers[environment].state
        return {*state.completed_releases, *state.past}


def _document(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
