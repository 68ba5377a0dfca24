"""Sends one task to Paidan over NATS. Sent twice under the same id, it is one task all the same.

python send_task.py [NATS_URL] [WORKSPACE] [ID] [TASK_AS_JSON]        # needs: pip install nats-py
"""

import asyncio
import sys

import nats

given = ["nats://127.0.0.1:4222", "default", "crm-4711", '{"task_type": "errand", "customer": "C-1", "priority": 50}']
url, workspace, name, task = (*sys.argv[1:], *given[len(sys.argv) - 1 :])


async def main() -> None:
    """Returns once the message is stored: from then on it will become a task, or a dead letter with a reason."""
    client = await nats.connect(url)
    subject = f"paidan.{workspace}.in.tasks"
    stored = await client.jetstream().publish(subject, task.encode(), headers={"Nats-Msg-Id": name})
    print(stored.seq, "again" if stored.duplicate else "new")
    await client.close()


if __name__ == "__main__":
    asyncio.run(main())
