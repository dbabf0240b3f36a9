from __future__ import annotations

from typing import Any

from schiff.manifests.flux import COMPONENT_PACE, FOLDER_PACE, flux_kustomization, git_repository

SSH, HTTPS = "ssh://git@git.schiff.example/schiff/x.git", "https://git.schiff.example/schiff/x.git"
CREDENTIALS = b"metadata: {name: git-https, namespace: schiff-system}\nstringData:\n  password: ENC[x]\n"


def spec_of_source(url: str, secrets: dict[str, bytes] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = git_repository("cluster-config", url, "main", ["a/b"], secrets or {}).body["spec"]
    return spec


def test_a_source_excludes_everything_and_takes_back_its_own_folders() -> None:
    source = git_repository("cluster-components", HTTPS, "main", ["components", "locations"], {})
    assert source.body["spec"]["ignore"] == "/*\n!/components\n!/locations\n"


def test_ssh_always_names_its_key() -> None:
    assert spec_of_source(SSH)["secretRef"] == {"name": "git-ssh"}


def test_https_names_credentials_only_when_the_fleet_holds_them() -> None:
    assert "secretRef" not in spec_of_source(HTTPS)
    assert spec_of_source(HTTPS, {"git.yaml": CREDENTIALS})["secretRef"] == {"name": "git-https"}


def test_credentials_of_another_namespace_are_not_the_sources() -> None:
    elsewhere = CREDENTIALS.replace(b"schiff-system", b"shop")
    assert "secretRef" not in spec_of_source(HTTPS, {"git.yaml": elsewhere})


def test_a_kustomization_outside_flux_own_namespace_says_where_its_source_is() -> None:
    inside = flux_kustomization("a", "x", "cluster-config", FOLDER_PACE)
    outside = flux_kustomization("a", "x", "cluster-config", FOLDER_PACE, namespace="tenant")
    assert inside.body["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "cluster-config"}
    assert outside.body["spec"]["sourceRef"]["namespace"] == "schiff-system"


def test_a_kustomization_says_only_what_was_asked() -> None:
    spec = flux_kustomization("a", "x", "s", COMPONENT_PACE, prune=False).body["spec"]
    assert list(spec) == ["interval", "retryInterval", "timeout", "path", "prune", "sourceRef"]
    assert spec["path"] == "./x"
    assert spec["prune"] is False


def test_dependencies_are_sorted() -> None:
    spec = flux_kustomization("a", "x", "s", COMPONENT_PACE, depends_on=("b", "a")).body["spec"]
    assert spec["dependsOn"] == [{"name": "a"}, {"name": "b"}]
