"""Registering many resources: the SDK's cost grows with the square of what is open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pulumi

_CHUNK = 100


async def in_chunks(resources: Iterable[pulumi.Resource]) -> None:
    """Register everything that an iterable makes, waiting after each hundred."""
    chunk: list[pulumi.Resource] = []
    for resource in resources:
        chunk.append(resource)
        if len(chunk) == _CHUNK:
            await asyncio.gather(*(one.urn.future() for one in chunk))
            chunk.clear()
