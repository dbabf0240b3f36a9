from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import typer
import yaml
from typer.testing import CliRunner

from schiff.cli.vendor import HELP, files_from, take, vendor
from schiff.errors import Failed, InvalidInput, Refused
from schiff.model.catalogue import CatalogueEntry


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream"
    (folder / "crd").mkdir(parents=True)
    (folder / "deployment.yaml").write_bytes(b"kind: Deployment\r\n")
    (folder / "crd" / "a.yaml").write_bytes(b"kind: CustomResourceDefinition\n")
    return folder


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    (folder / "components").mkdir(parents=True)
    return folder


@pytest.fixture
def server(upstream: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(upstream))) as http:
        thread = Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def vendored(fleet: Path, name: str = "coil", version: str = "v2.15.0") -> dict[str, tuple[str, str]]:
    entry = CatalogueEntry.model_validate(
        yaml.safe_load((fleet / f"components/{name}.yaml").read_text(encoding="utf-8"))
    )
    return {file.path: (file.origin, file.sha256) for file in entry.versions[version].vendored}


def test_a_folder_is_taken_byte_for_byte_with_its_paths(fleet: Path, upstream: Path) -> None:
    assert take(fleet, "coil", "v2.15.0", files_from(str(upstream))) == ["crd/a.yaml", "deployment.yaml"]
    assert (fleet / "components/coil/v2.15.0/deployment.yaml").read_bytes() == b"kind: Deployment\r\n"
    digest = hashlib.sha256(b"kind: Deployment\r\n").hexdigest()
    assert vendored(fleet)["deployment.yaml"] == (f"{upstream}/deployment.yaml", digest)


def test_taking_again_changes_nothing(fleet: Path, upstream: Path) -> None:
    take(fleet, "coil", "v2.15.0", files_from(str(upstream)))
    before = (fleet / "components/coil.yaml").stat().st_mtime_ns
    assert take(fleet, "coil", "v2.15.0", files_from(str(upstream))) == []
    assert (fleet / "components/coil.yaml").stat().st_mtime_ns == before


def test_other_bytes_under_the_same_name_are_refused_and_nothing_is_written(fleet: Path, upstream: Path) -> None:
    take(fleet, "coil", "v2.15.0", files_from(str(upstream)))
    (upstream / "deployment.yaml").write_bytes(b"kind: StatefulSet\n")
    (upstream / "new.yaml").write_bytes(b"kind: Service\n")
    with pytest.raises(Refused, match=r"deployment.yaml; a version never changes.*v2.15.0-s2") as caught:
        take(fleet, "coil", "v2.15.0", files_from(str(upstream)))
    assert caught.value.status == 11
    assert not (fleet / "components/coil/v2.15.0/new.yaml").exists()
    assert "new.yaml" not in vendored(fleet)


def test_nothing_is_added_to_a_version_that_a_release_pins(fleet: Path, upstream: Path) -> None:
    take(fleet, "coil", "v2.15.0", files_from(str(upstream / "deployment.yaml")))
    lock = fleet / "releases/2026.48.0/release.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"vendored": {"coil/v2.15.0": "sha256:x"}}), encoding="utf-8")
    with pytest.raises(Refused, match=r"release 2026.48.0 pins coil v2.15.0"):
        take(fleet, "coil", "v2.15.0", files_from(str(upstream)))
    assert take(fleet, "coil", "v2.15.0", files_from(str(upstream / "deployment.yaml"))) == []


def test_what_people_wrote_in_the_catalogue_stays(fleet: Path, upstream: Path) -> None:
    catalogue = fleet / "components/coil.yaml"
    catalogue.write_text(
        "# Egress with stable addresses.\n"
        'versions: {v2.15.0: {kubernetes: ">=1.33", reversible: false}, v2.14.0: {}}\n',
        encoding="utf-8",
    )
    take(fleet, "coil", "v2.15.0", files_from(str(upstream)))
    assert catalogue.read_text(encoding="utf-8").startswith("# Egress with stable addresses.\nkind: component\n")
    entry = CatalogueEntry.model_validate(yaml.safe_load(catalogue.read_text(encoding="utf-8")))
    assert set(entry.versions) == {"v2.14.0", "v2.15.0"}
    assert str(entry.versions["v2.15.0"].kubernetes) == ">=1.33"
    assert entry.versions["v2.15.0"].reversible is False


def test_a_file_from_a_module_cache_is_known_by_module_and_version(fleet: Path, tmp_path: Path) -> None:
    module = tmp_path / "go/pkg/mod/go.universe.tf/metallb@v0.16.1/config"
    module.mkdir(parents=True)
    (module / "a.yaml").write_bytes(b"a")
    take(fleet, "coil", "v2.15.0", files_from(str(module)))
    assert vendored(fleet)["a.yaml"][0] == "go.universe.tf/metallb@v0.16.1/config/a.yaml"


def test_a_url_is_its_own_origin(fleet: Path, server: str) -> None:
    take(fleet, "coil", "v2.15.0", files_from(f"{server}/deployment.yaml"))
    assert vendored(fleet)["deployment.yaml"][0] == f"{server}/deployment.yaml"


def test_a_url_that_does_not_answer_says_so(server: str) -> None:
    with pytest.raises(Failed, match=r"nothing.yaml cannot be fetched: File not found"):
        files_from(f"{server}/nothing.yaml")


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [("../coil", "v2.15.0", "is no name"), ("coil", "2.15.0", "is not a component version")],
)
def test_a_name_or_version_that_is_none_is_refused(
    fleet: Path, upstream: Path, name: str, version: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        take(fleet, name, version, files_from(str(upstream)))
    assert not list((fleet / "components").iterdir())


def test_a_source_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="holds no file"):
        files_from(str(tmp_path / "empty"))
    with pytest.raises(InvalidInput, match="is no folder and no file"):
        files_from(str(tmp_path / "nowhere"))


def test_the_command_says_what_is_new_and_what_comes_next(fleet: Path, upstream: Path) -> None:
    app = typer.Typer()
    app.command("vendor", help=HELP)(vendor)
    arguments = ["coil", "v2.15.0", "--from", str(upstream), "--fleet", str(fleet)]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert "2 new files" in first.output
    again = CliRunner().invoke(app, [*arguments, "--json"])
    assert json.loads(again.output)["added"] == []
