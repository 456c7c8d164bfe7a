// SPDX-License-Identifier: MIT
// What tshark sees of the same traffic: another program's opinion, from packets alone.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Messages of one connection in the order tshark saw them complete. */
export interface Dissected {
  readonly requests: { readonly method: string; readonly target: string }[];
  /** Status codes, interim ones left out. */
  readonly statuses: number[];
}

/** Captures the loopback interface of a network namespace into a file. Resolves when packets are seen; `stop` when all are written. */
export async function capture(netns: string, file: string): Promise<{ stop(): Promise<void> }> {
  const args = ["netns", "exec", netns, "tshark", "-q", "-i", "lo", "-B", "64", "-w", file, "tcp"];
  const tshark = spawn("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  for await (const line of createInterface(tshark.stderr)) {
    said.push(line);
    if (line.includes("Capture started")) break;
  }
  if (tshark.exitCode !== null) throw new Error(`tshark does not capture: ${said.join("\n")}`);
  tshark.stderr.resume();
  return {
    async stop() {
      const exited = once(tshark, "exit");
      tshark.kill("SIGINT");
      await exited;
    },
  };
}

const fields = ["tcp.srcport", "tcp.dstport", "http.request.method", "http.request.uri", "http.response.code"];

/** Dissects a capture. By client port: each connection of the test has its own. */
export function dissect(file: string, serverPort: number): ReadonlyMap<number, Dissected> {
  const columns = fields.flatMap((field) => ["-e", field]);
  const args = ["-r", file, "-d", `tcp.port==${serverPort},http`, "-Y", "http", "-T", "fields", ...columns];
  const output = execFileSync("tshark", args, {
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const connections = new Map<number, Dissected>();
  for (const line of output.split("\n").filter((row) => row !== "")) {
    const [from, to, methods, targets, codes] = line.split("\t") as [string, string, string, string, string];
    const clientPort = Number(from) === serverPort ? Number(to) : Number(from);
    const known = connections.get(clientPort) ?? { requests: [], statuses: [] };
    connections.set(clientPort, known);
    // Several messages can end in one packet.
    const uris = list(targets);
    list(methods).forEach((method, index) => known.requests.push({ method, target: uris[index] ?? "" }));
    known.statuses.push(
      ...list(codes)
        .map(Number)
        .filter((code) => code >= 200),
    );
  }
  return connections;
}

const list = (column: string): string[] => (column === "" ? [] : column.split(","));
