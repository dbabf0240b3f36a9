"""A management cluster's Flux pulls what `up` pushed, over HTTP, and applies it."""

from __future__ import annotations

from tests.bed.objects import KUSTOMIZE, condition, is_ready
from tests.bed.waiting import wait_for
from tests.journeys.loop import Loop


def test_every_folder_of_the_management_cluster_is_applied(loop: Loop) -> None:
    objects = loop.management.objects
    loop.pull()

    def unready() -> dict[str, object]:
        found = [
            item for item in objects.all(KUSTOMIZE, "Kustomization") if item["metadata"]["namespace"] == "schiff-system"
        ]
        return {
            item["metadata"]["name"]: condition(item, "Ready").get("message") for item in found if not is_ready(item)
        }

    try:
        wait_for(lambda: not unready(), "every Kustomization of schiff-system Ready", 60)
    finally:
        assert unready() == {}
