"""Questions that read the whole log: verify, explain, dry run, simulate. Each runs in a process of its own."""
