// SPDX-License-Identifier: MIT

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { decodePoints, type DecodedPoint } from "./decode.js";

/** What a server may do to a request. `took` says whether it has the points although the sender cannot know. */
export const moods = {
  ok: { took: true, answer: (response) => void response.end() },
  slow: { took: true, answer: (response) => void setTimeout(() => response.end(), 30) },
  busy: { took: false, answer: (response) => void response.writeHead(503, { "retry-after": "0" }).end("later") },
  tooMany: { took: false, answer: (response) => void response.writeHead(429).end() },
  broken: { took: false, answer: (response) => void response.writeHead(500).end("x".repeat(100_000)) },
  garbage: { took: false, answer: (response) => void response.socket?.end("\u0000\u0001 what?\r\n\r\n") },
  reset: { took: false, answer: (response) => void response.socket?.resetAndDestroy() },
  hang: { took: false, answer: () => {} },
  refuse: { took: false, answer: (response) => void response.writeHead(400).end("no") },
  /** It took the points and broke off before it said so: they will come again. */
  forget: { took: true, answer: (response) => void response.socket?.destroy() },
} satisfies Record<string, { took: boolean; answer(response: ServerResponse): void }>;

export type Mood = keyof typeof moods;

/** A DataKit server with moods that can go away and come back at the same port. */
export class FickleServer {
  readonly taken: DecodedPoint[] = [];
  readonly seen: Mood[] = [];
  mood: () => Mood = () => "ok";
  port = 0;
  #server: Server | undefined;

  async appear(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async disappear(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      return; // the sender went away
    }
    const name = this.mood();
    this.seen.push(name);
    const { took, answer } = moods[name];
    if (took) this.taken.push(...decodePoints(Buffer.concat(parts)));
    answer(response);
  }
}
