"""The command `schiff`: every verb, and the two things that hold for all of them.

An error ends as a sentence and an exit status, never as a traceback: 0 done,
1 error, 2 bad input, 7 differences, 10 wait, 11 refused, 16 tampered, 17
conflict. With ``--json`` the precise name of the case is `code`.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback

import typer

from schiff.cli import (
    approve,
    calendar,
    check,
    destroy,
    gate,
    halt,
    identifiers,
    preview,
    rehearse,
    render,
    rollback,
    show,
    status,
    step,
    up,
    vendor,
    where,
)
from schiff.cli.components import components_app
from schiff.cli.fast_forward import fast_forward_app
from schiff.cli.hold import hold_app
from schiff.cli.kubeconfigs import kubeconfigs_app
from schiff.cli.ledger import ledger_app
from schiff.cli.memory import collect_rarely
from schiff.cli.new import new_app
from schiff.cli.release import release_app
from schiff.cli.terminal import say_error
from schiff.errors import Failed, InvalidInput, InvalidValue, Place, Problem, SchiffError

HELP = """\
Example: schiff up -e tst

schiff turns a typed description of a Kubernetes fleet into the two Git repositories that run it, and carries every
change through tst, ref and prd on evidence.
"""

_STOPPED = 130

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
app.command("check", help=check.HELP, short_help="Say everything that is wrong with a fleet.")(check.check)
app.command("up", help=up.HELP, short_help="Deliver an environment.")(up.up)
app.command("step", help=step.HELP, short_help="Do every step that is legal now, then say what is waited for.")(
    step.step
)
app.command("gate", help=gate.HELP, short_help="Say whether a release may enter an environment now.")(gate.gate)
app.command("halt", help=halt.HALT_HELP, short_help="Stop the release that rolls out.")(halt.halt)
app.command("resume", help=halt.RESUME_HELP, short_help="Let a halted release go on.")(halt.resume)
app.command("rollback", help=rollback.HELP, short_help="Take a release back.")(rollback.rollback)
app.command("preview", help=preview.HELP, short_help="Show what up would do.")(preview.preview)
app.command("destroy", help=destroy.HELP, short_help="Remove everything an environment delivered.")(destroy.destroy)
app.command("rehearse", help=rehearse.HELP, short_help="Tell a season in minutes.")(rehearse.rehearse)
app.command("render", help=render.HELP, short_help="Write the files of both repositories to a folder.")(render.render)
app.command("show", help=show.HELP, short_help="Show a cluster with every value and its source.")(show.show)
app.command("status", help=status.HELP, short_help="Say how the real clusters are.")(status.status)
app.command("calendar", help=calendar.HELP, short_help="Say which release comes when.")(calendar.calendar)
app.command("where", help=where.HELP, short_help="Say who runs what, in how many configurations.")(where.where)
app.command("identifiers", help=identifiers.HELP, short_help="List every name outside of clusters.")(
    identifiers.identifiers
)
app.command("vendor", help=vendor.HELP, short_help="Take upstream manifests into the fleet.")(vendor.vendor)
app.command("approve", help=approve.HELP, short_help="Agree to one thing, once, with a signature.")(approve.approve)
app.add_typer(components_app, name="components", short_help="List what can run on a cluster.")
app.add_typer(release_app, name="release", short_help="Freeze head as a release; show, verify, compare releases.")
app.add_typer(ledger_app, name="ledger", short_help="Begin the ledger of an environment, read it, and verify it.")
app.add_typer(fast_forward_app, name="fast-forward", short_help="Let a held cluster catch up.")
app.add_typer(hold_app, name="hold", short_help="Say what holding releases back costs.")
app.add_typer(kubeconfigs_app, name="kubeconfigs", short_help="Save what gives access to clusters.")
app.add_typer(new_app, name="new", short_help="Write an order, after checking it.")


def main() -> None:
    """Run one command and end with its exit status."""
    collect_rarely()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status."""
    as_json = "--json" in arguments
    try:
        answered = app(args=arguments, prog_name="schiff", standalone_mode=False)
        if answered == _STOPPED:  # typer's own answer to Ctrl-C
            return _stopped()
        return answered if isinstance(answered, int) else 0
    except SchiffError as error:
        return _ended(error, as_json=as_json)
    except InvalidValue as error:
        return _ended(InvalidInput([Problem(Place("fleet"), "", str(error))]), as_json=as_json)
    except typer.TyperException as error:
        return _misused(error, as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        return _stopped()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _ended(_failed(error), as_json=as_json)
    except Exception as error:  # noqa: BLE001 -- a bug: people need the traceback, programs the code
        traceback.print_exc()
        return _ended(Failed(f"a mistake in schiff itself: {type(error).__name__}", "error"), as_json=as_json)


def _stopped() -> int:
    print("stopped; run it again to go on", file=sys.stderr)
    return _STOPPED


def _ended(error: SchiffError, *, as_json: bool) -> int:
    say_error(error, as_json=as_json)
    return error.status


def _misused(error: typer.TyperException, *, as_json: bool) -> int:
    """Answer a mistake on the command line: bad input with the way to the help page, or the page itself."""
    message = error.format_message().rstrip(".")
    if message.startswith("Usage:"):
        print(message)
        return InvalidInput.status
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "schiff"
    cure = f"see {path} --help"
    return _ended(InvalidInput([Problem(Place(path), "", message[:1].lower() + message[1:], cure)]), as_json=as_json)


def _failed(error: OSError) -> SchiffError:
    if error.errno == errno.ENOSPC:
        return Failed("the disk is full; nothing is lost, free some space and run it again", "disk-full")
    return Failed(f"{error.filename or 'a file'} cannot be used: {error.strerror or error}")
