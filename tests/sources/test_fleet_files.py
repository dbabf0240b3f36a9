from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from schiff.errors import InvalidInput, Problem, Tampered
from schiff.sources.fleet_files import load_fleet, read_folder, survey_fleet
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, a_fleet, changed, fleet_folder

SECRETS = "sites/vsphere-site-1/customer-a/customer-a-1.secrets/registry.yaml"
ENCRYPTED = """\
apiVersion: v1
kind: Secret
metadata: {name: registry, namespace: default}
data:
  password: ENC[AES256_GCM,data:c2Vj,iv:aXY=,tag:dGFn,type:str]
sops:
  mac: ENC[AES256_GCM,data:bWFj,iv:aXY=,tag:dGFn,type:str]
  version: 3.10.2
"""


def problems(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        load_fleet(folder)
    return caught.value.problems


def only(folder: Path) -> Problem:
    (problem,) = problems(folder)
    return problem


def test_files_and_python_give_equal_fleets(tmp_path: Path) -> None:
    assert load_fleet(fleet_folder(tmp_path)) == a_fleet()


def test_a_value_stands_where_its_key_was_written(tmp_path: Path) -> None:
    text = "environment: tst\nzone: intranet\n\ncontrolPlane:\n  endpoint: 10.1.0.10\n"
    fleet = load_fleet(
        fleet_folder(tmp_path, texts={VSPHERE_ORDER: text + "nodes: {network: a, addresses: [10.1.0.20]}\npools: {}\n"})
    )
    (order,) = (order for order in fleet.orders.values() if order.key.name == "customer-a-1")
    assert str(order.document.place(("controlPlane", "endpoint"))) == f"{VSPHERE_ORDER}:5:3"
    assert str(order.document.place(("nodes", "addresses", 0))) == f"{VSPHERE_ORDER}:6:33"
    assert str(order.document.place(("nodes", "addresses", 0, "deeper"))) == f"{VSPHERE_ORDER}:6:33"


def test_hidden_files_and_texts_are_no_fleet_data(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path, texts={".sops.yaml": "{", "README.md": "# x", "approvers": "a@b ssh-ed25519 A"})
    assert load_fleet(folder) == a_fleet()


def test_an_empty_folder_is_no_fleet(tmp_path: Path) -> None:
    assert only(tmp_path).rule == "empty-fleet"
    assert "fleet.yaml" in only(tmp_path).cure


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert str(only(tmp_path / "nowhere")).startswith(f"{tmp_path}/nowhere: is no folder")


def test_missing_files_are_named(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path)
    (folder / "defaults.yaml").unlink()
    (folder / "head.yaml").unlink()
    assert [problem.place.file for problem in problems(folder)] == ["defaults.yaml", "head.yaml"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("registry: a\nregistry: b\n", 2, "the key 'registry' is there twice"),
        ("registry: !!python/object:os.system x\n", 1, "the tag"),
        ("registry: !ours x\n", 1, "the tag '!ours' is not read"),
        ("registry: a\n---\nregistry: b\n", 2, "second document"),
        ("- registry\n", 1, "is not a map"),
        ("registry: [\n", 2, "is not YAML"),
        ("registry: a\n  b: c\n", 2, "is not YAML"),
        ("a: *nothing\n", 1, "alias"),
        ("? [a]\n: b\n", 1, "a key is not text"),
        ("registry: 1.35\n", 1, "number with a fraction"),
        ("<<: {registry: a}\n", 1, "merge keys"),
    ],
)
def test_yaml_that_could_mislead_is_refused_at_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    found = problems(fleet_folder(tmp_path, texts={"defaults.yaml": text}))
    assert any(f"defaults.yaml:{line}:" in str(problem) and says in problem.message for problem in found)
    assert all(problem.cure for problem in found if problem.place.file == "defaults.yaml")


