"""`schiff kubeconfigs`: what gives access to clusters."""

from __future__ import annotations

import typer

from schiff.cli import kubeconfigs_backup, kubeconfigs_issue

kubeconfigs_app = typer.Typer(
    help="Example: schiff kubeconfigs backup -e prd\n\nSave what gives access to clusters, and let them be read.",
    no_args_is_help=True,
)


@kubeconfigs_app.callback()
def kubeconfigs() -> None:
    """Save what gives access to clusters."""


kubeconfigs_app.command("backup", help=kubeconfigs_backup.HELP, short_help="Save kubeconfigs and authorities.")(
    kubeconfigs_backup.backup
)
kubeconfigs_app.command("issue", help=kubeconfigs_issue.HELP, short_help="Let schiff status read the tenants.")(
    kubeconfigs_issue.issue_kubeconfigs
)
