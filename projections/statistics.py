"""Statistics over the view of work, as single statements."""

from __future__ import annotations

from projections.work_lists import STATUS

COUNTS = f"""
SELECT t.type, t.business_type, coalesce(p.rule, '') AS rule, {STATUS} AS status, count(*) FROM tasks t
LEFT JOIN waiting w ON w.task = t.number LEFT JOIN assignments a ON a.task = t.number AND a.last
LEFT JOIN poolings p ON p.id = coalesce(w.pooling, a.pooling, t.pooling)
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

SPREAD = """
SELECT rule, count(*), sum(tasks)::bigint, min(tasks), max(tasks) FROM loads GROUP BY rule ORDER BY rule
"""

TASK_POSITIONS = """
SELECT unnest(t.position || p.trail) FROM tasks t LEFT JOIN waiting w ON w.task = t.number
    LEFT JOIN assignments a ON a.task = t.number AND a.last
    LEFT JOIN poolings p ON p.id = coalesce(w.pooling, a.pooling, t.pooling) WHERE t.number = %(task)s
UNION SELECT unnest(positions) FROM assignments WHERE task = %(task)s
UNION SELECT position FROM refusals WHERE task = %(task)s
UNION SELECT ended_by FROM tasks WHERE number = %(task)s AND ended_by > 0
ORDER BY 1
"""
"""Positions of every event that concerns a task."""
