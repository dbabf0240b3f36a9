"""What a release says of itself has to hold together."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schiff.model.release import ReleaseSpec
from tests.rollout.small_fleet import head_release

WHEEL = f"sha256:{'4' * 64}"


def read(kind: str, **plane: Any) -> ReleaseSpec:
    data = head_release().as_document()
    return ReleaseSpec.model_validate({**data, "kind": kind, "managementPlane": {**data["managementPlane"], **plane}})


@pytest.mark.parametrize("version", ["1.4.0", "0.0.9", "2.0rc1", "1.4.0.post1", "1.4.0.dev3", "1.4.0+bank.2"])
def test_a_release_names_a_version_of_schiff_and_the_digest_of_its_files(version: str) -> None:
    assert read("train", schiff=version, schiffWheel=WHEEL).management_plane.schiff == version


@pytest.mark.parametrize(
    "text", ["", "v1.4.0", "1.4.0/../../x", "../1.4.0", "1.4.0 --index-url x", "latest", "1.4.0\n"]
)
def test_what_is_no_version_names_neither_a_folder_nor_what_pip_is_asked_for(text: str) -> None:
    with pytest.raises(ValidationError, match="is no version of schiff"):
        read("train", schiff=text, schiffWheel=WHEEL)


@pytest.mark.parametrize("plane", [{"schiff": "1.4.0"}, {"schiff": "source", "schiffWheel": WHEEL}])
def test_a_version_and_a_digest_come_together(plane: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="do not go together"):
        read("train", **plane)
    assert read("head", **plane).kind == "head"
