from __future__ import annotations

from typing import get_args

from schiff.manifests.notification import EventSource, alert, alert_provider
from schiff.model.management_cluster import AlertFacts, AlertType
from schiff.sources.schemas import load_schemas

HOOK = "https://alerts.schiff.example/flux"


def test_the_kinds_of_receivers_are_those_that_the_controller_knows() -> None:
    schema = load_schemas().schema("notification.toolkit.fluxcd.io/v1beta3/Provider")
    assert set(get_args(AlertType)) == set(schema["properties"]["spec"]["properties"]["type"]["enum"])


def test_a_provider_says_only_what_the_facts_say() -> None:
    open_address = alert_provider("alerts.tst", AlertFacts(type="generic", address=HOOK))
    assert open_address.body["spec"] == {"type": "generic", "address": HOOK}
    hidden = alert_provider("alerts.tst", AlertFacts(type="slack", secret="chat"))
    assert hidden.body["spec"] == {"type": "slack", "secretRef": {"name": "chat"}}


def test_an_alert_tells_of_failures_alone_and_says_where_they_happened() -> None:
    told = alert("alerts.tst", [EventSource("Kustomization", "here")], {"environment": "tst"})
    assert told.body["spec"] == {
        "providerRef": {"name": "alerts.tst"},
        "eventSeverity": "error",
        "eventMetadata": {"environment": "tst"},
        "eventSources": [{"kind": "Kustomization", "name": "*", "namespace": "here"}],
    }
