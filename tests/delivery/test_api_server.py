"""Which file and which context direct delivery uses; how reading a server goes is a journey of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schiff.delivery.api_server import ApiServer, kubeconfig_file, read_context
from schiff.errors import Refused
from tests.bed.kubeconfig import kubeconfig
from tests.sources.fake_api_server import CANARY, FakeApiServer

CONTEXTS = {
    name: {"cluster": {"server": f"https://{name}.example:6443"}, "user": {"token": "canary"}}
    for name in ("one", "two")
}


def test_a_setting_is_a_path_below_the_project_or_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("KUBECONFIG", "/etc/kube")
    assert kubeconfig_file(".schiff/bed/kubeconfig", tmp_path) == tmp_path / ".schiff/bed/kubeconfig"
    assert kubeconfig_file("~/.kube/config", tmp_path) == Path("/home/someone/.kube/config")
    assert kubeconfig_file("$KUBECONFIG", tmp_path) == Path("/etc/kube")


@pytest.mark.parametrize(("value", "said"), [("", "is not set"), ("/a:/b", "lists several files")])
def test_no_file_and_several_are_refused(value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", value)
    with pytest.raises(Refused, match=said):
        kubeconfig_file("$KUBECONFIG", Path("/"))


def test_one_context_is_read_whatever_the_current_one_is(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig(CONTEXTS))
    assert read_context(file, "two").cluster.server == "https://two.example:6443"
    with pytest.raises(Refused, match="has no context 'three'") as refused:
        read_context(file, "three")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("text", ["half: [", "[]", "clusters: 3", "clusters: []\ncontexts: []\nusers: [{name: x}]"])
def test_what_is_no_kubeconfig_is_refused_without_a_word_of_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(Refused, match=r"is not a kubeconfig|has no context"):
        read_context(file, "one")


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_program_that_gives_credentials_is_asked_in_either_version(version: str, tmp_path: Path) -> None:
    given = json.dumps({"status": {"token": CANARY}})
    program = {"apiVersion": f"client.authentication.k8s.io/{version}", "command": "echo", "args": [given]}
    with FakeApiServer(tmp_path / "pki") as server:
        file = tmp_path / "kubeconfig"
        file.write_text(kubeconfig({"mgmt": {**server.access, "user": {"exec": program}}}))
        with ApiServer("mgmt", read_context(file, "mgmt")) as asked:
            assert asked.unknown([("nothing.example/v1", "Nothing")]) == [("nothing.example/v1", "Nothing")]
