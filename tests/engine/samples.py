"""One example of every event, with no field left at its default: what the golden files hold."""

from __future__ import annotations

from engine import events as ev
from engine.rules.model import (
    Calendar,
    Callback,
    Channel,
    EscalationStep,
    Feedback,
    FormField,
    Handover,
    Offer,
    Relax,
    Rule,
    RuleSet,
    Sla,
    TaskType,
    WrapUp,
)

_STEPS = (
    EscalationStep("resolve_within", 80, 10, "agent.level >= 3", "duty", True),
    EscalationStep(after_ms=5_000, notify="duty"),
)
_FEEDBACK = Feedback("escalate", 20, 9_000, "other", 2)
_WRAP_UP = WrapUp("loan", ("note",))
_RULE = Rule(
    "overdue-east", "Overdue, east", "follow_up", "loan", 'task.region == "JS"', 10, "claim", ("owner", "weighted"),
    'agent.team == "east"', (Relax(600_000, "true"),), 50, 900_000, 7_200_000, 3, Sla(60_000, 120_000), _STEPS,
    Handover(5, 2), 3_600_000, _WRAP_UP, _FEEDBACK, Offer(30_000, 5), "keep", ("region",),
)  # fmt: skip
_CALENDAR = Calendar(
    "Asia/Shanghai", (((540, 720), (780, 1080)), (), (), (), (), ((540, 720),), ()), "CN", ("2026-10-08",),
    ("2026-10-10",),
)  # fmt: skip
_FORM = {"product": FormField("string", True, ("car", "house"), 9)}
_TYPE = TaskType(
    _FORM, 30, Sla(60_000, 120_000), "office", Callback("https://x/y", None, "desk", 9_000, 5, 2_000),
    Channel(None, "crm.results", "desk", 9_000, 5, 3_000), _STEPS, Handover(5, 2), _FEEDBACK, Offer(30_000, 5), _WRAP_UP,
)  # fmt: skip
_RULE_SET = RuleSet(
    "bank", {"zone": "string"}, {"skills": "list(string)"}, (_RULE,), {"office": _CALENDAR},
    {"loan": {"note": FormField("string", True, (), 500)}}, {"follow_up": _TYPE},
)  # fmt: skip
_AGENT = ev.AgentSpec("ann", "Ann", "east", 20, 2, {"skills": ("loan", "card"), "level": 3}, "busy")
_DELIVERY = ev.Delivery(Channel("https://x/z", None, "desk", 9_000, 5, 3_000), 1_700_003_700_000)
_ROW = ev.TaskRow(2, "c1", "ann", "JS", 7, ("a", 31, 0.5, True, None, ("x",)))
_COLUMNS = ("segment", "days", "score", "vip", "gone", "tags")
_PERSON = ev.Person("Li Lei", "13800000000", "110101199003070000")
_MAPPING = ev.ColumnMapping(
    "cust", "name", "tel", "id", "manager", "area", "prio", {"days": "DPD"}, {"days": "int"}, ";", "/", "gb18030"
)

