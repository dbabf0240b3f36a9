"""Strict server-side dry run: the API server's own word on every object, and what it understood.

The documents are sent as the YAML that lies in Git, not as JSON made here: the
server's reader is a Go library, and what it takes for a number, drops or finds
twice shows only that way. The answer is compared with what PyYAML read from the
same text; the two must mean the same.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from tests.bed.crds import CrdSet
from tests.bed.kubernetes_client import CONNECTIONS, KubernetesClient
from tests.bed.process import BedFailed
from tests.bed.reading import read_yaml

UNKNOWN_KIND = "the server knows no such kind"
SERVED_BY_NOBODY: Mapping[str, str] = {
    "TridentBackendConfig": "the definition is text inside a program; its component checks it",
    "Certificate": "cert-manager stands on a management cluster before anything of ours",
    "Issuer": "cert-manager stands on a management cluster before anything of ours",
    "InfobloxInstance": "no released module and no list of definitions serves it",
    "InfobloxIPPool": "no released module and no list of definitions serves it",
}
"""Kinds that no server here can know, and why; every other unknown kind is a mistake where all definitions are."""
_STRICT = {"dryRun": "All", "fieldValidation": "Strict"}
_SEPARATOR = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)
_JUDGEMENTS = (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True)
class Document:
    """One YAML document: its text, the line it starts at, and what PyYAML reads in it."""

    text: str
    line: int
    value: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The object's own name."""
        return str(self.value["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        """The namespace it asks for."""
        namespace: str | None = self.value["metadata"].get("namespace")
        return namespace

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"line {self.line}: {self.value['apiVersion']} {self.value['kind']} {place}"


@dataclass(frozen=True)
class Verdict:
    """What the server said about one object."""

    document: Document
    accepted: bool
    message: str
    warnings: tuple[str, ...] = ()
    misread: tuple[str, ...] = ()  # where an accepted object came back as something else

    def __str__(self) -> str:
        return f"{self.document}: {'accepted' if self.accepted else self.message}"


def refusals(verdicts: Iterable[Verdict], crds: CrdSet) -> list[str]:
    """Return what the server refused, or took for something else, as far as it can know the kind."""
    known = [verdict for verdict in verdicts if not is_unknown_here(verdict, crds)]
    refused = [str(verdict) for verdict in known if not verdict.accepted]
    return refused + [f"{verdict.document}: {', '.join(verdict.misread)}" for verdict in known if verdict.misread]


def is_unknown_here(verdict: Verdict, crds: CrdSet) -> bool:
    """Say whether the kind's definition could not be had here; the run's summary names those that are missing."""
    value = verdict.document.value
    group = value["apiVersion"].split("/")[0]
    missing = any(crd.resource.endswith(f".{group}") for crd in crds.missing)
    return verdict.message == UNKNOWN_KIND and (missing or value["kind"] in SERVED_BY_NOBODY)


def dry_run(client: KubernetesClient, yaml_text: str) -> list[Verdict]:
    """Return the server's verdict on every document, in their order.

    Namespaces the objects ask for are created for real first: a dry run into a
    namespace that is not there says nothing about the object.
    """
    documents = split(yaml_text)
    _create_namespaces(client, documents)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(lambda document: _judge(client, document), documents))


def split(yaml_text: str) -> list[Document]:
    """Cut a stream into its documents without touching their bytes; documents without content are left out."""
    documents, start = [], 0
    for end in [*(match.span() for match in _SEPARATOR.finditer(yaml_text)), (len(yaml_text), len(yaml_text))]:
        text = yaml_text[start : end[0]].removeprefix("\n")
        value = read_yaml(text)
        if value is not None:
            documents.append(Document(text, yaml_text.count("\n", 0, start) + 2 - (start == 0), value))
        start = end[1]
    return documents


def differences(sent: object, echo: object, path: str = "") -> Iterator[str]:
    """Name every value that was sent and came back as another, or not at all; what the server added is its own."""
    if isinstance(sent, Mapping) and isinstance(echo, Mapping):
        echo = _with_string_data(sent, echo)
        for key, value in sent.items():
            place = f"{path}.{key}" if path else str(key)
            if key in echo:
                yield from differences(value, echo[key], place)
            elif value is not False and value not in (None, {}, []):  # of its own kinds the server drops what is empty
                yield f"{place}: {value!r} was dropped"
    elif isinstance(sent, list) and isinstance(echo, list) and len(sent) == len(echo):
        for index, (one, other) in enumerate(zip(sent, echo, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif sent is not None and (_amount(sent) != _amount(echo) or isinstance(sent, bool) != isinstance(echo, bool)):
        yield f"{path}: {sent!r} was read as {echo!r}"


def _amount(value: object) -> object:
    """Return whole cores for thousandths: the server writes 1000m as 1."""
    return value[:-4] if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]*000m", value) else value


def _judge(client: KubernetesClient, document: Document) -> Verdict:
    resource = client.resource(document.value["apiVersion"], document.value["kind"])
    if resource is None:
        return Verdict(document, accepted=False, message=UNKNOWN_KIND)
    answer = client.create_yaml(resource.path(document.namespace), document.text, **_STRICT)
    if answer.status_code == httpx.codes.CONFLICT:
        answer = client.apply_yaml(resource.path(document.namespace, document.name), document.text, **_STRICT)
    verdict = _verdict(document, answer)
    if verdict.misread and not client.is_stored(resource):
        # Without its webhook a version that is only served loses what the stored one lacks: its echo proves nothing.
        return dataclasses.replace(verdict, misread=())
    return verdict


def _verdict(document: Document, answer: httpx.Response) -> Verdict:
    body = answer.json()
    if answer.status_code not in _JUDGEMENTS:
        raise BedFailed(f"{document}: the server answered {answer.status_code}, which is no judgement: {answer.text}")
    warnings = tuple(answer.headers.get_list("warning"))
    if answer.is_success:
        desired = {key: value for key, value in document.value.items() if key != "status"}  # the server's own
        misread = tuple(differences(desired, body))
        return Verdict(document, accepted=True, message="", warnings=warnings, misread=misread)
    return Verdict(document, accepted=False, message=body["message"], warnings=warnings)


def _create_namespaces(client: KubernetesClient, documents: Sequence[Document]) -> None:
    for name in sorted(_namespaces(documents)):
        value = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        answer = client.create("/api/v1/namespaces", value)
        if answer.status_code not in (httpx.codes.CREATED, httpx.codes.CONFLICT):
            raise BedFailed(f"the namespace {name} cannot be created: {answer.text}")


def _namespaces(documents: Iterable[Document]) -> set[str]:
    return {document.namespace for document in documents if document.namespace}


def _with_string_data(sent: Mapping[str, Any], echo: Mapping[str, Any]) -> Mapping[str, Any]:
    """Undo what the server does to a Secret: it turns `stringData` into encoded `data`."""
    if sent.get("kind") != "Secret" or "stringData" not in sent:
        return echo
    data = echo.get("data") or {}
    decoded = {key: base64.b64decode(data[key]).decode() for key in sent["stringData"] if key in data}
    return {**echo, "stringData": decoded}
