"""What a delivery should reach, as one file that the program writes and the plugin reads.

The program knows the fleet, the plugin process writes to Git; between them lies
``plan-<sha256>.json`` in the cache folder. `orders` and `wave` are each the
*whole* list of owned folders after that step, so a plan can be replayed on any
head: equal lists mean there is nothing to do in that step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from schiff.delivery.delivered import LedgerHead, Line, compact, ledger_head, require_stack, sorted_lines
from schiff.errors import Failed, InvalidValue, Refused, Tampered

REPOSITORIES = ("components", "definitions")
_KEPT = 60


@dataclass(frozen=True)
class Plan:
    """The wanted content of one stack in one repository, and what asked for it.

    `shared` are add-only folders below ``components/`` that belong to no stack.
    Fleet commit, schiff version and ledger head become trailers, never content.
    A `direct` plan writes the record of what went to API servers, and no folder.
    """

    stack: str
    branch: str
    repository: str
    fleet: str
    schiff: str
    ledger: LedgerHead
    orders: tuple[Line, ...]
    wave: tuple[Line, ...]
    shared: Mapping[str, str] = field(default_factory=dict)
    direct: bool = False

    def __post_init__(self) -> None:
        require_stack(self.stack)
        if self.repository not in REPOSITORIES:
            raise InvalidValue(f"{self.repository!r} is no repository (expected {' or '.join(REPOSITORIES)})")
        object.__setattr__(self, "orders", sorted_lines(self.orders))
        object.__setattr__(self, "wave", sorted_lines(self.wave))
        object.__setattr__(self, "shared", dict(sorted(self.shared.items())))
        _require_apart(self)

    def to_text(self) -> str:
        """Return the file, byte for byte."""
        return compact({"v": 1, **_trailers(self), **_content(self)}) + "\n"

    @property
    def digest(self) -> str:
        """Name the plan by the SHA-256 of its text."""
        return sha256(self.to_text().encode()).hexdigest()

    @property
    def content(self) -> str:
        """Digest what reaches the repository: equal plans of two fleet commits have nothing to deliver."""
        return sha256(compact(_content(self)).encode()).hexdigest()

    @classmethod
    def parse(cls, text: str) -> Plan:
        """Return the plan of a file; raises `InvalidValue`."""
        try:
            data: Any = json.loads(text)
        except ValueError as error:
            raise InvalidValue(f"a plan is not JSON: {error}") from error
        if not isinstance(data, dict) or data.pop("v", None) != 1 or sorted(data) != _KEYS:
            raise InvalidValue("this is no plan that this schiff reads (version 1)")
        orders, wave = (tuple(map(Line.from_dict, data.pop(step))) for step in ("orders", "wave"))
        return cls(orders=orders, wave=wave, ledger=ledger_head(data.pop("ledger")), **data)


_KEYS = sorted(("stack", "branch", "repository", "fleet", "schiff", "ledger", "orders", "wave", "shared", "direct"))


def plan_path(digest: str, cache_dir: Path) -> Path:
    """Return where a plan lies."""
    return cache_dir / f"plan-{digest}.json"


def save_plan(plan: Plan, cache_dir: Path) -> str:
    """Write a plan for the plugin and return its digest; a reader never sees half of it."""
    digest = plan.digest
    path = plan_path(digest, cache_dir)
    half = path.with_suffix(".new")
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        half.write_text(plan.to_text(), encoding="utf-8")
        half.replace(path)
        _forget_old(cache_dir)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from error
    return digest


def load_plan(digest: str, cache_dir: Path) -> Plan:
    """Read the plan of a digest; one that is not there was made by a program that did not run here."""
    try:
        text = plan_path(digest, cache_dir).read_text(encoding="utf-8")
    except OSError as error:
        message = f"the plan {digest[:12]} is not in the cache of this machine: run up, not refresh"
        raise Refused(message, code="plan-missing") from error
    plan = Plan.parse(text)
    if plan.digest != digest:
        raise Tampered(f"the plan {digest[:12]} was edited in the cache; run up again")
    return plan


def _forget_old(cache_dir: Path) -> None:
    """Keep the newest plans only: each run leaves one, and nobody asks for old ones."""
    plans = sorted(cache_dir.glob("plan-*.json"), key=lambda path: path.stat().st_mtime_ns)
    for path in plans[:-_KEPT]:
        path.unlink(missing_ok=True)


def _trailers(plan: Plan) -> dict[str, Any]:
    return {"fleet": plan.fleet, "schiff": plan.schiff, "ledger": asdict(plan.ledger)}


def _content(plan: Plan) -> dict[str, Any]:
    return {
        "stack": plan.stack,
        "branch": plan.branch,
        "repository": plan.repository,
        "orders": [line.as_dict() for line in plan.orders],
        "wave": [line.as_dict() for line in plan.wave],
        "shared": dict(plan.shared),
        "direct": plan.direct,
    }


def _require_apart(plan: Plan) -> None:
    """Shared folders are versioned folders below ``components/``, where no stack owns anything."""
    for path in plan.shared:
        if len(path.split("/")) < 3 or not path.startswith("components/"):
            raise InvalidValue(f"{path} cannot be shared (expected components/<name>/<version>)")
    if plan.shared:
        shared = [Line(path, tree, "folder", path) for path, tree in plan.shared.items()]
        sorted_lines((*plan.orders, *shared))
        sorted_lines((*plan.wave, *shared))
