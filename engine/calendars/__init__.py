"""Business calendars: when time counts, and when a limit counted in working time falls due."""

from engine.calendars.working_time import due, working

__all__ = ["due", "working"]
