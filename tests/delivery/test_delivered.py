"""The delivered manifest: its exact bytes, what it refuses, and who owns a path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line, Owners, manifest_path
from schiff.delivery.plan import Plan, load_plan, plan_path, save_plan
from schiff.errors import Failed, InvalidValue, Refused, Tampered

TREE = "a" * 40
LEDGER = LedgerHead(3, "sha256:" + "b" * 64)

names = st.text("abc-1", min_size=1, max_size=5)
lines = st.lists(
    st.builds(
        Line,
        path=st.lists(names, min_size=3, max_size=3).map("/".join),
        tree=st.sampled_from([TREE, EMPTY_TREE]),
        kind=st.sampled_from(["cluster", "folder"]),
        name=st.text(max_size=8),
        release=st.sampled_from(["head", ""]),
        kubernetes=st.just("v1.35.4"),
        removal=st.sampled_from(["", "a", "e"]),
    ),
    unique_by=lambda line: line.path,
    max_size=6,
).map(tuple)


def a_line(path: str, tree: str = TREE, **fields: str) -> Line:
    return Line(path, tree, **{"kind": "folder", "name": path, **fields})


def a_manifest(*paths: str, stack: str = "tst") -> DeliveredManifest:
    return DeliveredManifest(stack, 7, LEDGER, tuple(map(a_line, paths)))


def a_plan(*paths: str, shared: tuple[str, ...] = (), repository: str = "components", fleet: str = "f") -> Plan:
    owned = tuple(map(a_line, paths))
    return Plan("tst", "main", repository, fleet, "0.1.0", LEDGER, owned, owned, dict.fromkeys(shared, TREE))


def test_the_bytes_of_a_manifest_never_change() -> None:
    cluster = Line("m/sites/s/c/k", TREE, "cluster", "s/k", "sha256:cd", "v1.35.4", "a")
    manifest = DeliveredManifest("tst", 7, LEDGER, (cluster, a_line("m/flux/tst")))
    assert manifest.to_text() == (
        '{"v":1,"stack":"tst","serial":7,"ledger":{"seq":3,"digest":"sha256:' + "b" * 64 + '"}}\n'
        '{"path":"m/flux/tst","tree":"' + TREE + '","kind":"folder","name":"m/flux/tst","release":"",'
        '"kubernetes":"","removal":""}\n'
        '{"path":"m/sites/s/c/k","tree":"' + TREE + '","kind":"cluster","name":"s/k","release":"sha256:cd",'
        '"kubernetes":"v1.35.4","removal":"a"}\n'
    )


@given(lines=lines, serial=st.integers(0, 10**9))
def test_a_manifest_comes_back_equal(lines: tuple[Line, ...], serial: int) -> None:
    manifest = DeliveredManifest("tst", serial, LEDGER, lines)
    assert DeliveredManifest.parse(manifest.to_text()) == manifest
    assert DeliveredManifest("tst", serial, LEDGER, lines[::-1]).to_text() == manifest.to_text()


HEADER = a_manifest().to_text()
ROW = a_line("a/b").as_dict()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: the header is missing"),
        ("{}\n", "line 1: the header is missing"),
        ("[1]\n", "line 1: the header is missing"),
        ("{", "line 1: not JSON"),
        (HEADER.replace('"v":1', '"v":2'), "line 1: version 2 is of another schiff"),
        (HEADER.replace('"seq":3', '"seq":"3"'), "ledger head"),
        (HEADER + "<<<<<<< HEAD\n", "line 2: not JSON"),
        (HEADER + json.dumps({"path": "a"}) + "\n", "line 2: a line holds exactly the fields"),
        (HEADER + json.dumps([1]) + "\n", "line 2: a line holds exactly the fields"),
        (HEADER + json.dumps({**ROW, "more": ""}) + "\n", "line 2: a line holds exactly the fields"),
        (HEADER + json.dumps({**ROW, "name": 3}) + "\n", "line 2: name is not a text"),
        (HEADER + json.dumps({**ROW, "tree": "abc"}) + "\n", "line 2: a/b: 'abc' is not a Git tree id"),
        (HEADER + json.dumps({**ROW, "kind": "x"}) + "\n", "line 2: a/b: kind 'x' is unknown"),
        (HEADER + json.dumps({**ROW, "removal": "f"}) + "\n", "line 2: a/b: removal 'f' is unknown"),
        (HEADER + json.dumps({**ROW, "path": "../x"}) + "\n", "line 2: '../x' is not a folder"),
        (HEADER + 2 * (json.dumps(ROW) + "\n"), "a/b is owned twice"),
    ],
)
def test_a_broken_manifest_says_in_which_line_and_what(text: str, words: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        DeliveredManifest.parse(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b/c", "a"), ("a/b", "a-b", "a/b/c/d")])
def test_owned_folders_never_lie_inside_each_other(paths: tuple[str, ...]) -> None:
    with pytest.raises(InvalidValue, match="lies inside"):
        a_manifest(*paths)


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/..", ".schiff", ".schiff/x", "."])
def test_a_path_that_is_no_folder_of_a_stack_is_refused(path: str) -> None:
    with pytest.raises(InvalidValue, match="not a folder that a stack can own"):
        a_line(path)


@pytest.mark.parametrize("stack", ["", "../x", "a/b", "A"])
def test_a_stack_whose_name_is_no_file_name_is_refused(stack: str) -> None:
    with pytest.raises(InvalidValue, match="name of a stack"):
        a_manifest(stack=stack)


def test_the_owner_of_a_path_is_found_above_and_below_it() -> None:
    owners = Owners({"tst": a_manifest("m/a", "m/b/c"), "prd": a_manifest("p", stack="prd")})
    found = {path: owners.owner(path) for path in ("m/a", "m/a/x/y", "m", "m/b", "p", "m/ab", "q", "m/b/d")}
    assert found == {
        **dict.fromkeys(("m/a", "m/a/x/y", "m", "m/b"), "tst"),
        "p": "prd",
        "m/ab": None,
        "q": None,
        "m/b/d": None,
    }


def test_a_manifest_lies_beside_those_of_other_stacks() -> None:
    assert manifest_path("tst") == ".schiff/tst.json"


@given(lines=lines, moved=lines)
def test_a_plan_comes_back_equal(lines: tuple[Line, ...], moved: tuple[Line, ...]) -> None:
    plan = Plan("tst", "main", "definitions", "f", "0.1.0", LEDGER, lines, moved)
    assert Plan.parse(plan.to_text()) == plan
    assert Plan.parse(plan.to_text()).digest == plan.digest


def test_a_plan_travels_through_the_cache(tmp_path: Path) -> None:
    plan = a_plan("locations/a/b", shared=("components/calico/v1",))
    digest = save_plan(plan, tmp_path / "cache")
    assert digest == plan.digest
    assert load_plan(digest, tmp_path / "cache") == plan
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"plan-{digest}.json"]


def test_old_plans_are_forgotten(tmp_path: Path) -> None:
    digests = [save_plan(a_plan("l/a", fleet=str(number)), tmp_path) for number in range(80)]
    assert len(list(tmp_path.iterdir())) < 80
    assert load_plan(digests[-1], tmp_path).fleet == "79"


def test_a_plan_of_another_machine_is_refused_with_the_way_on(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="run up, not refresh") as caught:
        load_plan("0" * 64, tmp_path)
    assert caught.value.code == "plan-missing"


def test_an_edited_plan_is_not_delivered(tmp_path: Path) -> None:
    digest = save_plan(a_plan("locations/a/b"), tmp_path)
    path = plan_path(digest, tmp_path)
    path.write_text(path.read_text().replace("locations/a/b", "locations/a/c"))
    with pytest.raises(Tampered, match="was edited"):
        load_plan(digest, tmp_path)


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failed, match="cannot be written"):
        save_plan(a_plan(), tmp_path / "file")


def test_only_what_reaches_the_repository_counts_for_the_content_of_a_plan() -> None:
    assert a_plan("l/a", fleet="one").content == a_plan("l/a", fleet="two").content
    assert a_plan("l/a", fleet="one").digest != a_plan("l/a", fleet="two").digest
    assert a_plan("l/a").content != a_plan("l/b").content


@pytest.mark.parametrize("path", ["components/calico", "locations/a/b", "components//x"])
def test_only_versioned_component_folders_are_shared(path: str) -> None:
    with pytest.raises(InvalidValue):
        a_plan(shared=(path,))


def test_nobody_owns_a_folder_inside_a_shared_one() -> None:
    with pytest.raises(InvalidValue, match="lies inside"):
        a_plan("components/calico/v1/base", shared=("components/calico/v1",))


@pytest.mark.parametrize("text", ["", "{}", '{"v":2}', "[]"])
def test_a_file_that_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        Plan.parse(text)


def test_an_unknown_repository_is_refused() -> None:
    with pytest.raises(InvalidValue, match="expected components or definitions"):
        a_plan(repository="elsewhere")
