"""The log and its one writer: events in PostgreSQL, group commit, ownership of the workspace."""
