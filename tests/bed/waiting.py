"""Waiting for something that others do, with the last thing seen in the failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from tests.bed.process import BedFailed

T = TypeVar("T")


def wait_for(seen: Callable[[], T | None], what: str, seconds: float = 60, pause: float = 0.2) -> T:
    """Return what `seen` finds as soon as it finds something; `BedFailed` says what was waited for in vain."""
    deadline = time.monotonic() + seconds
    while True:
        trouble = ""
        try:
            if found := seen():
                return found
        except httpx.HTTPError as error:  # a server that is only just starting, or being stopped
            trouble = f" ({error})"
        if time.monotonic() > deadline:
            raise BedFailed(f"not seen within {seconds:.0f} s: {what}{trouble}")
        time.sleep(pause)