SAMPLES: tuple[ev.Event, ...] = (
    ev.RuleSetApplied(2, "workspace: bank\n", _RULE_SET, "spring"),
    ev.AgentsRegistered((_AGENT,)),
    ev.AgentsRemoved(("ann", "bob")),
    ev.AgentPresenceChanged("ann", "away", "lunch"),
    ev.PackageRegistered(3, "seg-9", "file:///x.csv", "x.csv", "ab12", 99, "follow_up", "loan", _MAPPING, 5),
    ev.PackageParsingStarted(3),
    ev.TasksImported(
        3,
        1,
        8,
        "follow_up",
        "loan",
        _COLUMNS,
        (_ROW,),
        (_PERSON,),
        (ev.RejectedRow(4, "DPD", "not an int", "x;y", "Li Lei"),),
    ),
    ev.PackageParsed(3, 10, 1),
    ev.PackageDistributing(3, 2),
    ev.PackageDistributed(3, 8, {"all_at_capacity": 2}),
    ev.PackageFailed(3, "Expected text, but it is a picture"),
    ev.PackageWithdrawn(3, "wrong list"),
    ev.TaskCreated(9, "follow_up", "loan", _COLUMNS, _ROW, _PERSON),
    ev.TasksPooled(
        2, (ev.Placement("overdue-east", (8, 9), ("JS", None, 3)), ev.Placement(None, (10,), ("x",))), 3, 10
    ),
    ev.TasksRelaxed("overdue-east", 1, (8, 9)),
    ev.TasksAllocated(
        4,
        2,
        ("ann",),
        ("overdue-east",),
        (ev.Pick("owner", ("last_agent: none",)),),
        (8,),
        (0,),
        (0,),
        (0,),
        ("ann",),
        (8,),
        (1_700_000_030_000,),
    ),
    ev.PoolStalled("overdue-east", 1, "nobody_available", 7, ("JS",)),
    ev.TaskClaimed(8, "ann", "overdue-east", 2, 3, True),
    ev.OfferAccepted(8, "ann", 41),
    ev.OffersReturned((8, 9), ("ann", "bob"), "rejected", "does not speak it"),
    ev.TaskStarted(8, "ann", 41),
    ev.TaskCompleted(
        8, "ann", 41, {"note": "paid"}, 3, 1_700_000_600_000, 1_700_003_600_000, 1_700_009_000_000, _DELIVERY
    ),
    ev.TasksCancelled((8, 9), ("ann", ""), "wrong number", 3, 9, (9,), (8,)),
    ev.TaskReassigned(8, "bob", "ann", "overdue-east", 2, "ill", 3, True),
    ev.TasksRecycled((8, 9), ("ann", "bob"), "not_started"),
    ev.TasksHandedOver("ann", (8, 9), (12, 100), "too hard", "bob", "overdue-west"),
    ev.TasksEscalated((8,), "recycle_limit"),
    ev.DeadlinesSet((8, 9), 1_000, 2_000, (ev.DueStep(1_600, 1, _STEPS[0]),)),
    ev.EscalationStepTaken((8, 9), ("ann", ""), 1, _STEPS[0], (10, 100), (8,)),
    ev.TaskReprioritised(8, 90, 7, "ann", "the mayor calls"),
    ev.TaskDeadlinesChanged(
        8, 3_000, 4_000, ("resolve_by",), (ev.DueStep(3_600, 1, _STEPS[0]),), "ann", "he travels until then"
    ),
    ev.TaskCommented(8, "he called twice", "ann"),
    ev.TasksMerged(8, (9, 10), ("ann", ""), 90, 7, "bob", "the same call", (3, 0), (10,), (9,)),
    ev.TaskLocked(8, "ann", 41, 1_700_000, "calls back at five"),
    ev.TaskUnlocked(8, "ann", 41, "ended"),
    ev.FeedbackGiven(8, "ann", False, 2, "still broken", 1_700_009_000_000),
    ev.TaskReopened(8, "ann", 70, "unsatisfied", "same", "ann", "away", 3),
    ev.TasksClosed((8, 9), "silence"),
    ev.CallbacksStarted((8, 9), Callback("https://x/y", None, "desk", 9_000, 5, 2_000), 1_700_000_700_000, 3, 9),
    ev.CallbackSucceeded(8, 41, {"balance": "12"}, 2, 3, 1_700_000_600_000, 1_700_003_600_000, _DELIVERY),
    ev.CallbacksFailed((8, 9), "failed", "HTTP 503", 3, 3),
    ev.ResultDelivered(8, 41, 2),
    ev.ResultUndelivered(8, 41, "HTTP 503", 8),
    ev.CommandRefused("StartTask", "stale", "STALE_GRANT", "Expected grant 1", 8, "ann"),
    ev.CommandHadNoEffect("RegisterPackage", 1, "ann"),
)
