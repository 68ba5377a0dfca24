"""What an operator sees of a running process: logs, metrics, traces, readiness."""
