"""Calls to the outside, for the connector process: asks before people are asked, and tells how work ended.

Read in this order: ``bodies`` (what is sent), ``signing`` (how it is signed), ``port`` (the server as this package sees
it), ``answers`` (what an answer means), ``http_transport`` and ``nats_transport`` (one attempt), ``attempts`` (all of
them), ``lanes`` (how many at a time), ``outbound`` (how they come together). docs/outbound.md is the page for those
who are called.
"""
