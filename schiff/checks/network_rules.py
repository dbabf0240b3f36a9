"""Rules over what announces and stores for workloads: MetalLB and StorageClasses (domain reference 13 and 15)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from schiff.checks.documents import KubernetesObject, Path
from schiff.checks.rules import Breach, Objects, Rule, each, matches, target
from schiff.errors import InvalidValue
from schiff.values.networks import AddressRange

_POOL = "IPAddressPool"
_ADVERTISEMENTS = ("BGPAdvertisement", "L2Advertisement")
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

Found = Iterator[tuple[Path, str, str]]


def _range(text: object) -> AddressRange | None:
    """Return a range as MetalLB reads it: a network may be written with host bits."""
    if not isinstance(text, str):
        return None
    try:
        return AddressRange.parse(str(ip_network(text, strict=False)) if "/" in text else text)
    except (InvalidValue, ValueError):
        return None


def _ranges_hold(item: KubernetesObject) -> Found:
    for index, text in enumerate(item.items_at("spec", "addresses")):
        if not set("-/") & set(str(text)) or _range(text) is None:
            yield ("spec", "addresses", index), f"{text!r} is no range", "write e.g. 10.1.4.0/28 or 10.1.4.1-10.1.4.9"


def _pools_apart(objects: Objects) -> Iterator[Breach]:
    seen: dict[str, list[tuple[KubernetesObject, AddressRange]]] = {}
    for item in objects.of(_POOL):
        before = seen.setdefault(target(item.file), [])
        for index, text in enumerate(item.items_at("spec", "addresses")):
            found = _range(text)
            if found is None:
                continue
            for other, taken in before:
                if found.overlaps(taken):
                    message = f"{found} overlaps {taken} of {other.title}"
                    yield Breach(item, ("spec", "addresses", index), message, "let each address have one pool")
            before.append((item, found))


def _advertises_something(item: KubernetesObject) -> Found:
    if not item.items_at("spec", "ipAddressPools") and not item.items_at("spec", "ipAddressPoolSelectors"):
        yield ("spec", "ipAddressPools"), "an advertisement without pools announces all pools", "name the pools"


def _announced(objects: Objects) -> Iterator[Breach]:
    for item in objects.of(_POOL):
        if not any(_announces(each, item) for each in objects.neighbours(item, *_ADVERTISEMENTS)):
            message = "nothing announces this pool, so nobody can reach its addresses"
            yield Breach(item, ("spec", "addresses"), message, "add a BGPAdvertisement or an L2Advertisement")


def _announces(advertisement: KubernetesObject, pool: KubernetesObject) -> bool:
    names = advertisement.items_at("spec", "ipAddressPools")
    selectors = advertisement.items_at("spec", "ipAddressPoolSelectors")
    labels = pool.map_at("metadata", "labels")
    selected = any(isinstance(each, dict) and matches(each, labels) for each in selectors)
    return pool.name in names or selected or not (names or selectors)


def _known_pools(objects: Objects) -> Iterator[Breach]:
    for item in objects.of(*_ADVERTISEMENTS):
        for index, name in enumerate(item.items_at("spec", "ipAddressPools")):
            if objects.beside(item, _POOL, str(name)) is None:
                message = f"no IPAddressPool is called {name!r}"
                yield Breach(item, ("spec", "ipAddressPools", index), message, "deliver it too, or correct the name")


def _peer_is_one(item: KubernetesObject) -> Found:
    spec = item.map_at("spec")
    if "password" in spec and "passwordSecret" in spec:
        yield ("spec", "password"), "has password and passwordSecret", "keep passwordSecret"
    elif spec.get("password"):
        yield ("spec", "password"), "a password stands in clear text", "write passwordSecret"
    for one, other in (("peerASN", "dynamicASN"), ("peerAddress", "interface")):
        if bool(spec.get(one)) == bool(spec.get(other)):
            has = "has both" if spec.get(one) else "has neither"
            yield ("spec", one), f"{has} {one} and {other}", "write exactly one of the two"


def _calico_or_metallb(item: KubernetesObject) -> Found:
    if item.group == "metallb.io":
        yield from _peer_is_one(item)


def _one_default_class(objects: Objects) -> Iterator[Breach]:
    defaults: dict[str, KubernetesObject] = {}
    for item in objects.of("StorageClass"):
        if item.text_at("metadata", "annotations", _DEFAULT_CLASS) != "true":
            continue
        other = defaults.setdefault(target(item.file), item)
        if other is not item:
            path = ("metadata", "annotations", _DEFAULT_CLASS)
            yield Breach(item, path, f"{other.title} is the default too", "let one class be the default")


RULES: tuple[Rule, ...] = (
    each("metallb-ranges", "A MetalLB pool lists networks or ranges of addresses.", (_POOL,), _ranges_hold),
    Rule("metallb-pools-apart", "No address is in two MetalLB pools of one cluster.", _pools_apart),
    each("metallb-advertises", "A MetalLB advertisement names the pools it announces.",
         _ADVERTISEMENTS, _advertises_something),
    each("metallb-peer", "A BGP peer has one ASN, one way to be reached, and its password in a Secret.",
         ("BGPPeer",), _calico_or_metallb),
    Rule("metallb-announced", "Every MetalLB pool is announced.", _announced, whole=True),
    Rule("metallb-known-pools", "A MetalLB advertisement names pools that exist.", _known_pools, whole=True),
    Rule("one-default-class", "A cluster has at most one default StorageClass.", _one_default_class),
)  # fmt: skip
