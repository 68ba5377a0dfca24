"""Statistics and a task's history over the view of work, as single statements."""

from __future__ import annotations

COUNTS = "SELECT type, business_type, rule, status, tasks FROM counts ORDER BY type, business_type, rule, status"

SPREAD = """
SELECT rule, count(*), sum(tasks)::bigint, min(tasks), max(tasks) FROM loads GROUP BY rule ORDER BY rule
"""
