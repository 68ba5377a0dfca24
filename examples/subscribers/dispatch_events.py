"""Prints what is dispatched in a workspace, as a durable subscriber: started again, it goes on where it was.

    python dispatch_events.py [NATS_URL] [WORKSPACE] [AGENT]        # needs: pip install nats-py

With AGENT only what that agent is given, and what is taken from him. Which subjects there are: docs/events.md.
"""

import asyncio
import json
import sys
from urllib.parse import quote

import nats
from nats.js.api import ConsumerConfig

url, workspace, agent = (*sys.argv[1:], *["nats://127.0.0.1:4222", "default", ""][len(sys.argv) - 1 :])
token = quote(agent, safe="").replace(".", "%2E")
subject = f"paidan.{workspace}.*.*.{token}.*" if agent else f"paidan.{workspace}.>"
name = f"example-{token.replace('%', '_') or 'all'}"


async def main() -> None:
    """One fact at a time, in order. An id that comes twice (the ack did not arrive) is the same fact."""
    client = await nats.connect(url, max_reconnect_attempts=-1)
    config = ConsumerConfig(filter_subject=subject, ack_wait=5, max_ack_pending=1)  # more, where order is no matter
    facts = await client.jetstream().pull_subscribe(subject, name, f"paidan-{workspace}", config)
    while True:
        try:
            messages = await facts.fetch(1, timeout=5)
        except (nats.errors.Error, TimeoutError):
            continue  # nothing new, or NATS is away: it is asked again
        for message in messages:
            fact = json.loads(message.data)
            print(fact["id"], fact["type"], fact["subject"], fact.get("data", fact.get("dataref")), flush=True)
            await message.ack()


if __name__ == "__main__":
    asyncio.run(main())
