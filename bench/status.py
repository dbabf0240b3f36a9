"""`schiff status` of a large environment whose API servers all answer 20 ms late: python -m bench.status COUNT RUNS.

Seconds are those of the wall clock, of the whole command in a fresh process,
cold (no clone in the cache) the first time. All clusters are to be Healthy:
whoever reads less is no faster.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.fleets import ENVIRONMENT, FleetDocuments
from bench.measure import ROOT, folder_in_memory, in_own_process

_SETTINGS = ("fleet: fleet", "definitions: definitions.git", "components: components.git", "kubeconfig: kubeconfig")
_COMMAND = "import sys; from schiff.cli.app import run; sys.exit(run(sys.argv[1:]))"


def measure(count: int, runs: int) -> dict[str, Any]:
    """Deliver a fleet, have its clusters live, and ask how they are."""
    with folder_in_memory() as work:
        documents = FleetDocuments(count)
        for path, data in documents.documents.items():
            if path.startswith("management-clusters/"):
                data["facts"]["apiContext"] = Path(path).stem
        documents.write(work / "fleet")
        in_own_process("one_change", work / "fleet", work)
        (work / "Pulumi.yaml").write_text("name: schiff\nruntime: python\n", encoding="utf-8")
        settings = "".join(f"  schiff:{line}\n" for line in _SETTINGS)
        (work / f"Pulumi.{ENVIRONMENT}.yaml").write_text(f"config:\n{settings}", encoding="utf-8")
        with _serving(work):
            found = [_status(work) for _ in range(runs)]
    return {"seconds": [each["seconds"] for each in found], "clusters": found[0]["clusters"]}


@contextmanager
def _serving(work: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.status_server", str(work)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None or server.stdin is None or server.stdout.readline() != "ready\n":
            raise SystemExit("the servers did not start")
        yield
        server.stdin.close()


def _status(work: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", _COMMAND, "status", "-e", ENVIRONMENT, "--json"]
    start = time.perf_counter()
    ended = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    answer = json.loads(ended.stdout)
    if ended.returncode:
        wrong = [one for one in answer.get("clusters", []) if one["verdict"] != "Healthy"][:3]
        raise SystemExit(f"not all are Healthy: {json.dumps(wrong or answer, indent=1)}")
    return {"seconds": seconds, "clusters": answer["counts"]["total"]}


def main() -> None:
    """Measure and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("runs", type=int)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.count, asked.runs)))


if __name__ == "__main__":
    main()
