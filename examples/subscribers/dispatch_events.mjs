// Prints what is dispatched in a workspace, as a durable subscriber: started again, it goes on where it was.
//
//   npm install && node dispatch_events.mjs [NATS_URL] [WORKSPACE] [AGENT]
//
// With AGENT only what that agent is given, and what is taken from him. Which subjects there are: docs/events.md.
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";

const [url = "nats://127.0.0.1:4222", workspace = "default", agent = ""] = process.argv.slice(2);
const token = encodeURIComponent(agent).replace(/[.!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const subject = agent ? `paidan.${workspace}.*.*.${token}.*` : `paidan.${workspace}.>`;
const stream = `paidan-${workspace}`;
const name = `example-node-${token.replaceAll("%", "_") || "all"}`;

const client = await connect({ servers: url, maxReconnectAttempts: -1 });
const manager = await jetstreamManager(client);
await manager.consumers.add(stream, {
  durable_name: name, filter_subject: subject, ack_policy: AckPolicy.Explicit, ack_wait: nanos(5_000),
  max_ack_pending: 1, // more, where order is no matter
});
const consumer = await jetstream(client).consumers.get(stream, name);

// One fact at a time, in order. An id that comes twice (the ack did not arrive) is the same fact.
for await (const message of await consumer.consume()) {
  const fact = message.json();
  console.log(fact.id, fact.type, fact.subject, JSON.stringify(fact.data ?? fact.dataref));
  message.ack();
}
