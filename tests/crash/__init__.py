"""The crash test: load, kills at any moment, and a checker that believes only the clients, the log and the stream.

Read ``running`` (how it goes), ``load`` and ``killing`` (what is done), ``history`` (what is kept of it), and the
``check_*`` modules (what must hold). ``python -m tests.crash --kills 200 --seed 1`` is the long variant.
"""
