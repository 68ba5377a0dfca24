"""What Paidan costs, measured beside floors and peers in the same run: ``make bench`` and ``make bench-scale``."""
