"""The parts that other packages may add: infrastructures and components, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schiff.components.protocol import Component, Never
from schiff.errors import InvalidInput, Place, Problem
from schiff.providers.protocol import Provider


@dataclass(frozen=True, slots=True)
class Parts:
    """What the compiler can build with. It is handed in: looking for packages reads files, and compiling does not."""

    providers: Mapping[str, Provider] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)

    @property
    def never(self) -> tuple[Never, ...]:
        """What never changes in the objects of components; what several of them say, such as drivers, once."""
        said = (each for name in sorted(self.components) for each in self.components[name].never)
        return tuple({(each.kind, each.path): each for each in said}.values())

    def provider(self, site: str, name: str) -> Provider:
        """Return the infrastructure that a site names; raises `InvalidInput` for one that is not installed."""
        found = self.providers.get(name)
        if found is None:
            known = ", ".join(sorted(self.providers)) or "none"
            message = f"no provider is called {name!r}"
            place = Place(f"sites/{site}/site.yaml")
            raise InvalidInput(
                [Problem(place, "facts.provider", message, f"installed: {known}", rule="unknown-provider")]
            )
        return found
