"""Statistics and a task's history over the view of work, as single statements."""

from __future__ import annotations

COUNTS = "SELECT type, business_type, rule, status, tasks FROM counts ORDER BY type, business_type, rule, status"

SPREAD = """
SELECT rule, count(*), sum(tasks)::bigint, min(tasks), max(tasks) FROM loads GROUP BY rule ORDER BY rule
"""

TASK_POSITIONS = """
SELECT unnest(t.position || p.trail) FROM tasks t LEFT JOIN waiting w ON w.task = t.number
    LEFT JOIN assignments a ON a.task = t.number AND a.last LEFT JOIN endings e ON e.task = t.number
    LEFT JOIN poolings p ON p.id = coalesce(w.pooling, a.pooling, e.pooling) WHERE t.number = %(task)s
UNION SELECT unnest("grant" || later) FROM assignments WHERE task = %(task)s
UNION SELECT position FROM refusals WHERE task = %(task)s
UNION SELECT ended_by FROM endings WHERE task = %(task)s
ORDER BY 1
"""
"""Positions of every event that concerns a task."""
