"""A year of a real service desk, lived through again by a running server; see docs/incidents.md."""