@pytest.mark.parametrize("word", ["2026-11-22", "yes", "no", "1:30", "0o14", "012", "1_000"])
def test_what_other_readers_take_for_dates_or_numbers_stays_text(tmp_path: Path, word: str) -> None:
    fleet = load_fleet(fleet_folder(tmp_path, texts={"customers/customer-b.yaml": f"hold: {{by: {word}}}\n"}))
    assert fleet.customers["customer-b"].data == {"hold": {"by": word}}


def test_aliases_within_reason_are_read(tmp_path: Path) -> None:
    text = "access: {sshKeys: &keys [ssh-ed25519 AAAA me]}\nhold: {by: me, reason: &r 2026-12-18, since: *r}\n"
    fleet = load_fleet(fleet_folder(tmp_path, texts={"customers/customer-b.yaml": text}))
    assert fleet.customers["customer-b"].data["hold"] == {"by": "me", "reason": "2026-12-18", "since": "2026-12-18"}


def test_a_yaml_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    found = problems(fleet_folder(tmp_path, texts={"defaults.yaml": "\n".join(lines)}))
    assert any(problem.rule == "yaml-limits" and problem.place.line == 5 for problem in found)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_endless_nesting_is_refused(tmp_path: Path, opening: str) -> None:
    found = problems(fleet_folder(tmp_path, texts={"defaults.yaml": f"a: {opening * 100_000}"}))
    assert {problem.rule for problem in found} <= {"yaml-limits", "not-yaml"}


def test_an_alias_of_itself_is_refused(tmp_path: Path) -> None:
    found = problems(fleet_folder(tmp_path, texts={"defaults.yaml": "a: &a [*a]\n"}))
    assert [problem.rule for problem in found] == ["yaml-limits"]


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path)
    with (folder / "defaults.yaml").open("wb") as file:
        file.truncate(100 * 2**20)
    problem = only(folder)
    assert str(problem).startswith("defaults.yaml:1: holds 104857600 bytes, at most 1048576")


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path, texts={"defaults.yaml": b"registry: a\nimageServer: \xff\xfe\n"})
    assert str(only(folder)) == "defaults.yaml:2: is not UTF-8; save the file as UTF-8"


def test_a_link_out_of_the_fleet_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("registry: elsewhere\n")
    folder = fleet_folder(tmp_path / "fleet")
    (folder / "customers/customer-c.yaml").symlink_to(outside)
    (folder / "zones/broken.yaml").symlink_to(tmp_path / "nowhere.yaml")
    found = problems(folder)
    assert [problem.rule for problem in found] == ["link-out", "link-out"]
    assert found[0].place.file == "customers/customer-c.yaml"


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path)
    (folder / "zones2").symlink_to(folder / "zones")
    assert only(folder).rule == "link-to-folder"


def test_a_link_to_a_file_inside_is_read(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path)
    (folder / "customers/customer-c.yaml").symlink_to(folder / "customers/customer-a.yaml")
    assert "customer-c" in load_fleet(folder).customers


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path)
    os.mkfifo(folder / "customers/customer-c.yaml")
    assert only(folder).rule == "no-regular-file"


def test_a_file_that_no_fleet_has_is_refused(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path, texts={"default.yaml": "{}\n", "zones/intranet.yml": "{}\n"})
    assert [str(problem.place) for problem in problems(folder)] == ["default.yaml:1", "zones/intranet.yml:1"]


def test_encrypted_documents_pass_byte_for_byte(tmp_path: Path) -> None:
    fleet = load_fleet(fleet_folder(tmp_path, texts={SECRETS: ENCRYPTED}))
    (order,) = (order for order in fleet.orders.values() if order.key.name == "customer-a-1")
    assert order.secrets == {"registry.yaml": ENCRYPTED.encode()}


def test_sites_and_management_clusters_have_encrypted_documents_too(tmp_path: Path) -> None:
    texts = {
        "sites/vsphere-site-1/site.secrets/a.yaml": ENCRYPTED,
        "management-clusters/schiff-mgmt-x.secrets/b.yaml": ENCRYPTED,
    }
    fleet = load_fleet(fleet_folder(tmp_path, texts=texts))
    assert set(fleet.sites["vsphere-site-1"].secrets) == {"a.yaml"}
    assert set(fleet.management_clusters["schiff-mgmt-x"].secrets) == {"b.yaml"}


