"""``paidan demo``: the main job from nothing, by the very commands that a person would type."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import msgspec
import typer
import yaml
from rich.console import Console

from adapters.cli import app
from adapters.demo.sample_data import BUSINESS_TYPE, MAPPING, TASK_TYPE, roster, write_package
from adapters.demo.summary import show_summary, task_to_explain
from adapters.grpc_api.readiness import wait_until_serving

RULES = Path(__file__).parents[2] / "examples" / "rules" / "retail-bank.yaml"
START_S = 60.0


class Plan(msgspec.Struct, frozen=True):
    """What the demonstration is to show."""

    data: Path
    listen: str
    workspace: str
    rules: Path | None
    file: Path | None
    mapping: Path | None
    roster: Path | None
    task_type: str
    business_type: str
    """Empty task and business types: those of the generated package."""
    rows: int
    agents: int
    seed: int


class Demo:
    """Starts a server, hands in rules, a roster and a package, and tells what came of it."""

    def __init__(self, plan: Plan, program: str, as_json: bool) -> None:
        self._plan, self._program, self._as_json = plan, program, as_json
        self._console = Console(stderr=as_json)
        self._made = plan.data / "demo"

    def run(self) -> int:
        """The exit code."""
        self._made.mkdir(parents=True, exist_ok=True)
        self._say(f"paidan: a server with a PostgreSQL and a NATS of its own, data in {self._plan.data}")
        server = self._serve()
        try:
            if not wait_until_serving(self._plan.listen, START_S):
                self._say(f"Expected the server to be ready, but it is not; see {self._made / 'server.log'}")
                return 3
            return self._show()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()

    def _show(self) -> int:
        plan = self._plan
        package, mapping = self._package()
        started = perf_counter()
        steps = (
            ("rules", "apply", str(self._rules()), "--reason", "demo"),
            ("agents", "apply", str(self._roster())),
            ("packages", "import", str(package), "--mapping", str(mapping), *self._kind()),
        )  # fmt: skip
        for step in steps:
            code = self._type(*step)
            if code:
                return code
        seconds = perf_counter() - started
        show_summary(self._console, plan.listen, plan.workspace, seconds, self._as_json)
        task = task_to_explain(plan.listen, plan.workspace)
        if task:
            self._type("history", str(task))
            self._type("explain", str(task))
        self._what_next(task)
        return 0

    def _serve(self) -> subprocess.Popen[bytes]:
        plan = self._plan
        options = ("--listen", plan.listen, "--data", str(plan.data), "--workspace", plan.workspace)
        with (self._made / "server.log").open("ab") as log:
            return subprocess.Popen(
                (sys.executable, "-m", self._program, "serve", *options),
                stdout=log, stderr=log, stdin=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip

    def _type(self, *words: str) -> int:
        """Run a command as if typed, and show it."""
        self._console.print(f"\n[bold]$ paidan {' '.join(words)}[/bold]", highlight=False, soft_wrap=True)
        options = ["--server", self._plan.listen, "--workspace", self._plan.workspace]
        command = typer.main.get_command(app)
        try:
            command.main([*words, *options, *(["--json"] if self._as_json else [])], "paidan", standalone_mode=True)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    def _rules(self) -> Path:
        """The example document, for the workspace that is served."""
        source = (self._plan.rules or RULES).read_text("utf-8")
        path = self._made / "rules.yaml"
        path.write_text(re.sub(r"(?m)^workspace:.*$", f"workspace: {self._plan.workspace}", source, count=1), "utf-8")
        return path

    def _kind(self) -> tuple[str, ...]:
        task_type = self._plan.task_type or TASK_TYPE
        business_type = self._plan.business_type or ("" if self._plan.task_type else BUSINESS_TYPE)
        return ("--task-type", task_type, "--business-type", business_type, "--segment", f"demo-{self._plan.seed}")

    def _roster(self) -> Path:
        if self._plan.roster is not None:
            return self._plan.roster
        path = self._made / "agents.yaml"
        agents = msgspec.to_builtins(roster(self._plan.agents, self._plan.seed))
        path.write_text(yaml.safe_dump({"agents": agents}, allow_unicode=True, sort_keys=False), "utf-8")
        return path

    def _package(self) -> tuple[Path, Path]:
        """The list and how to read it."""
        plan = self._plan
        mapping = plan.mapping or self._made / "mapping.yaml"
        if plan.mapping is None:
            fields = {name: value for name, value in msgspec.to_builtins(MAPPING).items() if value}
            mapping.write_text(yaml.safe_dump(fields, sort_keys=False), "utf-8")
        if plan.file is not None:
            return plan.file, mapping
        path = self._made / f"package-{plan.rows}-{plan.seed}.csv"
        write_package(path, plan.rows, plan.seed, plan.agents)
        return path, mapping

    def _what_next(self, task: int) -> None:
        options = "" if self._plan.workspace == "default" else f" --workspace {self._plan.workspace}"
        data = "" if str(self._plan.data) == ".paidan" else f" --data {self._plan.data}"
        lines = (
            f"\nAll of it is kept. Start the server again with\n\n  paidan serve{data}{options}\n",
            f"and in another terminal:\n\n  paidan stats{options}",
            f"  paidan tasks list --filter 'status = \"pooled\"' --limit 5{options}",
            f"  paidan explain {task or 1}{options}",
            f"  paidan events --from 1 --limit 20{options}",
            f"  paidan verify{options}\n",
            "Every dispatch is on NATS too, at the address that serve prints. Listen with\n",
            f"  python examples/subscribers/dispatch_events.py NATS_URL {self._plan.workspace}\n",
            "(in a checkout the program is .venv/bin/paidan)",
        )
        self._say("\n".join(lines))

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
