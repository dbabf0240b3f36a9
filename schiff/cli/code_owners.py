"""Who must approve a change of a fleet repository, by path: what GitLab and GitHub read as CODEOWNERS.

A fleet knows names and no people, so an owner is a team that is called after
what it answers for. The last line that matches a path counts:

1. everything belongs to `platform`: program, settings, shared layers, catalogue, releases, recipients of secrets;
2. management clusters and sites have lines of their own, so that another team can take one over;
3. the file of a customer, its orders and its encrypted documents belong to the team of the customer's name;
4. what decides who may do what belongs to `approvers`: policy, keys, these lines and the CI that obeys them.
"""

from __future__ import annotations

from collections.abc import Iterator

from schiff.model.fleet import Fleet

PLATFORM = "platform"
APPROVERS = "approvers"
_DECIDING = ("/.gitlab/", "/.gitlab-ci.yml", "/.github/", "/ci/", "/Pulumi*.yaml")


def code_owners(fleet: Fleet, folder: str, group: str, section: str = "") -> str:
    """Return the file for a fleet in `folder` and teams of `group`; `section` is a line over what approvers own."""
    return "\n".join(
        [
            "# Who must approve a change, by path; the last line that matches counts. Written by schiff new ci.",
            "# A team that does not exist approves nothing and is asked for nothing: make every team first.",
            "",
            "# Everything that is not named below",
            _line("*", group, PLATFORM),
            *_platform(fleet, f"/{folder}", group),
            *_customers(fleet, f"/{folder}", group),
            "",
            "# Who may do what",
            *([section] if section else []),
            *(_line(path, group, APPROVERS) for path in (*_policy(f"/{folder}"), *_DECIDING)),
            "",
        ]
    )


def teams(fleet: Fleet) -> tuple[str, ...]:
    """Return the teams that must exist."""
    return (PLATFORM, APPROVERS, *_names(fleet))


def _platform(fleet: Fleet, folder: str, group: str) -> Iterator[str]:
    yield from ("", "# Management clusters")
    for name in sorted(fleet.management_clusters):
        for ending in (".yaml", ".secrets/"):
            yield _line(f"{folder}/management-clusters/{name}{ending}", group, PLATFORM)
    yield from ("", "# Sites; their facts act at once")
    for name in sorted(fleet.sites):
        yield _line(f"{folder}/sites/{name}/", group, PLATFORM)


def _customers(fleet: Fleet, folder: str, group: str) -> Iterator[str]:
    yield from ("", "# Customers: what they set, and what they order at any site")
    for name in _names(fleet):
        yield _line(f"{folder}/customers/{name}.yaml", group, name)
        yield _line(f"{folder}/sites/*/{name}/", group, name)


def _policy(folder: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in ("fleet.yaml", "policy.yaml", "approvers"))


def _names(fleet: Fleet) -> list[str]:
    return sorted({*fleet.customers, *(order.customer for order in fleet.orders.values())})


def _line(path: str, group: str, team: str) -> str:
    return f"{path} @{group}/{team}"
