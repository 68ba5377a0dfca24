"""What a message on ``paidan.<workspace>.in.tasks`` may say.

A task as JSON; or the same as the ``data`` of a CloudEvent, in structured mode (``Content-Type:
application/cloudevents+json``) or in binary mode (headers ``ce-…``). Fields nobody knows are refused by name.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Word = Annotated[str, Meta(max_length=128)]
Named = Word | None
"""Empty or null: there is none."""
Text = Annotated[str, Meta(max_length=4_096)]
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Members = Annotated[list[Text | Whole], Meta(max_length=1_000)]


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Personal data, where the work needs it. It comes out masked."""

    name: Named = None
    mobile: Named = None
    id_card: Named = None


class NewTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Asks to create one task."""

    task_type: Annotated[str, Meta(min_length=1, max_length=128)]
    business_type: Named = None
    attributes: Annotated[dict[Word, Text | Whole | float | bool | Members | None], Meta(max_length=200)] = {}
    """As the rules declare them. A list holds texts, or whole numbers."""
    customer: Named = None
    owner: Named = None
    """Account manager: an agent id."""
    region: Named = None
    priority: Annotated[int, Meta(ge=0, le=100)] | None = None
    """Larger is more urgent; absent: that of its type."""
    person: NewPerson | None = None


class TaskEvent(msgspec.Struct, frozen=True):
    """A CloudEvent that asks to create one task. Its ``type`` and further attributes are its sender's business."""

    specversion: str
    id: str
    """With ``source`` it makes a repeat harmless."""
    source: str
    data: msgspec.Raw
    datacontenttype: str = "application/json"
    correlationid: str = ""
    traceparent: str = ""
