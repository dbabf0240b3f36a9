from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from schiff.cli import app
from schiff.cli.memory import collect_rarely


@pytest.fixture
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_what_was_imported_is_left_alone_and_cycles_are_looked_for_rarely() -> None:
    before = gc.get_threshold()
    collect_rarely()
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold()[0] > 100 * before[0]
    assert gc.isenabled()


@pytest.mark.usefixtures("collector")
def test_every_command_collects_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(app, "collect_rarely", lambda: asked.append(True))
    monkeypatch.setattr("sys.argv", ["schiff", "--help"])
    with pytest.raises(SystemExit):
        app.main()
    assert asked == [True]
