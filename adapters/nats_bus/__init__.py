"""Dispatch events on NATS: the publisher process tails the log into a JetStream stream, one message a fact.

Read in this order: ``facts`` (what is published), ``fan_out`` (which facts an event holds), ``subjects`` and
``cloud_events`` (what a message looks like), ``stream`` and ``batches`` (how it gets there once), ``publisher``.
docs/events.md is the page for subscribers.

The other way, for the connector process: ``intake_message`` and ``intake_reading`` (what may be sent in),
``intake_port`` (the server as the intake sees it), ``intake_streams`` and ``intake_line`` (NATS), ``intake`` (how they
come together).
"""
