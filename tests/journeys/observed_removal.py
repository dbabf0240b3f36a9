"""The ledger's entries of a removal, entered as who observed the state before would; no command does so yet."""

from __future__ import annotations

from datetime import UTC, datetime

from schiff.delivery.ledger_branch import append_to_ledger
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.values.names import ClusterKey, Environment
from tests.journeys.pulumi_project import PulumiProject

OBSERVATION = "sha256:" + "0" * 64


def enter_removal(project: PulumiProject, environment: Environment, cluster: str, state: str) -> None:
    """Append a state of a cluster's removal, and deliver."""

    def propose(ledger: Ledger) -> Entry | None:
        if ledger.state.removals.get(ClusterKey.parse(cluster)) == state:
            return None
        body = {"cluster": cluster, "state": state, "observation": OBSERVATION}
        return ledger.append("remove", body, at=format_moment(datetime.now(UTC)), actor="ci:test", fleet="none")

    workspace = project.root / ".schiff"
    append_to_ledger(str(workspace / "ledger.git"), environment, propose, workspace / "cache")
    project.schiff("up", "-e", environment)
