"""decide(state, order, context) -> events, a refusal, or an answer that needs no event. It changes nothing.

Every business rule of Paidan stands in this package, one function a command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import commands as cmd
from engine.answers import Answer
from engine.decide import (
    agents,
    allocation,
    arriving,
    batches,
    calls,
    feedback,
    handover,
    locks,
    merging,
    offers,
    packages,
    pooling,
    rules,
    settling,
    supervising,
    tasks,
    timers,
)
from engine.decide.context import Context
from engine.decide.repeats import fingerprint_of, repeated
from engine.events import CommandHadNoEffect, CommandRefused, Event
from engine.refusals import ON_RECORD, Refusal
from engine.state import State

__all__ = ["DECIDE", "Context", "Decision", "decide", "fingerprint_of"]

Decision = list[Event] | Refusal | Answer

DECIDE: dict[type[cmd.Command], Callable[[State, Any, Context], Decision]] = {
    cmd.ApplyRules: rules.apply_rules,
    cmd.ApplyRoster: agents.apply_roster,
    cmd.SetPresence: agents.set_presence,
    cmd.RegisterPackage: packages.register,
    cmd.StartParsing: packages.start_parsing,
    cmd.ImportRows: packages.import_rows,
    cmd.FinishParsing: packages.finish_parsing,
    cmd.FailPackage: packages.fail,
    cmd.WithdrawPackage: packages.withdraw,
    cmd.SweepPackage: packages.sweep,
    cmd.PoolPackage: arriving.pool_package,
    cmd.RepoolTasks: pooling.repool,
    cmd.Tick: timers.tick,
    cmd.AllocateTasks: allocation.allocate,
    cmd.SettlePackages: settling.settle,
    cmd.CreateTask: tasks.create,
    cmd.CreateTasks: batches.create_all,
    cmd.ClaimTask: tasks.claim,
    cmd.AcceptOffer: offers.accept,
    cmd.RejectOffer: offers.reject,
    cmd.StartTask: tasks.start,
    cmd.CompleteTask: tasks.complete,
    cmd.CancelTask: tasks.cancel,
    cmd.ReassignTask: tasks.reassign,
    cmd.HandOverTasks: handover.hand_over,
    cmd.ReprioritiseTask: supervising.reprioritise,
    cmd.ChangeDeadlines: supervising.change_deadlines,
    cmd.CommentTask: supervising.comment,
    cmd.MergeTasks: merging.merge,
    cmd.LockTask: locks.lock,
    cmd.UnlockTask: locks.unlock,
    cmd.GiveFeedback: feedback.give,
    cmd.FinishCallback: calls.finish_callback,
    cmd.FinishDelivery: calls.finish_delivery,
}


def decide(state: State, order: cmd.Order, context: Context) -> Decision:
    """The whole decision on one command, repeats and refusals on record included."""
    known = repeated(state, order)
    if known is not None:
        return known
    decision = DECIDE[type(order.command)](state, order.command, context)
    if isinstance(decision, Refusal) and order.request and decision.kind in ON_RECORD:
        return [_on_record(order.command, decision)]
    if isinstance(decision, Answer) and order.request:
        return [CommandHadNoEffect(type(order.command).__name__, decision.number, decision.agent)]
    return decision


def _on_record(command: cmd.Command, refusal: Refusal) -> CommandRefused:
    name = type(command).__name__
    return CommandRefused(name, refusal.kind, refusal.reason, refusal.message, refusal.task, refusal.agent)
