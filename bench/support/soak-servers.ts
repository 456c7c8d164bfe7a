// SPDX-License-Identifier: MIT

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type DecodedPoint } from "../../packages/exporter-datakit/test/support/decode.js";
import { FickleServer, type Mood } from "../../packages/exporter-datakit/test/support/fickle-server.js";

/** Moods a request meets, as often as they stand here. `refuse` is left out: what a server will never take is dropped. */
const usual: readonly Mood[] = [
  "ok",
  "ok",
  "ok",
  "ok",
  "slow",
  "busy",
  "tooMany",
  "broken",
  "garbage",
  "reset",
  "forget",
];
const seldom: Mood = "hang";

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!;

/** Sums of what a DataKit server took, each point once. */
export class Taken {
  points = 0;
  /** Came again, because the server took them and broke off before it said so. */
  copies = 0;
  readonly #seen = new Set<string>();
  readonly #sums = new Map<string, number>();

  add(points: readonly DecodedPoint[]): void {
    for (const { name, time, tags, fields } of points) {
      const key = JSON.stringify([name, time, tags, fields], (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      );
      if (this.#seen.has(key)) {
        this.copies++;
        continue;
      }
      this.#seen.add(key);
      this.points++;
      for (const [field, value] of Object.entries(fields)) {
        if (typeof value !== "bigint" && typeof value !== "number") continue;
        const sum = `${name} ${tags["transport"] ?? ""} ${tags["direction"] ?? ""} ${field}`;
        this.#sums.set(sum, (this.#sums.get(sum) ?? 0) + Number(value));
      }
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + 1);
    }
  }

  /** Points of a measurement, or the sum of a field: `httpflow tcp outgoing count`. */
  sum(what: string): number {
    return this.#sums.get(what) ?? 0;
  }
}

/** A DataKit server that mistreats what comes, and is away for half a minute now and then. */
export class MoodyServer {
  readonly taken = new Taken();
  readonly #server = new FickleServer();
  #timer: NodeJS.Timeout | undefined;
  #isCalm = false;
  absences = 0;

  async appear(): Promise<void> {
    this.#server.mood = () => (this.#isCalm ? "ok" : Math.random() < 0.01 ? seldom : pick(usual));
    await this.#server.appear();
    this.#timer = setInterval(() => this.#collect(), 1000);
  }

  get address(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  get requests(): number {
    return this.#server.seen.length;
  }

  async vanishFor(ms: number): Promise<void> {
    this.absences++;
    await this.#server.disappear();
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.#server.appear();
  }

  /** From now on it does what it should. */
  calm(): void {
    this.#isCalm = true;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#collect();
    await this.#server.disappear();
  }

  #collect(): void {
    this.taken.add(this.#server.taken.splice(0));
  }
}

/** An OTLP collector that fails at random; what it takes it forgets. */
export function moodyCollector(): Promise<{ url: string; calm(): void; close(): void }> {
  let isCalm = false;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const fate = isCalm ? 0 : Math.random();
      if (fate < 0.6) response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
      else if (fate < 0.8) response.writeHead(503).end();
      else if (fate < 0.9) response.writeHead(429, { "retry-after": "1" }).end();
      else response.socket?.destroy();
    });
    request.on("error", () => {});
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        calm: () => void (isCalm = true),
        close() {
          server.closeAllConnections();
          server.close();
        },
      }),
    ),
  );
}
