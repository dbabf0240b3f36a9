"""Every mistake that people make in a fleet ends as a sentence: file and line, the value by names, and a cure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from schiff.cli.app import run
from tests.git.repositories import git

RELEASE = "release 2026.48.0"
EXAMPLE = Path(__file__).parents[2] / "stacks" / "fleet"
ORDER = "sites/vsphere-site-1/customer-a/customer-a-1.yaml"
SECOND = "sites/vsphere-site-1/customer-a/customer-a-2.yaml"
SECOND_NODES = "pg-customer-a-2, addresses: 10.1.1.20-10.1.1.120"
METAL_ORDER = "sites/baremetal-site-1/customer-a/customer-a-1.yaml"
METAL_SECOND = "sites/baremetal-site-1/customer-c/customer-c-1.yaml"
PRODUCTION = "sites/vsphere-site-2/customer-a/customer-a-3.yaml"
SITE = "sites/vsphere-site-1/site.yaml"
MANAGER = "management-clusters/schiff-mgmt-x.yaml"
CUSTOMER = "customers/customer-b.yaml"
SECRET = "sites/vsphere-site-1/customer-a/customer-a-1.secrets/database.yaml"
END, PRODUCTION_END = (len((EXAMPLE / file).read_text().splitlines()) + 1 for file in (ORDER, PRODUCTION))
CANARY = "correct-horse-battery-staple"

Edit = Callable[[Path], object]


def replaced(file: str, old: str, new: str) -> Edit:
    def edit(fleet: Path) -> None:
        text = (fleet / file).read_text()
        assert old in text, f"{file} holds no {old!r}"
        (fleet / file).write_text(text.replace(old, new, 1))

    return edit


def written(file: str, text: str | bytes) -> Edit:
    def edit(fleet: Path) -> None:
        (fleet / file).parent.mkdir(parents=True, exist_ok=True)
        (fleet / file).write_bytes(text if isinstance(text, bytes) else text.encode())

    return edit


def appended(file: str, text: str) -> Edit:
    def edit(fleet: Path) -> None:
        (fleet / file).write_text((fleet / file).read_text() + text)

    return edit


def moved(file: str, there: str) -> Edit:
    def edit(fleet: Path) -> None:
        (fleet / there).parent.mkdir(parents=True, exist_ok=True)
        (fleet / file).rename(fleet / there)
        (fleet / file.replace(".yaml", ".secrets")).rename(fleet / there.replace(".yaml", ".secrets"))

    return edit


def copied(file: str, there: str) -> Edit:
    return lambda fleet: written(there, (fleet / file).read_bytes())(fleet)


def linked(file: str, target: str) -> Edit:
    def edit(fleet: Path) -> None:
        (fleet / file).unlink()
        (fleet / file).symlink_to(target)

    return edit


def together(*edits: Edit) -> Edit:
    return lambda fleet: [edit(fleet) for edit in edits]


@dataclass(frozen=True)
class Mistake:
    """One edit of the example fleet, and how the sentence begins that answers it."""

    name: str
    edit: Edit
    says: str
    cure: str


def a_twin_site() -> Edit:
    """Make a site whose name and cluster join to the namespace of another cluster."""
    fresh = [("10.1.", "10.61."), ("vsphere-site-1-a", "twin-a"), ("vsphere-site-1-b", "twin-b")]
    site, order = "sites/vsphere-site-1-customer/site.yaml", "sites/vsphere-site-1-customer/customer-a/a-1.yaml"

    def edit(fleet: Path) -> None:
        for source, target in ((SITE, site), (ORDER, order)):
            text = (fleet / source).read_text()
            for old, new in fresh:
                text = text.replace(old, new)
            written(target, text)(fleet)
        replaced(MANAGER, "sites: [", "sites: [vsphere-site-1-customer, ")(fleet)

    return edit


def another_kubernetes(version: str) -> Edit:
    return together(
        replaced("head.yaml", "version: v1.35.4", f"version: {version}"),
        replaced("head.yaml", "kube-v1.35.4}", f"kube-{version}}}"),
        replaced("head.yaml", "kube-v1.35.4.qcow2", f"kube-{version}.qcow2"),
    )


MISTAKES = (
    Mistake(
        "an unknown field", appended(ORDER, "zoen: intranet\n"), f"{ORDER}:{END}:1 (cluster): zoen: no field", "zone",
    ),
    Mistake(
        "an unknown field deep inside", replaced(ORDER, "replicas: 3", "replcas: 3"),
        f"{ORDER}:6:30 (cluster): pools[md-0].replcas: no field", "did you mean 'replicas'?",
    ),
    Mistake(
        "an unknown field of a site, said once", replaced(SITE, "capacity:", "capacty:"),
        f"{SITE}:5:3: facts.capacty: no field", "did you mean 'capacity'?",
    ),
    Mistake(
        "an unknown field of a management cluster, said once", replaced(MANAGER, "sites:", "sights: []\nsites:"),
        f"{MANAGER}:1:1: sights: no field", "did you mean 'sites'?",
    ),
    Mistake(
        "a wrong type", replaced(ORDER, "replicas: 3", "replicas: many"),
        f"{ORDER}:6:30 (cluster): pools[md-0].replicas: 'many' is text", "expected a whole number",
    ),
    Mistake(
        "a boolean where text belongs", replaced(ORDER, '"true"', "true"),
        f"{ORDER}:3:10 (cluster): labels[candidate]: true is a boolean", 'write it in quotes: "true"',
    ),
    Mistake(
        "a number beyond all machines", replaced(ORDER, "replicas: 3", "replicas: 99999999999999999999"),
        f"{ORDER}:6:40: a number of 20 digits is too large", "write a smaller one",
    ),
    Mistake(
        "a label that no object takes", replaced(ORDER, '"true"', '"not so, true"'),
        f"{ORDER}:3:10 (cluster): labels[candidate]: 'not so, true' is not a label's value", "expected at most 63",
    ),
    Mistake(
        "a template inside a value", replaced("defaults.yaml", "registry.schiff.example", "${registry}"),
        "defaults.yaml:2:1 (defaults): registry: holds ${: no value is a template", "write the value itself",
    ),
    Mistake(
        "an order without environment", replaced(ORDER, "environment: tst\n", ""),
        f"{ORDER}:1:1 (cluster): environment: is missing", "write one of tst, ref, prd",
    ),
    Mistake(
        "an empty order", written(ORDER, "# nothing yet\n"),
        f"{ORDER}:1:1 (cluster): environment: is missing", "write one of tst, ref, prd",
    ),
    Mistake(
        "an unknown environment", replaced(ORDER, "environment: tst", "environment: test"),
        f"{ORDER}:1:1 (cluster): environment: 'test' is not known", "expected 'tst', 'ref' or 'prd'",
    ),
    Mistake(
        "a missing endpoint", replaced(ORDER, "controlPlane: {endpoint: 10.1.0.10}\n", ""),
        f"{ORDER}:1:1 (cluster): controlPlane.endpoint: is missing", "add it",
    ),
    Mistake(
        "a missing router id", replaced(METAL_ORDER, "virtualRouterId: 21, ", ""),
        f"{METAL_ORDER}:4:1 (cluster): controlPlane.virtualRouterId: keepalived needs", "unique on the segment",
    ),
    Mistake(
        "a duplicate key", appended(ORDER, "zone: internet\n"),
        f"{ORDER}:{END}:1: the key 'zone' is there twice", "remove one of the two; the first is in line 2",
    ),
    Mistake(
        "an order at an unknown site", copied(ORDER, "sites/nowhere/customer-a/customer-a-9.yaml"),
        "sites/nowhere/customer-a/customer-a-9.yaml:1:1: no site is called 'nowhere'", "write sites/nowhere/site.yaml",
    ),
    Mistake(
        "a management cluster of an unknown site",
        replaced(MANAGER, "[vsphere-site-1, ", "[vsphere-site-1, elsewhere, "),
        f"{MANAGER}:1:25: sites[1]: no site is called 'elsewhere'", "known: ",
    ),
    Mistake(
        "an unknown customer", moved(ORDER, ORDER.replace("/customer-a/", "/customer-q/")),
        f"{ORDER.replace('/customer-a/', '/customer-q/')}:1:1: no customer is called 'customer-q'",
        "write customers/customer-q.yaml",
    ),
    Mistake(
        "an unknown machine class", replaced(ORDER, "class: large", "class: huge"),
        f"{ORDER}:6:16 (cluster): pools[md-0].class: no machine class is called 'huge'", "known: control-plane, large",
    ),
    Mistake(
        "an unknown class", appended(ORDER, "class: nearby\n"),
        f"{ORDER}:{END}:1 (cluster): class: no class is called 'nearby'", "known: far-edge",
    ),
    Mistake(
        "an unknown zone", replaced(ORDER, "zone: intranet", "zone: extranet"),
        f"{ORDER}:2:1 (cluster): zone: no zone is called 'extranet'", "did you mean 'intranet'?",
    ),
    Mistake(
        "an unknown version", replaced("head.yaml", "version: v3.32.1-s2", "version: v3.99.0"),
        "head.yaml:4:12: components[calico].version: v3.99.0 is not on offer", "v3.32.1-s2",
    ),
    Mistake(
        "a failure domain with an unknown network",
        replaced(SITE, "networks: [pg-customer-a-1", "networks: [pg-cust-a-1"),
        f"{SITE}:13:86: facts.failureDomains[vsphere-site-1-a].networks[0]: the site has no network called",
        "did you mean 'pg-customer-a-1'?",
    ),
    Mistake(
        "one name twice at a site", copied(ORDER, ORDER.replace("/customer-a/", "/customer-b/")),
        f"{ORDER.replace('/customer-a/', '/customer-b/')}:1:1: site vsphere-site-1 has a second cluster called",
        "take another name",
    ),
    Mistake(
        "one namespace for two clusters", a_twin_site(),
        "sites/vsphere-site-1-customer/customer-a/a-1.yaml:1: vsphere-site-1-customer/a-1 and "
        "vsphere-site-1/customer-a-1 share the namespace", "take another name for one of them",
    ),
    Mistake(
        "nodes of two clusters on the same addresses",
        together(
            replaced(SECOND, "10.1.1.10", "10.1.0.11"),
            replaced(SECOND, SECOND_NODES, "pg-customer-a-1, addresses: 10.1.0.99-10.1.0.150"),
        ),
        f"{SECOND}:4:35 (cluster): nodes.addresses[0]: 10.1.0.99-10.1.0.150 meets the nodes of", "take other addresses",
    ),
    Mistake(
        "one API address for two clusters",
        together(
            replaced(SECOND, "10.1.1.10", "10.1.0.10"),
            replaced(SECOND, SECOND_NODES, "pg-customer-a-1, addresses: 10.1.0.130-10.1.0.150"),
        ),
        f"{SECOND}:3:16 (cluster): controlPlane.endpoint: 10.1.0.10 meets the API address of", "take other addresses",
    ),
    Mistake(
        "two networks of a site that overlap", replaced(SITE, "cidr: 10.1.1.0/24", "cidr: 10.1.0.0/23"),
        f"{SITE}:16:23: facts.networks[pg-customer-a-1].cidr: 10.1.0.0/24 overlaps network pg-customer-a-2",
        "take another network",
    ),
    Mistake(
        "pods on the network of services", appended(ORDER, "clusterNetwork: {pods: 10.96.0.0/16}\n"),
        f"{ORDER}:{END}:18 (cluster): clusterNetwork.pods: 10.96.0.0/16 overlaps the services'", "take another network",
    ),
    Mistake(
        "pods on a network of the site", appended(ORDER, "clusterNetwork: {pods: 10.1.9.0/24}\n"),
        f"{ORDER}:{END}:18 (cluster): clusterNetwork.pods: 10.1.9.0/24 overlaps network pg-platform",
        "take another network",
    ),
    Mistake(
        "an API address that machines may get", replaced(ORDER, "endpoint: 10.1.0.10", "endpoint: 10.1.0.50"),
        f"{ORDER}:4:16 (cluster): controlPlane.endpoint: 10.1.0.50 meets the nodes of this cluster",
        "take other addresses",
    ),
    Mistake(
        "an API address that Services may get", replaced(ORDER, "endpoint: 10.1.0.10", "endpoint: 10.1.0.195"),
        f"{ORDER}:7:55 (cluster): components[metallb].pools.services.addresses[0]: 10.1.0.192/28 meets the API address",
        "take other addresses",
    ),
    Mistake(
        "an API address of another family", replaced(ORDER, "endpoint: 10.1.0.10", 'endpoint: "fd00::10"'),
        f"{ORDER}:4:16 (cluster): controlPlane.endpoint: fd00::10 lies outside network",
        "take an address of 10.1.0.0/24",
    ),
    Mistake(
        "a cluster's name over its budget", moved(ORDER, ORDER.replace("customer-a-1.", f"{'a' * 33}.")),
        f"{ORDER.replace('customer-a-1.', 'a' * 33 + '.')}:1: '{'a' * 33}' has 33 characters, at most 32 fit", "rename",
    ),
    Mistake(
        "a cluster's name that is none", moved(ORDER, ORDER.replace("customer-a-1.", "Customer_A.")),
        f"{ORDER.replace('customer-a-1.', 'Customer_A.')}:1: 'Customer_A' is not a name", "rename",
    ),
    Mistake(
        "a pool's name over its budget", replaced(ORDER, "md-0", "workers-of-customer-a"),
        f"{ORDER}:6:9 (cluster): pools[workers-of-customer-a]: 'workers-of-customer-a' has 21 characters",
        "at most 12 fit",
    ),
    Mistake(
        "an even control plane", replaced(ORDER, "endpoint: 10.1.0.10", "endpoint: 10.1.0.10, replicas: 4"),
        f"{ORDER}:4:37 (cluster): controlPlane.replicas: 4 control plane machines", "expected an odd number",
    ),
    Mistake(
        "a version without v", replaced("head.yaml", "version: v1.35.4", "version: 1.35.4"),
        "head.yaml:31:3: kubernetes.version: '1.35.4' is not a Kubernetes version", "expected e.g. v1.35.4",
    ),
    Mistake(
        "a Kubernetes that is too old", another_kubernetes("v1.29.9"),
        "head.yaml:31:3: kubernetes.version: v1.29.9 is outside 1.30-1.36", "pin a supported version",
    ),
    Mistake(
        "a Kubernetes that is too new", another_kubernetes("v1.37.0"),
        "head.yaml:31:3: kubernetes.version: v1.37.0 is outside 1.30-1.36", "pin a supported version",
    ),
    Mistake(
        "an image of another version", replaced("head.yaml", "kube-v1.35.4}", "kube-v1.35.40}"),
        "head.yaml:34:15: kubernetes.images.vsphere.template: 'ubuntu-2404-kube-v1.35.40' does not name",
        "change both together",
    ),
    Mistake(
        "a site that does not say what it holds", replaced(SITE, "  capacity: {machines: 80}\n", ""),
        f"{SITE}:2:1: facts.capacity: 33 machines are ordered", "add it",
    ),
    Mistake(
        "a site that is too small", replaced(SITE, "machines: 80", "machines: 32"),
        f"{SITE}:5:14: facts.capacity.machines: 33 machines are ordered, 32 fit", "order less, or add capacity",
    ),
    Mistake(
        "a server for two clusters", replaced(METAL_SECOND, "r1-u02", "r1-u01"),
        f"{METAL_SECOND}:3:66 (cluster): controlPlane.hosts[0]: r1-u01 is used by baremetal-site-1/customer-a-1",
        "take a free server",
    ),
    Mistake(
        "a server that no site has", replaced(METAL_ORDER, "r2-u07", "r9-u07"),
        f"{METAL_ORDER}:6:47 (cluster): pools[md-0].hosts[1]: site baremetal-site-1 has no server called 'r9-u07'",
        "take one of facts.hosts",
    ),
    Mistake(
        "a customer who sets what is the platform's", written(CUSTOMER, "registry: registry.example.org\n"),
        f"{CUSTOMER}:1:1 (customer): registry: a customer may not set this; fleet.yaml allows hold, windows, "
        "redundancyGroup, access.sshKeys",
        "move it into an order",
    ),
    Mistake(
        "a secret in plain text", written(SECRET, f"kind: Secret\nstringData: {{password: {CANARY}}}\n"),
        f"{SECRET}:1:1: is not a SOPS document", "encrypt it with sops",
    ),
    Mistake(
        "an editor's hidden copy of a secret", written(SECRET.replace("database", ".database"), f"{CANARY}\n"),
        f"{SECRET.replace('database', '.database')}:1: is not a SOPS document", "encrypt it with sops",
    ),
    Mistake(
        "a machine class that head has and the release lacks",
        together(
            replaced("providers/vsphere.yaml", "  large:", "  huge: {cpus: 9, memoryMiB: 4096, diskGiB: 99}\n  large:"),
            replaced(PRODUCTION, "class: large", "class: huge"),
        ),
        f"{PRODUCTION}:5:16 (cluster): pools[md-0].class: machine class 'huge' exists at head, but not in {RELEASE}",
        "wait for a later release",
    ),
    Mistake(
        "a class that head has and the release lacks",
        together(
            written("classes/near-edge.yaml", "health: {unhealthySeconds: 600}\n"),
            appended(PRODUCTION, "class: near-edge\n"),
        ),
        f"{PRODUCTION}:{PRODUCTION_END}:1 (cluster): class: class 'near-edge' exists at head, but not in {RELEASE}",
        "wait for a later release",
    ),
    Mistake(
        "a bomb of aliases",
        written(
            "defaults.yaml",
            "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 10)}]\n" for n in range(30)),
        ),
        "defaults.yaml:5:45: holds more than 100000 values, aliases expanded", "write less, without aliases",
    ),
    Mistake(
        "a file of 100 MB", lambda fleet: os.truncate(fleet / ORDER, 100 * 2**20),
        f"{ORDER}:1: holds 104857600 bytes, at most 1048576 are read", "split it",
    ),
    Mistake(
        "a link out of the fleet", linked(ORDER, "/etc/hostname"),
        f"{ORDER}:1: is a link out of the fleet folder", "put a copy there",
    ),
    Mistake(
        "a file that is not UTF-8", written(ORDER, "environment: tst\nzone: intränet\n".encode("latin-1")),
        f"{ORDER}:2: is not UTF-8", "save the file as UTF-8",
    ),
)  # fmt: skip

SENTENCES_BESIDE = {
    "an API address of another family": 1,
    "a Kubernetes that is too old": 24,
    "a Kubernetes that is too new": 24,
}
"""How many sentences a mistake is worth where it is not one: every component names its range too."""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the example fleet to a place without project, repositories and ledger."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(EXAMPLE, tmp_path / "fleet"))


def check(fleet: Path, capsys: pytest.CaptureFixture[str], *more: str) -> list[str]:
    """Return what `schiff check` says, one sentence a line; it ends with 2 and writes nothing."""
    before = everything(fleet.parent)
    status = run(["check", "--fleet", str(fleet), *more])
    said = capsys.readouterr()
    assert (status, said.out) == (2, ""), said
    assert everything(fleet.parent) == before
    assert CANARY not in said.err
    return said.err.splitlines()


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    found = {str(path): path.lstat() for path in folder.rglob("*")}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_one_sentence_with_file_line_path_and_cure(
    mistake: Mistake, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mistake.edit(fleet)
    said = check(fleet, capsys)
    (sentence,) = (line for line in said if line.startswith(mistake.says))
    assert mistake.cure in sentence
    assert len(said) == SENTENCES_BESIDE.get(mistake.name, 1), "\n".join(said)


def test_many_mistakes_are_all_said_sorted(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {
        "an unknown version",
        "a server for two clusters",
        "nodes of two clusters on the same addresses",
        "a customer who sets what is the platform's",
        "a secret in plain text",
        "an editor's hidden copy of a secret",
        "a class that head has and the release lacks",
        "an API address that Services may get",
        "one name twice at a site",
    }
    made = [mistake for mistake in MISTAKES if mistake.name in names]
    for mistake in made:
        mistake.edit(fleet)
    said = check(fleet, capsys)
    missed = {mistake.name for mistake in made if not any(line.startswith(mistake.says) for line in said)}
    assert len(made) == len(names)
    assert missed == set()
    assert said == sorted(said, key=lambda line: line.split(":")[0].split(" ")[0])


def test_mistakes_of_files_that_others_build_on_come_first(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("zones/intranet.yaml", "components: [\n")(fleet)
    written("providers/vsphere.yaml", b"\xff\n")(fleet)
    replaced(ORDER, "class: large", "class: huge")(fleet)
    appended(SECOND, "zoen: x\n")(fleet)
    said = check(fleet, capsys)
    assert [line.split(":")[0] for line in said] == ["providers/vsphere.yaml", SECOND, "zones/intranet.yaml"]


NEVER = (
    Mistake(
        "an API address", replaced(ORDER, "endpoint: 10.1.0.10", "endpoint: 10.1.0.11"),
        f"{ORDER}:4:16 (cluster): controlPlane.endpoint: spec.controlPlaneEndpoint: VSphereCluster customer-a-1",
        "put it back",
    ),
    Mistake(
        "the networks inside", appended(ORDER, "clusterNetwork: {pods: 10.245.0.0/16}\n"),
        f"{ORDER}:{END}:1 (cluster): clusterNetwork: spec.clusterNetwork: Cluster customer-a-1: changed", "put it back",
    ),
    Mistake(
        "an environment", replaced(SECOND, "environment: ref", "environment: tst"),
        f"{SECOND}:1:1 (cluster): vsphere-site-1/customer-a-2 is delivered in ref, and would move to tst", "keep ref",
    ),
    Mistake(
        "a customer", moved(SECOND, SECOND.replace("/customer-a/", "/customer-b/")),
        f"{SECOND.replace('/customer-a/', '/customer-b/')}:1:1 (cluster): vsphere-site-1/customer-a-2 was delivered",
        "keep management cluster and customer",
    ),
    Mistake(
        "a cluster's own name", moved(SECOND, SECOND.replace("customer-a-2", "customer-a-7")),
        f"{SECOND}:1: vsphere-site-1/customer-a-2 is delivered in ref, and no order asks for it any more",
        "write `decommission: customer-a-2` into it",
    ),
    Mistake(
        "the label domain", replaced("fleet.yaml", "labelDomain: schiff.example", "labelDomain: other.example"),
        "sites/vsphere-site-1/customer-c/customer-c-1.yaml:1:1 (cluster): metadata.labels[schiff.example/customer]:",
        "put it back",
    ),
)  # fmt: skip


@pytest.mark.parametrize("mistake", NEVER, ids=lambda mistake: mistake.name)
def test_what_never_changes_is_compared_with_a_commit(
    mistake: Mistake, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(fleet.parent, "init", "-q", "-b", "main")
    git(fleet.parent, "add", "--all")
    git(fleet.parent, "commit", "-q", "-m", "fleet")
    mistake.edit(fleet)
    said = check(fleet, capsys, "--against", "main")
    (sentence,) = (line for line in said if line.startswith(mistake.says))
    assert mistake.cure in sentence


def emptied(fleet: Path) -> None:
    shutil.rmtree(fleet)
    fleet.mkdir()


def a_file_instead(fleet: Path) -> None:
    shutil.rmtree(fleet)
    fleet.write_text("x")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (shutil.rmtree, "is no folder; name the folder that holds fleet.yaml"),
        (emptied, "holds no fleet; name the folder that holds fleet.yaml"),
        (a_file_instead, "is no folder; name the folder that holds"),
    ],
    ids=["no folder", "an empty fleet", "a file"],
)
def test_no_fleet_is_a_sentence_too(fleet: Path, capsys: pytest.CaptureFixture[str], make: Edit, says: str) -> None:
    make(fleet)
    (sentence,) = check(fleet, capsys)
    assert sentence.startswith(f"{fleet}: {says}")


def test_the_program_ends_with_2_and_no_traceback(fleet: Path) -> None:
    written(SECRET, f"password: [{CANARY}\n")(fleet)
    appended(ORDER, f"password: {CANARY}\n")(fleet)
    command = [f"{Path(sys.executable).parent}/schiff", "check", "--fleet", str(fleet)]
    ended = subprocess.run(command, cwd=fleet.parent, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    assert CANARY not in ended.stderr
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == [SECRET, ORDER]
