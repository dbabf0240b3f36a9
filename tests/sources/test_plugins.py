from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from schiff.errors import Failed
from schiff.providers import metal3, vsphere
from schiff.sources import plugins


def offered(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    """Pretend that installed packages offer a provider called cloud at these places."""
    entries = EntryPoints(EntryPoint("cloud", value, plugins.PROVIDERS) for value in values)
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries.select(group=group))


def test_what_comes_with_schiff_is_found_like_everything_else() -> None:
    parts = plugins.load_parts()
    assert parts.providers == {"metal3": metal3.PROVIDER, "vsphere": vsphere.PROVIDER}
    assert {"calico", "flux", "metallb", "vsphere-cpi", "vsphere-csi"} <= parts.components.keys()


def test_a_component_that_comes_with_schiff_is_no_other_packages_to_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = EntryPoints([EntryPoint("calico", "schiff.providers.vsphere:PROVIDER", plugins.COMPONENTS)])
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries.select(group=group))
    with pytest.raises(Failed, match="calico comes with schiff"):
        plugins.load_parts()


def test_another_package_adds_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, "schiff.providers.vsphere:PROVIDER")
    assert plugins.load_parts().providers == {"cloud": vsphere.PROVIDER}


def test_one_part_found_twice_in_one_place_is_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, "schiff.providers.vsphere:PROVIDER", "schiff.providers.vsphere:PROVIDER")
    assert list(plugins.load_parts().providers) == ["cloud"]


def test_two_packages_that_offer_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, "schiff.providers.vsphere:PROVIDER", "schiff.providers.metal3:PROVIDER")
    with pytest.raises(Failed, match="cloud is offered twice"):
        plugins.load_parts()


@pytest.mark.parametrize("value", ["schiff.providers.nowhere:PROVIDER", "schiff.providers.vsphere:NOTHING"])
def test_a_part_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    offered(monkeypatch, value)
    with pytest.raises(Failed, match=f"cloud of schiff.providers cannot be loaded from {value}"):
        plugins.load_parts()
