"""RuleService: puts rule documents in force and shows them."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

import asyncio
from time import perf_counter

from paidan.v1 import rules_pb2 as pb
from paidan.v1.rules_pb2_grpc import RuleServiceServicer

from adapters.grpc_api.checks import MAX_SOURCE, Checks
from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.failures import refused
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.rule_messages import (
    attribute_messages,
    move_message,
    rule_messages,
    rule_set_message,
    section_messages,
)
from adapters.grpc_api.services import Services
from engine.commands import ApplyRules
from engine.refusals import Refusal, precondition
from engine.rules.document import document as document_of

CURRENT = "current"
SLICE_S, REST_S = 0.003, 0.001
"""A document is read for so long, then the event loop belongs to others: a call takes several turns of it."""


class RuleService(RuleServiceServicer):
    """A dry run and a comparison compile whole documents, so both are done in another process."""

    def __init__(self, desk: Desk, reading: Reading, services: Services) -> None:
        self._desk, self._reading = desk, reading
        self._dry_run, self._audit = services.dry_run, services.audit
        self._reader = asyncio.Lock()
        """One document at a time is read, so that many do not share the loop with others as many."""

    async def ApplyRules(self, request: pb.ApplyRulesRequest, context: Context) -> pb.ApplyRulesResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        source = checks.text("source", request.source, MAX_SOURCE, required=True)
        reason = checks.text("reason", request.reason)
        checks.line("request_id", request.request_id)
        expected = request.expected_version if request.HasField("expected_version") else None
        checks.number("expected_version", expected or 0)
        checks.end()
        if request.validate_only:
            return await self._validated(source, expected)
        await self._read(source)
        answer = await self._desk.submit(ApplyRules(source, reason, expected), request.request_id, context)
        return pb.ApplyRulesResponse(
            name=self._name(answer.number), version=answer.number or 0, position=answer.position, changed=answer.changed
        )

    async def GetRuleSet(self, request: pb.GetRuleSetRequest, context: Context) -> pb.GetRuleSetResponse:
        checks = self._desk.checks()
        version = self._version(checks, request.name)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        row, position = await self._reading.rule_set(version, minimum, context)
        return pb.GetRuleSetResponse(rule_set=rule_set_message(self._name(row.version), row), position=position)

    async def ListRuleSets(self, request: pb.ListRuleSetsRequest, context: Context) -> pb.ListRuleSetsResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.page(request)
        checks.end()
        page = await self._reading.rule_sets(request, context)
        return pb.ListRuleSetsResponse(
            rule_sets=[rule_set_message(self._name(row.version), row) for row in page.rows],
            next_page_token=page.next_page_token,
            position=page.position,
        )

    async def DiffRuleSets(self, request: pb.DiffRuleSetsRequest, context: Context) -> pb.DiffRuleSetsResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.number("from_version", request.from_version)
        checks.number("to_version", request.to_version)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        after, position = await self._reading.rule_set(request.to_version, minimum, context)
        before = ""
        if request.from_version:
            before = (await self._reading.rule_set(request.from_version, minimum, context))[0].source
        changes = await self._audit.compare(before, after.source)
        return pb.DiffRuleSetsResponse(
            from_version=request.from_version,
            to_version=after.version,
            rule_changes=rule_messages(changes),
            attribute_changes=attribute_messages(changes),
            position=position,
            order_changed=changes.order_changed,
            section_changes=section_messages(changes),
        )

    async def _read(self, source: str) -> None:
        """A thousand rules take a second to read: others are served meanwhile, and the decision finds them read."""
        async with self._reader:
            document, since = document_of(source), perf_counter()
            while document.read_on():
                if perf_counter() - since > SLICE_S:
                    await asyncio.sleep(REST_S)
                    since = perf_counter()

    async def _validated(self, source: str, expected: int | None) -> pb.ApplyRulesResponse:
        found = await self._dry_run(source)
        if isinstance(found, Refusal):
            raise refused(found)
        if expected is not None and expected != found.version:
            message = f"Expected version {expected} to be in force, but it is {found.version}; look at that one first"
            raise refused(precondition("RULES_MOVED_ON", message))
        return pb.ApplyRulesResponse(
            name=self._name(found.version) if found.version else "",
            version=found.version,
            position=found.position,
            changed=not found.changes.empty,
            rule_changes=rule_messages(found.changes),
            attribute_changes=attribute_messages(found.changes),
            moves=map(move_message, found.moves),
            waiting_tasks=found.waiting,
            order_changed=found.changes.order_changed,
            section_changes=section_messages(found.changes),
        )

    def _version(self, checks: Checks, name: str) -> int:
        """0: the one in force."""
        return 0 if name == self._desk.name("ruleSets", CURRENT) else checks.number_in("ruleSets", name)

    def _name(self, version: int | None) -> str:
        return self._desk.name("ruleSets", version)
