"""The command tree. Each group stands in a module of its own; a new command is added there."""

from __future__ import annotations

import typer

from adapters.cli import agents, audit, doctor, packages, rules, tasks, views

app = typer.Typer(
    name="paidan",
    help="Paidan hands out work by rules, and can say why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(rules.app, name="rules")
app.add_typer(agents.app, name="agents")
app.add_typer(packages.app, name="packages")
app.add_typer(tasks.app, name="tasks")
app.add_typer(views.app, name="views")
audit.register(app)
doctor.register(app)
