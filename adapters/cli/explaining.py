"""An explanation for people: the decision, then the rules that were asked, then the agents."""

from __future__ import annotations

from paidan.v1.audit_pb2 import AgentVerdict, ExplainTaskResponse

from adapters.cli.rendering import Column, field, show_table
from adapters.cli.session import Session

MAX_AGENTS = 30


def show_explanation(session: Session, found: ExplainTaskResponse) -> None:
    """In plain words, with what stands behind them."""
    session.say(found.summary)
    if found.decision_position:
        same = "comes out the same" if found.confirmed else "COMES OUT DIFFERENTLY"
        session.say(f"Decided at position {found.decision_position}; made again from the log, the decision {same}.")
    if found.passed:
        session.say("Passed over: " + "; ".join(found.passed))
    for said in found.interventions:
        session.say(said)
    _show_rules(session, found)
    _show_agents(session, found)


def _show_rules(session: Session, found: ExplainTaskResponse) -> None:
    if found.rules:
        session.say(f"\nRules of version {found.rule_set_version}, in the order they are asked:")
    for verdict in found.rules:
        session.say(f"  {'*' if verdict.matches else ' '} {verdict.rule}: {verdict.reason}")


def _show_agents(session: Session, found: ExplainTaskResponse) -> None:
    if not found.agents:
        return
    agents = sorted(found.agents, key=lambda verdict: (not verdict.chosen, not verdict.eligible))
    columns: list[Column] = [
        ("", _mark), ("agent", field("agent")), ("held#", lambda verdict: str(verdict.load)), ("why", field("reason")),
    ]  # fmt: skip
    show_table(agents[:MAX_AGENTS], columns, "")
    if len(agents) > MAX_AGENTS:
        session.say(f"and {len(agents) - MAX_AGENTS} more agents; all of them with --json")


def _mark(verdict: AgentVerdict) -> str:
    return "chosen" if verdict.chosen else "possible" if verdict.eligible else "out"
