"""A cluster that runs Cluster API and Flux, and looks after several sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.recipient import Recipient
from schiff.model.spec import Items, Spec
from schiff.values.names import ENVIRONMENTS, Environment, Name
from schiff.values.urls import EndpointUrl, RepositoryUrl

AlertType = Literal[
    "slack", "discord", "msteams", "rocket", "generic", "generic-hmac", "github", "gitlab", "gitea",
    "giteapullrequestcomment", "bitbucketserver", "bitbucket", "azuredevops", "googlechat", "googlepubsub", "webex",
    "sentry", "azureeventhub", "telegram", "lark", "matrix", "opsgenie", "alertmanager", "grafana", "githubdispatch",
    "githubpullrequestcomment", "gitlabmergerequestcomment", "pagerduty", "datadog", "nats", "zulip", "otel",
]  # fmt: skip
"""Every kind of receiver that Flux's notification-controller knows."""


class AlertFacts(Spec):
    """Who is told when Flux on a management cluster fails to apply something.

    An address that is a secret by itself (a webhook of a chat) stands in an
    encrypted document of the management cluster, under the key ``address``.
    """

    type: AlertType
    address: EndpointUrl | None = None
    secret: Name | None = None

    @model_validator(mode="after")
    def _somebody_can_be_reached(self) -> Self:
        if self.address is None and self.secret is None:
            raise InvalidValue("nobody would be told: write an address, or the name of a secret that holds it")
        return self


Shards = Literal[2, 4, 8]
"""How many; Flux's versioned folder has a variant for each, so it is one of a few."""


class ManagementClusterFacts(Spec):
    """How the management cluster reads the delivered repositories, and how people reach it.

    `recipients` are those who can read what is encrypted for it: its own key
    and the break-glass key of the platform. `shards` is into how many sets of
    controllers its Flux is divided, each of which applies its share of tenants.
    """

    definitions_url: RepositoryUrl
    components_url: RepositoryUrl
    branch: str = "main"
    api_context: str
    recipients: Items[Recipient] = ()
    alerts: AlertFacts | None = None
    shards: Shards | None = None


class ManagementClusterSpec(Spec):
    """What a management cluster serves, who owns what it shares, and its own cluster.

    `owner` names the environment whose stack delivers self-definitions, site
    objects and sources: a thing that `tst` and `ref` share needs one owner.
    `cluster` has the schema of a tenant cluster's order, and names its `site`.
    """

    sites: Items[Name]
    environments: Items[Environment]
    owner: Environment | None = None
    site: Name
    facts: ManagementClusterFacts
    cluster: Mapping[str, Any] = Field(default={})

    @model_validator(mode="after")
    def _owner_is_served(self) -> Self:
        if not self.environments:
            raise InvalidValue("environments is empty: a management cluster serves at least one")
        if self.owner is not None and self.owner not in self.environments:
            raise InvalidValue(f"owner {self.owner} is not among the environments it serves")
        return self

    @property
    def owning_environment(self) -> Environment:
        """The owner, else the first stage it serves."""
        if self.owner is not None:
            return self.owner
        return min(self.environments, key=ENVIRONMENTS.index)
