"""What CI brings besides the job: bare runners, a Git server that asks who comes, and a place for comments."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from moto.server import ThreadedMotoServer

from tests.bed.git_server import GitServer, _Handler
from tests.bed.loopback_server import LoopbackServer
from tests.git.repositories import git
from tests.journeys.pulumi_project import PulumiProject
from tools.build import build_folder
from tools.pulumi_cli import prepare_home

BUCKET = "schiff-state"
GIT_TOKEN, COMMENT_TOKEN, KEY = "canary-of-git-61f0", "canary-of-comments-8d2e", "canary-of-the-bucket-c917"
CANARIES = (GIT_TOKEN, COMMENT_TOKEN, KEY)
USER = "bot"


@dataclass
class Ci:
    """A fleet's repositories on a server, its state in a bucket, and the runners that work for it."""

    folder: Path
    server: GitServer
    state: str
    comments: Comments
    runners: list[Path] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)

    @property
    def fleet(self) -> Path:
        """The bare repository of the fleet."""
        return self.server.folder / "fleet.git"

    def heads(self) -> dict[str, str]:
        """Return every branch of every repository with its head."""
        shown = "--format=%(refname) %(objectname)"
        return {path.name: git(path, "for-each-ref", shown) for path in sorted(self.server.folder.glob("*.git"))}

    def objects(self) -> dict[str, str]:
        """Return every object of the bucket with its digest."""
        listed = httpx.get(f"{self.state}/{BUCKET}", params={"list-type": "2"}).text
        return dict(re.findall("<Key>(.*?)</Key>.*?<ETag>(.*?)</ETag>", listed, re.DOTALL))

    def runner(self, branch: str = "main") -> Path:
        """Return a fresh checkout on a machine that has schiff installed and nothing else."""
        folder = self.folder / f"runner-{len(self.runners)}"
        self.runners.append(folder)
        git(self.folder, "clone", "-q", "--branch", branch, str(self.fleet), str(folder))
        git(folder, "remote", "set-url", "origin", self.server.url("fleet"))
        (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
        return folder

    def variables(self, **more: str) -> dict[str, str]:
        """Return what a job finds in its environment: nothing of this machine but programs."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        prepare_home(self.folder / "pulumi-home", build_folder())
        return {
            "PATH": os.pathsep.join([str(build_folder() / "bin"), os.defpath, "/usr/local/bin"]),
            "HOME": str(home),
            "PULUMI_HOME": str(self.folder / "pulumi-home"),
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}?endpoint={self.state}&use_path_style=true&region=us-east-1",
            "AWS_ACCESS_KEY_ID": "runner",
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "SCHIFF_GIT_SERVER": self.server.url("x").removesuffix("/x.git"),
            "SCHIFF_GIT_USER": USER,
            "SCHIFF_GIT_TOKEN": GIT_TOKEN,
            **more,
        }

    def start(self, runner: Path, *command: str, **more: str) -> subprocess.Popen[str]:
        """Start a job: the generated script, by a plain shell."""
        script = ["sh", "ci/schiff.sh", *command]
        out = subprocess.PIPE
        env = self.variables(**more)
        return subprocess.Popen(script, cwd=runner, env=env, stdout=out, stderr=subprocess.STDOUT, text=True)

    def job(self, runner: Path, *command: str, status: int = 0, **more: str) -> str:
        """Run a job and return its log."""
        return self.ended(self.start(runner, *command, **more), status)

    def ended(self, job: subprocess.Popen[str], status: int = 0) -> str:
        """Wait for a job and return its log."""
        log, _ = job.communicate(timeout=300)
        self.logs.append(log)
        assert job.returncode == status, log
        return log

    def merge_request(self, change: str, path: str, name: str, value: Any) -> str:
        """Push a branch that changes one value of the fleet; return the commit it started from."""
        work = self.folder / f"work-{change}"
        git(self.folder, "clone", "-q", str(self.fleet), str(work))
        base = git(work, "rev-parse", "HEAD").strip()
        git(work, "checkout", "-q", "-b", change)
        PulumiProject(work).edit(path, name, value)
        git(work, "commit", "-q", "-a", "-m", change)
        git(work, "push", "-q", "origin", f"HEAD:refs/heads/{change}")
        return base


class GuardedGitServer(GitServer):
    """Serves repositories to the one who brings the token."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._handler = partial(_Guarded, self)


class _Guarded(_Handler):
    def _answer(self) -> None:
        if self.headers["Authorization"] == f"Basic {b64encode(f'{USER}:{GIT_TOKEN}'.encode()).decode()}":
            super()._answer()
            return
        self.send_response(401)
        for name, value in {"WWW-Authenticate": 'Basic realm="git"', "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def state_server() -> Iterator[str]:
    """Start an S3 server with an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    assert httpx.put(f"http://{host}:{port}/{BUCKET}").is_success
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class Comments(LoopbackServer):
    """The comments of one merge request, as the interfaces of GitLab and GitHub give and take them.

    It starts with many comments of people, so that one page does not hold all.
    """

    def __init__(self) -> None:
        super().__init__(partial(_Comments, self))
        self.bodies: dict[int, str] = {number: f"comment {number} of somebody" for number in range(1, 131)}
        self.requests: list[tuple[str, str]] = []

    @property
    def ours(self) -> list[str]:
        """The comments that no person wrote."""
        return [body for body in self.bodies.values() if not body.endswith("of somebody")]

    @property
    def gitlab(self) -> dict[str, str]:
        """The variables of a run on GitLab."""
        return {
            "CI_API_V4_URL": f"{self.address}/api/v4",
            "CI_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "12",
            "SCHIFF_COMMENT_TOKEN": COMMENT_TOKEN,
        }

    @property
    def github(self) -> dict[str, str]:
        """The variables of a run on GitHub."""
        return {
            "GITHUB_API_URL": self.address,
            "GITHUB_REPOSITORY": "my-company/fleet",
            "SCHIFF_PULL_REQUEST": "12",
            "SCHIFF_COMMENT_TOKEN": COMMENT_TOKEN,
        }


_NOTES = "/api/v4/projects/7/merge_requests/12/notes"
_ISSUES = "/repos/my-company/fleet/issues"
_LISTS = {_NOTES: "PUT", f"{_ISSUES}/12/comments": "PATCH"}


class _Comments(http.server.BaseHTTPRequestHandler):
    def __init__(self, served: Comments, *arguments: Any) -> None:
        self._served = served
        super().__init__(*arguments)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
        """Say nothing: the test reads what was asked."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        size, page = int(asked["per_page"][0]), int(asked["page"][0])
        found = [{"id": number, "body": body} for number, body in self._served.bodies.items()]
        self._answer(self._path in _LISTS, found[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        number = max(self._served.bodies) + 1
        self._write(number, allowed=self._path in _LISTS)

    def do_PUT(self) -> None:
        folder, _, number = self._path.rpartition("/")
        self._write(int(number), allowed=folder == _NOTES)

    def do_PATCH(self) -> None:
        folder, _, number = self._path.rpartition("/")
        self._write(int(number), allowed=folder == f"{_ISSUES}/comments")

    @property
    def _path(self) -> str:
        return urlsplit(self.path).path

    def _write(self, number: int, *, allowed: bool) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if allowed:
            self._served.bodies[number] = body
        self._answer(allowed, {"id": number, "body": body})

    def _answer(self, allowed: bool, answer: object) -> None:
        self._served.requests.append((self.command, self._path))
        known = COMMENT_TOKEN in (
            self.headers["PRIVATE-TOKEN"],
            (self.headers["Authorization"] or "")[len("Bearer ") :],
        )
        text = json.dumps(answer).encode() if allowed and known else b"{}"
        self.send_response(200 if allowed and known else 403)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
