// The main job by gRPC: rules, a roster and a package go in; who got what comes out; one task is claimed and done.
//
//   node client.mjs [HOST:PORT] [WORKSPACE]
import { readFileSync } from "node:fs";

import { Paidan, details, value } from "./paidan.mjs";

const [address = "127.0.0.1:7411", workspace = "default"] = process.argv.slice(2);
const parent = `workspaces/${workspace}`;
const examples = new URL("../", import.meta.url);
const server = new Paidan(address, "node-example", { notice: (text) => console.error(text) });

const agent = (agent_id, team, level, regions, skills) => ({
  agent_id, team, capacity: 30,
  attributes: { level: value(level), regions: value(regions), skills: value(skills), languages: value(["zh"]) },
});
const roster = [
  agent("chen-jing", "east", 3, ["JS", "ZJ"], ["loan", "private"]),
  agent("lin-wei", "east", 2, ["JS"], ["loan"]),
  agent("he-lei", "north", 1, ["BJ", "HB"], ["loan"]),
  agent("ma-li", "screening", 1, [], ["loan"]),
];
const mapping = {
  customer: "customer_no", person_name: "name", mobile: "mobile", id_card: "id_card",
  owner: "account_manager", region: "region", priority: "priority",
  attributes: Object.fromEntries(
    ["overdue_days", "segment", "product", "phone_status", "language"].map((name) => [name, name]),
  ),
};

async function setUp() {
  const source = readFileSync(new URL("rules/retail-bank.yaml", examples), "utf8");
  const own = source.replace(/^workspace:.*$/m, `workspace: ${workspace}`);
  const rules = await server.command(server.rules, "ApplyRules", { parent, source: own, reason: "from Node" });
  console.log(`rules: version ${rules.version}`);
  await server.command(server.agents, "ApplyRoster", { parent, agents: roster });
  console.log(`roster: ${roster.length} agents`);
}

async function importPackage() {
  const spec = { task_type: "follow_up", business_type: "consumer_loan", mapping };
  const list = readFileSync(new URL("packages/overdue.csv", examples));
  const { name, position } = await server.upload({ parent, file_name: "overdue.csv", spec }, [list]);
  let last;
  for await (last of server.watch(name, position));
  const { status, rows, distributed, not_distributed } = last.package;
  const waiting = Object.entries(not_distributed).map(([reason, count]) => `${count} ${reason}`);
  console.log(`${name}: ${status}, ${distributed} of ${rows} rows to agents, waiting: ${waiting.sort().join(", ")}`);
  return last.position;
}

/** All pages; `min_position` makes sure that they show what was done before. */
async function listTasks(min_position) {
  const wanted = { parent, filter: 'status = "assigned" AND region = "JS"', order_by: "number", page_size: 3 };
  let page = { next_page_token: "" };
  do {
    page = await server.ask(server.tasks, "ListTasks", { ...wanted, min_position, page_token: page.next_page_token });
    for (const task of page.tasks) console.log(`task ${task.number}: ${task.agent} by ${task.picked_by}`);
  } while (page.next_page_token);
}

async function workOnOne() {
  await server.command(server.tasks, "CreateTask", { parent, task_type: "complaint", customer: "C00000021" });
  const { name, number, grant } = await server.command(server.tasks, "ClaimTask", { parent, agent: "chen-jing" });
  console.log(`claimed: task ${number} under grant ${grant}`);
  await server.command(server.tasks, "StartTask", { name, agent: "chen-jing", grant });
  const wrap_up = { cause: "fee", disposition: "refunded", note: "called back" };
  const done = await server.command(server.tasks, "CompleteTask", { name, agent: "chen-jing", grant, wrap_up });
  const { task } = await server.ask(server.tasks, "GetTask", { name, min_position: done.position });
  console.log(`completed: task ${task.number} is ${task.status}, cause ${task.wrap_up.cause}`);
}

async function beRefused() {
  await server.command(server.tasks, "CreateTask", { parent, task_type: "complaint", customer: "C00000022" });
  const { name, grant } = await server.command(server.tasks, "ClaimTask", { parent, agent: "lin-wei" });
  await server.command(server.tasks, "ReassignTask", { name, agent: "chen-jing", grant, reason: "lin-wei is ill" });
  await refused("StartTask", { name, agent: "lin-wei", grant });
  await refused("ClaimTask", { parent, agent: "" });
}

async function refused(method, request) {
  try {
    await server.command(server.tasks, method, request);
  } catch (error) {
    const { code, reason, violations } = details(error);
    const fields = violations.map(({ field, description }) => `; ${field}: ${description}`);
    console.log(`refused: ${code} ${reason}${fields.join("")}`);
  }
}

try {
  await setUp();
  await listTasks(await importPackage());
  await workOnOne();
  await beRefused();
} catch (error) {
  console.error(`${error.details ?? error.stack}`, details(error));
  process.exitCode = 1;
} finally {
  server.close();
}
