"""Say in a merge request what it changes: `ci/schiff.sh merge-request` runs this, with Python's own library alone.

The comment is made from the files of the report, written beside them as
comment.md and printed. Where GitLab or GitHub name the merge request and
SCHIFF_COMMENT_TOKEN is set, it is posted there; the one of an earlier run is
written anew, so that a merge request has one comment, about its last commit.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "<!-- schiff: what this merge request changes -->"
_ROOM = 15_000
_SECONDS = 30
_PAGE = 100


def comment(report: Path) -> str:
    """Return the comment: the check, then each environment, all without what only the artefact has room for."""
    commit, checked = (_read(report / f"{name}.txt").strip() for name in ("commit", "check"))
    parts = [MARK, "## What this merge request changes", f"`schiff check` at {commit}:", _quoted(checked)]
    for file in sorted(report.glob("*.json"), key=lambda file: ("tst", "ref", "prd").index(file.stem)):
        answers = list(_documents(_read(file)))
        lines = [line for answer in answers for line in _lines(answer)]
        parts += [f"### {file.stem}: {_summary(answers)}", *([_quoted("\n".join(lines))] if lines else [])]
    return "\n\n".join(parts) + "\n"


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """Yield the answers of a preview, one for each stack; one that was killed did not say that nothing changes."""
    decoder, rest = json.JSONDecoder(), text.strip()
    try:
        while True:
            answer, end = decoder.raw_decode(rest)
            yield answer
            if not (rest := rest[end:].strip()):
                return
    except ValueError:
        yield {"code": "no-answer", "message": "the preview ended without an answer; the log of the job says more"}


def _summary(answers: list[dict[str, Any]]) -> str:
    codes = sorted({str(answer["code"]) for answer in answers if "code" in answer})
    if codes:
        return "no delivery yet" if codes == ["no-stack"] else f"not possible ({', '.join(codes)})"
    changes = [change for answer in answers for change in answer["changes"]]
    count = sum(change["resource"] != "Commit" for change in changes) or len(changes)
    return f"{count} {'change' if count == 1 else 'changes'}" if count else "nothing changes"


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    if "code" in answer:
        yield str(answer["message"])
    for change in answer.get("changes", ()):
        yield f"{change['op']} {change['resource']} {change['name']}"
        yield from (f"  {line}" for said in (*change["files"], *change["warnings"]) for line in said.splitlines())


def _quoted(text: str) -> str:
    """Return a text as a block that stays one, as far as a comment has room for it."""
    kept, room = [], _ROOM
    for line in text.replace("~~~~", "~~~").splitlines():
        room -= len(line.encode()) + 1
        if room < 0:
            kept.append("... the rest is in the artefact")
            break
        kept.append(line)
    return "\n".join(["~~~~text", *kept, "~~~~"])


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


@dataclass(frozen=True)
class Discussion:
    """The comments of one merge request: where they are listed and written, where one is changed, and how."""

    listed: str
    single: str
    change: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Discussion | None:
        """Return the merge request that this run is about, if it may write there."""
        token = variables.get("SCHIFF_COMMENT_TOKEN")
        if token and (number := variables.get("CI_MERGE_REQUEST_IID")):
            project = f"{variables['CI_API_V4_URL']}/projects/{variables['CI_PROJECT_ID']}"
            notes = f"{project}/merge_requests/{number}/notes"
            return cls(notes, notes, "PUT", {"PRIVATE-TOKEN": token})
        if token and (number := variables.get("SCHIFF_PULL_REQUEST")):
            issues = f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}/issues"
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
            return cls(f"{issues}/{number}/comments", f"{issues}/comments", "PATCH", headers)
        return None

    def say(self, text: str) -> None:
        """Write the comment, over the one of an earlier run."""
        earlier = next((found["id"] for found in self._comments() if str(found["body"]).startswith(MARK)), None)
        if earlier is None:
            self._ask("POST", self.listed, {"body": text})
        else:
            self._ask(self.change, f"{self.single}/{earlier}", {"body": text})

    def _comments(self) -> Iterator[dict[str, Any]]:
        page = 1
        while found := self._ask("GET", f"{self.listed}?per_page={_PAGE}&page={page}"):
            yield from found
            page += 1

    def _ask(self, method: str, url: str, body: Mapping[str, str] | None = None) -> Any:
        headers = {**self.headers, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
            return json.load(answer)


def main(report: Path) -> int:
    """Write, print and post the comment; one that could not be posted is a failure, as the earlier one is wrong."""
    text = comment(report)
    (report / "comment.md").write_text(text, encoding="utf-8")
    print(text, flush=True)
    discussion = Discussion.of(os.environ)
    try:
        if discussion is not None:
            discussion.say(text)
    except (OSError, ValueError) as error:
        print(f"the comment cannot be written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
