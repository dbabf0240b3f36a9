"""The figures of the design, measured here and now: `make bench`.

    python -m bench.figures                                  every row that fits into some minutes
    python -m bench.figures --rows pipeline --clusters 1000  one row, one size
    python -m bench.figures --rows engine --engine 5000      the engine with a large stack
    python -m bench.figures --json                           the same for programs

Every seconds-figure is the median of `--runs` fresh processes. A ratio divides
by the yardstick of the same run. `docs/reference/figures.md` says what each
row means, and keeps the last table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.measure import folder_in_memory, in_own_process, medians, several

ORDER = "sites/site-0/customer-0/cluster-0.yaml"
_LINEAR = 1.15
"""How much more a cluster of the largest fleet may cost than one of the smallest, to be called linear."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured, what it is to be at most, and what stands beside it."""

    figure: str
    value: float
    unit: str
    goal: float | None = None
    beside: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal holds, and by how much it is missed."""
        if self.goal is None:
            return "no goal"
        if self.value <= self.goal:
            return "holds"
        return f"missed by {_number(self.value - self.goal)} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured, and how often."""

    runs: int
    clusters: tuple[int, ...]
    large: int
    objects: int
    entries: int
    engine: tuple[int, ...]


def pipeline(sizes: Sizes) -> Iterator[Figure]:
    """Documents to Git objects, held against the yardstick; what two sizes say about a third."""
    each_cluster: dict[int, float] = {}
    for count in sizes.clusters:
        base = in_own_process("pipeline", "yardstick", count, sizes.runs)
        least = median(run["seconds"]["Git objects"] for run in base["runs"])
        ways = ("written", "unchecked", "read") if count == min(sizes.clusters) else ("written", "unchecked")
        for way in ways:
            runs = several(sizes.runs, partial(in_own_process, "pipeline", "schiff", count, way))
            if any(run["trees"] != base["trees"] for run in runs):
                raise SystemExit("schiff and the yardstick wrote different trees: one of them is wrong")
            steps = medians([run["seconds"] for run in runs])
            seconds = sum(steps.values())
            beside = f"{_number(seconds)} s : {_number(least)} s; {_listed(steps)}"
            yield Figure(
                f"{count:,} clusters into Git objects, {_WAYS[way]}", seconds / least, "x yardstick", 2, beside
            )
            if way == "written":
                each_cluster[count] = seconds / count
                yield _memory(count, runs)
    if len(each_cluster) > 1:
        first, last = min(each_cluster), max(each_cluster)
        growth = each_cluster[last] / each_cluster[first]
        beside = f"{each_cluster[first] * 1000:.2f} ms and {each_cluster[last] * 1000:.2f} ms a cluster"
        yield Figure(f"a cluster of {last:,} against one of {first:,}", growth, "x", _LINEAR, beside)


_WAYS = {
    "written": "each object checked when written",
    "read": "texts read back and checked, as `schiff check` does",
    "unchecked": "no schemas, as `schiff up` does",
}


def _memory(count: int, runs: Sequence[Mapping[str, Any]]) -> Figure:
    peak = median(run["peak"] for run in runs)
    one = runs[0]
    beside = f"{one['objects']:,} objects, {one['files']:,} files, {one['megabytes']} MB"
    return Figure(f"the same, peak of memory, {count:,} clusters", peak, "MiB", 300 if count <= 1000 else None, beside)


def one_change(sizes: Sizes) -> Iterator[Figure]:
    """One changed order: everything is read and compiled again, because no results are kept yet."""
    with folder_in_memory() as work:
        in_own_process("fleets", sizes.large, work / "fleet")
        in_own_process("one_change", work / "fleet", work)
        order = work / "fleet" / ORDER
        runs = []
        for replicas in range(7, 7 + sizes.runs):
            order.write_text(_with_replicas(order.read_text(encoding="utf-8"), replicas), encoding="utf-8")
            runs.append(in_own_process("one_change", work / "fleet", work))
    if any(run["commits"] != 1 for run in runs):
        raise SystemExit("one changed order is to be one commit")
    steps = medians([run["seconds"] for run in runs])
    title = f"one changed cluster among {sizes.large:,}, file to commit, cold"
    yield Figure(title, sum(steps.values()), "s", 0.8, f"{_listed(steps)}; peak {runs[0]['peak']} MiB")


def _with_replicas(order: str, replicas: int) -> str:
    head, _, rest = order.partition("    replicas: ")
    return f"{head}    replicas: {replicas}\n{rest.partition(chr(10))[2]}"


def schemas(sizes: Sizes) -> Iterator[Figure]:
    """Objects in memory against their schemas, which are compiled on the way."""
    runs = several(sizes.runs, partial(in_own_process, "schemas", sizes.objects))
    steps = medians([run["seconds"] for run in runs])
    beside = f"{runs[0]['kinds']} kinds; again, with schemas compiled: {_number(steps['again'])} s"
    yield Figure(f"schema check of {runs[0]['objects']:,} objects", steps["first"], "s", 0.5, beside)


def strings(sizes: Sizes) -> Iterator[Figure]:
    """Texts that Go reads as something else."""
    found = in_own_process("strings", min(*sizes.clusters, 100))
    beside = (
        f"{found['corpus']} of the corpus and {found['held']:,} of a fleet; PyYAML on the corpus: {found['pyyaml']}"
    )
    yield Figure("texts misread by Go's YAML reader", found["schiff"], "texts", 0, beside)


LEDGER_CLUSTERS = 60
"""The clusters of the environment whose ledger is read: that of the specification's example."""