@pytest.mark.parametrize(
    "plain",
    [
        "kind: Secret\nstringData: {password: hunter2}\n",
        "kind: Secret\nstringData: {password: hunter2}\nsops: {mac: x}\n",
        ENCRYPTED + "stringData: {password: hunter2}\n",
        ENCRYPTED + "hunter2: [hunter2\n",
        "hunter2",
        ENCRYPTED.replace("data:\n  password: ENC[AES256_GCM,data:c2Vj,iv:aXY=,tag:dGFn,type:str]\n", ""),
    ],
)
def test_plain_text_among_secrets_is_refused_without_showing_it(tmp_path: Path, plain: str) -> None:
    found = problems(fleet_folder(tmp_path, texts={SECRETS: plain}))
    assert {problem.rule for problem in found} == {"plain-text-secret"}
    assert all(str(problem).startswith(f"{SECRETS}:") for problem in found)
    assert "hunter2" not in "".join(map(str, found))


def test_secrets_of_nobody_are_refused(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path, texts={SECRETS.replace("customer-a-1.secrets", "customer-a-9.secrets"): ENCRYPTED})
    assert only(folder).rule == "secrets-of-nobody"


def test_vendored_files_are_kept_byte_for_byte(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path, texts={"components/calico/v3.32.1/base/crds.yaml": b"a: 1.0\r\n"})
    assert load_fleet(folder).vendored == {"calico/v3.32.1": {"base/crds.yaml": b"a: 1.0\r\n"}}


def test_the_texts_of_layers_are_at_hand_for_cutting_a_release(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path, texts={"environments/tst.yaml": "# why\n{}\n"})
    assert read_folder(folder).texts["environments/tst.yaml"] == b"# why\n{}\n"


def test_problems_of_all_files_appear_together_and_sorted(tmp_path: Path) -> None:
    documents = changed(METAL3_ORDER, "zoone", "intranet", changed("defaults.yaml", "registry", 5))
    found = problems(fleet_folder(tmp_path, documents, {"head.yaml": "a: [\n", "zones/intranet.yaml": "a: 1\na: 2\n"}))
    assert [problem.place.file for problem in found] == [
        "defaults.yaml",
        "head.yaml",
        METAL3_ORDER,
        "zones/intranet.yaml",
    ]


def test_a_survey_gives_the_fleet_and_its_problems(tmp_path: Path) -> None:
    fleet, found = survey_fleet(fleet_folder(tmp_path, changed(METAL3_ORDER, "zoone", "intranet")))
    assert fleet is not None
    assert len(fleet.orders) == 2
    assert [problem.rule for problem in found] == ["unknown-field"]


def test_an_unreadable_site_is_one_problem_and_not_one_for_each_order(tmp_path: Path) -> None:
    found = problems(fleet_folder(tmp_path, texts={"sites/vsphere-site-1/site.yaml": "facts: [\n"}))
    assert {problem.place.file for problem in found} == {"sites/vsphere-site-1/site.yaml"}


def test_a_survey_goes_on_when_only_an_order_cannot_be_read(tmp_path: Path) -> None:
    folder = fleet_folder(tmp_path, texts={METAL3_ORDER: "zone: [\n", "customers/customer-b.yaml": "a: [\n"})
    fleet, found = survey_fleet(folder)
    assert fleet is not None
    assert [problem.place.file for problem in found] == ["customers/customer-b.yaml", METAL3_ORDER]
    (folder / "zones/intranet.yaml").write_text("[\n")
    assert survey_fleet(folder)[0] is None


def test_a_release_without_its_lock_is_refused(tmp_path: Path) -> None:
    fleet = Path(__file__).parents[2] / "stacks" / "fleet"
    folder = tmp_path / "fleet"
    shutil.copytree(fleet, folder)
    (folder / "releases/2026.48.0/release.lock").unlink()
    with pytest.raises(Tampered, match=r"releases/2026\.48\.0/release\.lock is missing"):
        load_fleet(folder)
