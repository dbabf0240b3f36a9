"""Heads of ledgers that deliveries wrote down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schiff.delivery.anchors import head_in_state, heads_in
from schiff.delivery.delivered import DeliveredManifest, LedgerHead
from schiff.delivery.snapshot import Snapshot
from schiff.delivery.stack import StackName
from schiff.git.clone import CachedClone
from schiff.rollout.ledger import Head

DIGEST = f"sha256:{'1' * 64}"


def a_snapshot(folder: Path, **heads: LedgerHead) -> Snapshot:
    manifests = {
        stack.replace("_", "-"): DeliveredManifest(stack.replace("_", "-"), 1, head, ())
        for stack, head in heads.items()
    }
    return Snapshot(CachedClone(str(folder / "x.git"), "main", folder / "cache"), "prd", None, manifests)


def a_state(folder: Path, output: Any, stack: str = "prd") -> str:
    resources = [{"type": "schiff:index:Commit"}, {"type": "pulumi:pulumi:Stack", "outputs": output}]
    file = folder / ".pulumi" / "stacks" / "schiff" / f"{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": resources}}}))
    return f"file://{folder}"


def test_every_stack_of_an_environment_names_a_head(tmp_path: Path) -> None:
    one, other = LedgerHead(3, DIGEST), LedgerHead(5, DIGEST)
    found = heads_in([a_snapshot(tmp_path, prd=one, prd_mgmt=other, tst=one)])
    assert found == {"prd": {Head(3, DIGEST), Head(5, DIGEST)}, "tst": {Head(3, DIGEST)}}


def test_stacks_of_others_and_deliveries_without_a_ledger_name_none(tmp_path: Path) -> None:
    assert heads_in([a_snapshot(tmp_path, lab=LedgerHead(3, DIGEST), prd=LedgerHead())]) == {}


def test_a_state_in_a_file_names_the_head_of_the_last_update(tmp_path: Path) -> None:
    said = json.dumps({"ledger": {"seq": 7, "digest": DIGEST}, "commits": {}})
    backend = a_state(tmp_path, {"schiff_rollout": said})
    assert head_in_state(backend, StackName("prd")) == Head(7, DIGEST)
    assert head_in_state(backend, StackName("ref")) is None


@pytest.mark.parametrize("output", [{}, {"schiff_rollout": "{"}, {"schiff_rollout": '{"ledger":null}'}, None])
def test_a_state_without_a_head_names_none(tmp_path: Path, output: Any) -> None:
    assert head_in_state(a_state(tmp_path, output), StackName("prd")) is None


def test_a_broken_state_and_one_elsewhere_name_none(tmp_path: Path) -> None:
    backend = a_state(tmp_path, {})
    (tmp_path / ".pulumi" / "stacks" / "schiff" / "prd.json").write_text("{")
    assert head_in_state(backend, StackName("prd")) is None
    assert head_in_state("s3://bucket", StackName("prd")) is None