def ledger(sizes: Sizes) -> Iterator[Figure]:
    """Read a long ledger and hold the gate against every entry."""
    runs = several(sizes.runs, partial(in_own_process, "ledger", sizes.entries, LEDGER_CLUSTERS))
    seconds = medians([run["seconds"] for run in runs])
    beside = f"cold {seconds['cold']:.2f} s; {runs[0]['clusters']} clusters; peak {runs[0]['peak']} MiB"
    yield Figure(f"ledger of {runs[0]['entries']:,} entries verified", seconds["remembered"], "s", 0.5, beside)


def planned_waves(sizes: Sizes) -> Iterator[Figure]:
    """Plan a large rollout, and find who starts first."""
    runs = several(sizes.runs, partial(in_own_process, "waves", sizes.large))
    steps = medians([run["seconds"] for run in runs])
    beside = (
        f"{_listed(steps)}; the plan of {runs[0]['kilobytes']} kB: {_listed(medians([run['beside'] for run in runs]))}"
    )
    yield Figure(f"{sizes.large:,} clusters planned into waves, first batch", sum(steps.values()), "s", 0.2, beside)


def engine(sizes: Sizes) -> Iterator[Figure]:
    """Run the real engine on one stack, with its state in a file."""
    for count in sizes.engine:
        found = in_own_process("engine", count, sizes.runs if count <= 1000 else 1)
        preview, up = (12, 20) if count <= 1000 else (50, 90)
        seconds = median(run["seconds"] for run in found["previews"])
        memory = {name: max(run["memory"].get(name, 0) for run in found["previews"]) for name in _PROCESSES}
        peaks = ", ".join(f"{name} {peak} MiB" for name, peak in memory.items())
        sites, managers = -(-count // 20), -(-count // 200)
        each = ", ".join(_number(run["seconds"]) for run in found["previews"])
        yield Figure(
            f"pulumi preview without a change, {count:,} clusters", seconds, "s", preview, f"each run: {each} s"
        )
        yield Figure(f"first pulumi up, {count:,} clusters", found["first"]["seconds"], "s", up)
        yield Figure(f"second pulumi up, {count:,} clusters", found["again"]["seconds"], "s")
        most = count + 2 * sites + 4 * managers + 10
        yield Figure(f"resources of the engine, {count:,} clusters", found["resources"], "resources", most)
        largest = max(memory.values())
        yield Figure(f"largest process of the preview, {count:,} clusters", largest, "MiB", 400, peaks)


_PROCESSES = ("engine", "program", "plugin")


def make_up(_: Sizes) -> Iterator[Figure]:
    """`make up` again in a clean clone that was brought up once."""
    found = in_own_process("make_up")
    beside = f"first run with .venv to make and Pulumi at hand: {found['first']:.0f} s"
    yield Figure("second make up, example fleet", found["second"], "s", 15, beside)


def status(sizes: Sizes) -> Iterator[Figure]:
    """Ask many living clusters how they are; what they answer comes 20 ms late."""
    found = in_own_process("status", min(sizes.clusters), sizes.runs)
    cold, *later = found["seconds"]
    beside = f"clone in the cache: {_number(median(later))} s" if later else "once"
    yield Figure(f"schiff status of {found['clusters']:,} clusters, cold", cold, "s", 60, beside)


ROWS: Mapping[str, Callable[[Sizes], Iterator[Figure]]] = {
    "pipeline": pipeline,
    "one-change": one_change,
    "schemas": schemas,
    "strings": strings,
    "ledger": ledger,
    "waves": planned_waves,
    "engine": engine,
    "make-up": make_up,
    "status": status,
}


def _listed(steps: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_number(seconds)}" for name, seconds in steps.items())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of Markdown."""
    rows = ["| figure | measured | goal | | beside it |", "|---|---|---|---|---|"]
    for each in figures:
        goal = "" if each.goal is None else f"<= {_number(each.goal)}"
        rows.append(f"| {each.figure} | {_number(each.value)} {each.unit} | {goal} | {each.verdict} | {each.beside} |")
    return "\n".join(rows)


def measured(names: Sequence[str], sizes: Sizes) -> list[Figure]:
    """Return the figures of some rows, one after the other, and say on the way which it is."""
    figures: list[Figure] = []
    for name in names:
        for figure in ROWS[name](sizes):
            print(f"{figure.figure}: {_number(figure.value)} {figure.unit}", file=sys.stderr, flush=True)
            figures.append(figure)
    return figures


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="make bench", description="measure the figures of the design")
    parser.add_argument(
        "--rows", nargs="+", choices=list(ROWS), default=list(ROWS), metavar="ROW", help=", ".join(ROWS)
    )
    parser.add_argument("--runs", type=int, default=3, help="processes a median is taken of")
    parser.add_argument("--clusters", type=int, nargs="+", default=[1000, 5000], help="sizes of the pipeline")
    parser.add_argument("--large", type=int, default=5000, help="size of the fleet one cluster changes in")
    parser.add_argument("--objects", type=int, default=23000, help="objects that meet their schemas")
    parser.add_argument("--entries", type=int, default=10000, help="entries of the ledger")
    parser.add_argument(
        "--engine", type=int, nargs="+", default=[1000], help="sizes of the engine's stack; 5000 takes long"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(argv)
    sizes = Sizes(
        runs=asked.runs,
        clusters=tuple(asked.clusters),
        large=asked.large,
        objects=asked.objects,
        entries=asked.entries,
        engine=tuple(asked.engine),
    )
    figures = measured(asked.rows, sizes)
    if asked.json:
        print(json.dumps([{**asdict(each), "verdict": each.verdict} for each in figures], indent=1))
    else:
        print(table(figures))


if __name__ == "__main__":
    main()
