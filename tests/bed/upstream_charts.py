"""Upstream's own charts, from the released modules that `tools/charts.json` pins, and what Helm makes of them.

Helm is of the release that Flux's helm-controller is built with. Charts that no
released module carries are not here; their components say "values only".
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.bed.process import BedFailed
from tools.build import build_folder
from tools.golang import require_go
from tools.parts import PARTS, ROOT

PINS = ROOT / "tools" / "charts.json"


class Release(NamedTuple):
    """What a HelmRelease asks for, its values put together."""

    name: str
    namespace: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class UpstreamChart:
    """The chart of one version of a component: the module that carries it, and the module's checksum."""

    component: str
    version: str
    module: str
    path: str
    sum: str

    def folder(self) -> Path:
        """Return the chart's folder in Go's cache; another content than the pinned one is refused."""
        go = require_go(PARTS["helm"].minimum_go, build_folder())
        argv: list[str | Path] = [go.program, "mod", "download", "-json", self.module]
        scratch = build_folder() / "charts"
        scratch.mkdir(parents=True, exist_ok=True)
        answer = subprocess.run(argv, cwd=scratch, env=go.environment(), capture_output=True, text=True, check=False)
        if answer.returncode:
            raise BedFailed(f"{self.module} cannot be had: {answer.stdout or answer.stderr}")
        found = json.loads(answer.stdout)
        if found["Sum"] != self.sum:
            raise BedFailed(f"{self.module} has the checksum {found['Sum']}, but {PINS.name} pins {self.sum}")
        return Path(found["Dir"]) / self.path

    def render(self, helm: Path, folder: Path, release: Release, kubernetes: str) -> str:
        """Return what Helm would install, definitions included; the chart is copied to `folder`.

        A chart that it depends on and that its module does not carry is left out: here nobody can fetch it.
        """
        shutil.copytree(self.folder(), folder, copy_function=shutil.copyfile)
        about = yaml.safe_load((folder / "Chart.yaml").read_text(encoding="utf-8"))
        about["dependencies"] = [each for each in about.get("dependencies", ()) if "repository" not in each]
        folder.chmod(0o755)
        (folder / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
        argv: list[str | Path] = [helm, "template", release.name, folder, "--include-crds"]
        argv += ["--namespace", release.namespace, "--kube-version", kubernetes, "--values", "-"]
        text = yaml.safe_dump(dict(release.values))
        answer = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise BedFailed(f"Helm refuses the values of {self.component} {self.version}: {answer.stderr}")
        return answer.stdout


def upstream_charts() -> list[UpstreamChart]:
    """Return the pinned list."""
    return [UpstreamChart(**entry) for entry in json.loads(PINS.read_text(encoding="utf-8"))]
