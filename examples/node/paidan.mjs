// Stubs made from the .proto files, and the two things every client of Paidan wants: a repeat that is harmless, and a
// refusal that can be read.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const here = fileURLToPath(new URL(".", import.meta.url));
const contract = fileURLToPath(new URL("../../proto", import.meta.url));
const files = ["rules", "agents", "packages", "tasks", "audit"].map((name) => `paidan/v1/${name}.proto`);
// Positions and grants are int64: as strings they stay exact, whatever their size.
const options = { includeDirs: [contract, here], keepCase: true, longs: String, enums: String, defaults: true };
const { paidan, google } = grpc.loadPackageDefinition(loadSync([...files, "google/rpc/status.proto"], options));
const { ErrorInfo, RetryInfo, BadRequest, Status } = google.rpc;

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

export class Paidan {
  /** One server (`host:port`), asked in the name of `actor`; requests are repeated for `patienceMs` while it is away. */
  constructor(address, actor, { patienceMs = 30_000, notice = () => {} } = {}) {
    const stub = (Service) => new Service(address, grpc.credentials.createInsecure());
    this.rules = stub(paidan.v1.RuleService);
    this.agents = stub(paidan.v1.AgentService);
    this.packages = stub(paidan.v1.PackageService);
    this.tasks = stub(paidan.v1.TaskService);
    this.metadata = new grpc.Metadata();
    this.metadata.set("paidan-actor", actor);
    this.patienceMs = patienceMs;
    this.notice = notice;
  }

  /** A command. Its request id makes a repeat harmless: whatever became of the first try, its answer comes back. */
  command(stub, method, request) {
    return this.ask(stub, method, { request_id: randomUUID(), ...request });
  }

  /** The answer to one request. Throws a ServiceError for a refusal, or when the server stays away. */
  async ask(stub, method, request) {
    const end = Date.now() + this.patienceMs;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return await this.once(stub, method, request);
      } catch (error) {
        if (error.code !== grpc.status.UNAVAILABLE || Date.now() + wait > end) throw error;
        this.notice(`${method}: ${error.details}; once more with the same request id`);
        await sleep(details(error).retryMs || wait);
      }
    }
  }

  once(stub, method, request) {
    return new Promise((done, failed) => {
      const deadline = Date.now() + this.patienceMs;
      stub[method](request, this.metadata, { deadline }, (error, answer) => (error ? failed(error) : done(answer)));
    });
  }

  /** A list sent over in parts; repeated as a whole while the server is away. */
  upload(header, parts) {
    const whole = { request_id: randomUUID(), ...header };
    const send = { UploadPackage: (_, metadata, call, done) => this.#send(whole, parts, metadata, call, done) };
    return this.ask(send, "UploadPackage", whole);
  }

  #send(header, parts, metadata, call, done) {
    const stream = this.packages.UploadPackage(metadata, call, done);
    stream.write({ header });
    for (const data of parts) stream.write({ data });
    stream.end();
  }

  /** The package, with the position it was seen at, each time it has come further; ends when it is at rest. */
  watch(name, position) {
    return this.packages.WatchPackage({ name, min_position: position }, this.metadata);
  }

  close() {
    for (const stub of [this.rules, this.agents, this.packages, this.tasks]) stub.close();
  }
}

/** Why a call was refused: a stable `reason` for programs, `violations` for each wrong field, `retryMs` if it pays. */
export function details(error) {
  const found = { code: grpc.status[error.code], reason: "", violations: [], retryMs: 0 };
  const [packed] = error.metadata?.get("grpc-status-details-bin") ?? [];
  for (const { type_url, value } of packed ? Status.deserialize(packed).details : []) {
    if (type_url.endsWith("/google.rpc.ErrorInfo")) found.reason = ErrorInfo.deserialize(value).reason;
    if (type_url.endsWith("/google.rpc.BadRequest")) found.violations = BadRequest.deserialize(value).field_violations;
    if (type_url.endsWith("/google.rpc.RetryInfo")) found.retryMs = milliseconds(RetryInfo.deserialize(value));
  }
  return found;
}

function milliseconds({ retry_delay }) {
  return Number(retry_delay.seconds) * 1_000 + retry_delay.nanos / 1e6;
}

/** An attribute's value as the contract wants it: whole numbers and texts, alone or in lists. */
export function value(given) {
  if (Array.isArray(given)) return { strings: { values: given } };
  return typeof given === "number" ? { int_value: given } : { string_value: given };
}
