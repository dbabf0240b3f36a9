"""The Kubernetes SDK is an extra: it is imported by direct delivery alone, and its absence is a sentence."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from schiff.errors import Refused
from schiff.resources import kubernetes


def test_a_stack_that_delivers_by_git_never_imports_it() -> None:
    program = (
        "import sys, schiff, schiff.resources, schiff.resources.program; sys.exit('pulumi_kubernetes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_the_extra_direct_delivery_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(kubernetes, "version", missing)
    with pytest.raises(Refused, match=r"pip install 'schiff\[direct\]'") as refused:
        kubernetes.require_sdk()
    assert refused.value.code == "no-kubernetes-sdk"
