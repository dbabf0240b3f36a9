"""Options that mean the same in every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EnvironmentOption = Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")]
FleetOption = Annotated[Path | None, typer.Option("--fleet", help="Folder of the fleet; default: the stack's setting.")]
LedgerOption = Annotated[str, typer.Option("--ledger", help="Repository of the ledger; default: the stack's setting.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
