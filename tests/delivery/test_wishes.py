from __future__ import annotations

import pytest

from schiff.delivery.stack import StackSettings
from schiff.delivery.wishes import REHEARSAL, is_rehearsal


def test_a_rehearsal_is_wished_and_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = StackSettings.parse({}, "Pulumi.prd.yaml")
    monkeypatch.delenv(REHEARSAL, raising=False)
    assert not is_rehearsal(embedded)
    monkeypatch.setenv(REHEARSAL, "1")
    assert is_rehearsal(embedded)


@pytest.mark.parametrize("name", ["ledger", "definitions", "components"])
def test_no_rehearsal_has_a_repository_of_others(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(REHEARSAL, "1")
    assert not is_rehearsal(StackSettings.parse({name: "ssh://git@example.org/x.git"}, "Pulumi.prd.yaml"))
