"""Pages with parts that follow the code; what people wrote around them, and about them, stays.

A comment in a page says what stands below it, up to the next empty line:

``<!-- fields: model.site.SiteFacts -->``
    a table of the spec's fields; its last column, what a field means, is people's
``<!-- codes -->``
    a table of error codes with their exit status; its last column is people's
``<!-- rules: checks.fleet_rules -->``
    a table of the rules that the docstring of a module lists
``<!-- components -->``
    a table of the components that come with schiff
``<!-- file: stacks/fleet/fleet.yaml -->``
    a listing of that file

and ``<!-- help -->``, up to ``<!-- end of help -->``, every command with its help page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from inspect import cleandoc, getdoc
from pathlib import Path

from schiff.layers.field_rows import rows
from schiff.model.spec import Spec
from schiff.sources.plugins import own_components
from tools.parts import ROOT
from tools.reference.codes import codes, listed_rules

FOLDERS = (ROOT / "docs" / "guide", ROOT / "docs" / "reference", ROOT / "docs" / "reference" / "components")
_PAGES = FOLDERS[-1]
HELP = ROOT / "tests" / "golden" / "help"

_PART = re.compile(
    r"^<!-- (fields|codes|rules|components|file)(?:: (\S+))? -->\n(.*?)(?=^$|\Z)", re.MULTILINE | re.DOTALL
)
_LISTING = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n.*?^```\n", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(r"^<!-- help -->\n.*?^<!-- end of help -->\n", re.MULTILINE | re.DOTALL)

Cells = tuple[str, ...]


def written(text: str) -> str:
    """Return a page with every part as the code has it now."""
    text = _LISTING.sub(lambda found: _listing(found[1]), text)
    text = _PART.sub(_part, text)
    return _COMMANDS.sub(lambda _: _commands(), text)


def unexplained(text: str) -> list[str]:
    """Return the first cells of rows that nobody has said anything about yet."""
    return [cells[0] for found in _PART.finditer(text) for cells in _cells(found[3]) if not cells[-1]]


def _part(found: re.Match[str]) -> str:
    kind, argument, body = found.groups()
    said = {cells[0]: cells[-1] for cells in _cells(body)}
    match kind:
        case "fields":
            table = [("field", "type", "default", "meaning"), *_with_meaning(_fields(argument), said)]
        case "codes":
            table = [("code", "status", "what happened, and what to do"), *_with_meaning(_codes(), said)]
        case "rules":
            table = [("rule", "what holds"), *listed_rules(argument)]
        case "components":
            table = [("component", "what it is", "runs", "after", "chart"), *_components()]
        case _:
            return str(found[0])
    head, *lines = (f"| {' | '.join(cells)} |" for cells in table)
    return "\n".join([found[0].partition("\n")[0], head, f"|{'---|' * len(table[0])}", *lines, ""])


def _with_meaning(rows_: Iterable[Cells], said: Mapping[str, str]) -> Iterator[Cells]:
    yield from ((*cells, said.get(cells[0], "")) for cells in rows_)


def _fields(name: str) -> Iterator[Cells]:
    yield from ((f"`{row.path}`", row.type, row.default) for row in rows(model_named(name)))


def _codes() -> Iterator[Cells]:
    yield from ((f"`{code}`", ", ".join(map(str, statuses))) for code, statuses in codes().items())


def model_named(dotted: str) -> type[Spec]:
    """Return the spec of a name below the package, such as ``model.site.SiteFacts``."""
    module, _, name = dotted.rpartition(".")
    model = getattr(import_module(f"schiff.{module}"), name)
    if not (isinstance(model, type) and issubclass(model, Spec)):
        raise TypeError(f"schiff.{dotted} is no spec")
    return model


def _components() -> Iterator[Cells]:
    for name, component in sorted(own_components().items()):
        about = cleandoc(getdoc(type(component)) or "").partition("\n")[0]
        runs = "bootstrap" if component.bootstrap else "where named" if component.optional else "everywhere it fits"
        first = ", ".join(f"`{other}`" for other in dict.fromkeys((*component.requires, *component.after)))
        chart = re.search(r"^Charts: (rendered|values only)", (_PAGES / f"{name}.md").read_text("utf-8"), re.MULTILINE)
        yield f"[`{name}`](components/{name}.md)", about, runs, first, chart[1] if chart else "none"


def _listing(path: str) -> str:
    language = {".yaml": "yaml", ".py": "python", ".lock": "json"}.get(Path(path).suffix, "text")
    content = (ROOT / path).read_text(encoding="utf-8")
    return f"<!-- file: {path} -->\n```{language}\n{content}```\n"


def _commands() -> str:
    pages = sorted(HELP.glob("*.txt"), key=lambda page: page.stem)
    texts = [page.read_text(encoding="utf-8") for page in pages]
    sections = (f"## {_command(text)}\n\n```text\n{text}```\n" for text in texts)
    return "<!-- help -->\n" + "\n".join(sections) + "<!-- end of help -->\n"


def _command(text: str) -> str:
    """Return which command a help page is of; a name of two words has a hyphen, and so has the page's file."""
    return text.partition("Usage: ")[2].partition(" [OPTIONS]")[0]


def _cells(body: str) -> Iterator[Cells]:
    """Yield the rows of a table, without its head."""
    for line in [line for line in body.splitlines() if line.startswith("|")][2:]:
        yield tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])


def pages() -> Iterable[Path]:
    """Return the pages that may have such parts."""
    return [ROOT / "README.md", *sorted(page for folder in FOLDERS for page in folder.glob("*.md"))]
