"""Rosters of agents read from YAML and CSV."""
