"""`schiff new cluster` writes an order that the fleet can take, or nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pyrage import x25519
from typer.testing import CliRunner, Result

from schiff.cli.new import CLUSTER_HELP, new_app
from schiff.cli.order_files import NewOrder, write_order
from schiff.errors import Failed, InvalidInput, Refused
from schiff.manifests.sops import sops_file
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import ClusterKey
from tests.cli.fleet_folder import write_fleet
from tests.delivery.sops_documents import a_key, opened, readers
from tests.makers import MANAGEMENT_CLUSTER, changed

EXAMPLE = Path(__file__).parents[2] / "stacks" / "fleet"
VSPHERE = (
    "vsphere-site-1/customer-b-7", "--customer", "customer-b", "-e", "ref", "--zone", "intranet",
    "--endpoint", "10.1.1.15", "--network", "pg-customer-b-1", "--addresses", "10.1.1.20-10.1.1.50",
    "--pool", "md-0=large:3",
)  # fmt: skip
ORDER = (
    "environment: ref\n"
    "zone: intranet\n"
    'labels: {candidate: "true"}\n'
    "controlPlane: {endpoint: 10.1.1.15}\n"
    "nodes: {network: pg-customer-b-1, addresses: 10.1.1.20-10.1.1.50}\n"
    "pools:\n"
    "  md-0: {class: large, replicas: 3}\n"
)


def run(fleet: Path, *args: str) -> Result:
    return CliRunner().invoke(new_app, ["cluster", *args, "--fleet", str(fleet)])


def test_an_order_for_virtual_machines_has_at_most_eight_lines_and_loads(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    result = run(fleet, *VSPHERE, "--label", "candidate=true")
    assert result.exit_code == 0, result.exception
    text = (fleet / "sites/vsphere-site-1/customer-b/customer-b-7.yaml").read_text()
    assert text == ORDER
    order = load_fleet(fleet).orders[ClusterKey("vsphere-site-1", "customer-b-7")]
    assert order.customer == "customer-b"


def test_an_order_for_servers_has_at_most_ten_lines_and_loads(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    (fleet / "sites/baremetal-site-1/customer-a/customer-a-2.yaml").unlink()
    result = run(
        fleet, "baremetal-site-1/customer-b-8", "--customer", "customer-b", "-e", "tst", "--zone", "intranet",
        "--endpoint", "10.2.0.15", "--addresses", "10.2.0.20-10.2.0.60", "--hosts", "r1-u01,r2-u01,r3-u01",
        "--router-id", "24", "--pool", "md-0=worker:r1-u07,r2-u07",
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    lines = (fleet / "sites/baremetal-site-1/customer-b/customer-b-8.yaml").read_text().splitlines()
    assert len(lines) <= 10
    assert "controlPlane: {endpoint: 10.2.0.15, virtualRouterId: 24, hosts: [r1-u01, r2-u01, r3-u01]}" in lines
    assert ClusterKey("baremetal-site-1", "customer-b-8") in load_fleet(fleet).orders


def test_an_order_is_never_overwritten(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    path = fleet / "sites/vsphere-site-1/customer-a/customer-a-1.yaml"
    before = path.read_bytes()
    arguments = [*VSPHERE]
    arguments[0], arguments[2] = "vsphere-site-1/customer-a-1", "customer-a"
    result = run(fleet, *arguments)
    assert isinstance(result.exception, Refused)
    assert result.exception.code == "order-exists"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (0, "vsphere-site-1/customer-a-1"),  # another customer has a cluster of that name there
        (0, "vsphere-site-9/customer-b-7"),
        (0, "customer-b-7"),
        (0, "vsphere-site-1/Customer_7"),
        (2, "customer-z"),
        (2, "../../customer-b"),
        (4, "dev"),
        (6, "extranet"),
        (8, "10.1.1.30"),  # among the addresses of its machines
        (8, "not an address"),
        (10, "pg-none"),
        (12, "10.1.0.20-10.1.0.30"),  # outside its network, and another cluster's
        (14, "md-0=huge:3"),
        (14, "md-0"),
    ],
)
def test_an_order_that_the_fleet_cannot_take_writes_nothing(tmp_path: Path, position: int, value: str) -> None:
    fleet = write_fleet(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    arguments = [*VSPHERE]
    arguments[position] = value
    result = run(fleet, *arguments)
    assert isinstance(result.exception, InvalidInput), result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_problems_that_the_fleet_had_before_are_not_the_orders(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    (fleet / "sites/vsphere-site-1/customer-a/customer-a-1.yaml").write_text("environment: tst\nzoen: intranet\n")
    assert run(fleet, *VSPHERE).exit_code == 0


def test_where_a_zone_has_several_networks_one_must_be_named(tmp_path: Path) -> None:
    arguments = [argument for argument in VSPHERE if argument not in ("--network", "pg-customer-b-1")]
    result = run(write_fleet(tmp_path), *arguments)
    assert isinstance(result.exception, InvalidInput)
    assert "pg-customer-a-1, pg-customer-b-1, pg-platform" in str(result.exception)


def test_json_names_the_file(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    answer = json.loads(run(fleet, *VSPHERE, "--json").output)
    file = str(fleet / "sites/vsphere-site-1/customer-b/customer-b-7.yaml")
    assert answer == {"file": file, "lines": 6, "key": None, "recipient": None}


def test_the_example_of_the_help_page_works_on_the_example_fleet(tmp_path: Path) -> None:
    fleet = Path(shutil.copytree(EXAMPLE, tmp_path / "fleet"))
    example = CLUSTER_HELP.partition("\n")[0].removeprefix("Example: schiff new cluster ")
    result = run(fleet, *example.split())
    assert result.exit_code == 0, result.exception
    assert result.output.startswith(f"{fleet}/sites/vsphere-site-1/customer-a/customer-a-7.yaml: 7 lines order ")


def test_the_rules_for_encrypting_are_written_with_the_order(tmp_path: Path) -> None:
    fleet = Path(shutil.copytree(EXAMPLE, tmp_path / "fleet"))
    (fleet / ".sops.yaml").unlink()
    example = CLUSTER_HELP.partition("\n")[0].removeprefix("Example: schiff new cluster ")
    assert run(fleet, *example.split()).exit_code == 0
    rules = (fleet / ".sops.yaml").read_text()
    assert "customer-a-7.secrets/" in rules.replace("\\", "")
    assert rules == sops_file(load_fleet(fleet))


def test_the_example_says_who_can_read_its_documents() -> None:
    assert (EXAMPLE / ".sops.yaml").read_text() == sops_file(load_fleet(EXAMPLE))


def test_the_order_comes_with_a_key_that_its_management_cluster_can_read(tmp_path: Path, bin_dir: Path) -> None:
    private, management = a_key()
    fleet = write_fleet(tmp_path, changed(MANAGEMENT_CLUSTER, "facts.recipients", [management]))
    answer = json.loads(run(fleet, *VSPHERE, "--json").output)
    order = load_fleet(fleet).orders[ClusterKey("vsphere-site-1", "customer-b-7")]
    assert order.document.data["recipients"] == [answer["recipient"]]
    document = order.secrets["sops-age.yaml"]
    assert answer["key"] == str(fleet / "sites/vsphere-site-1/customer-b/customer-b-7.secrets/sops-age.yaml")
    assert readers(document) == [management]
    key = x25519.Identity.from_str(opened(document, private, bin_dir)["stringData"]["customer-b-7.agekey"])
    assert str(key.to_public()) == answer["recipient"]


def test_the_private_half_is_nowhere_in_clear(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path, changed(MANAGEMENT_CLUSTER, "facts.recipients", [a_key()[1]]))
    result = run(fleet, *VSPHERE)
    assert "age key" in result.output
    assert "AGE-SECRET-KEY" not in result.output
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"AGE-SECRET-KEY" not in path.read_bytes()


def test_where_nobody_could_read_a_key_the_order_says_so(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    output = run(fleet, *VSPHERE).output
    assert "no age key was made, because nobody could read it: schiff-mgmt-x has no facts.recipients" in output
    assert not list(fleet.rglob("*.secrets"))


def test_without_sops_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = write_fleet(tmp_path, changed(MANAGEMENT_CLUSTER, "facts.recipients", [a_key()[1]]))
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(fleet)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run(fleet, *VSPHERE)
    assert isinstance(result.exception, Failed)
    assert "the program sops is not there" in str(result.exception)
    assert sorted(tmp_path.rglob("*")) == before


def test_recipients_that_are_none_write_nothing(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path, changed(MANAGEMENT_CLUSTER, "facts.recipients", ["age1" + "q" * 58]))
    before = sorted(tmp_path.rglob("*"))
    result = run(fleet, *VSPHERE)
    assert isinstance(result.exception, Failed)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path, changed(MANAGEMENT_CLUSTER, "facts.recipients", [a_key()[1]]))
    assert run(fleet, *VSPHERE).exit_code == 0
    (fleet / "sites/vsphere-site-1/customer-b/customer-b-7.yaml").unlink()
    result = run(fleet, *VSPHERE)
    assert isinstance(result.exception, Refused)
    assert "customer-b-7.secrets/sops-age.yaml exists already" in str(result.exception)


def test_an_order_that_cannot_be_written_leaves_no_key_behind(tmp_path: Path) -> None:
    order = NewOrder("sites/vsphere-site-1/customer-b/customer-b-7", ORDER)
    fleet = write_fleet(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    def meanwhile() -> bytes:
        path = fleet / order.file
        path.parent.mkdir(parents=True)
        path.write_text("another's\n")
        return b"encrypted"

    with pytest.raises(FileExistsError):
        write_order(fleet, order, meanwhile)
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == [
        (fleet / order.file).parent, fleet / order.file
    ]  # fmt: skip
    assert (fleet / order.file).read_text() == "another's\n"
