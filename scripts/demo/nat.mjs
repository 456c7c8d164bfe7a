// SPDX-License-Identifier: MIT
// Two network namespaces and a rule of destination NAT between them: a service whose address nobody has.
import { execFileSync } from "node:child_process";

/** Addresses for benchmarks (RFC 2544): nobody else's. */
const client = "198.18.53.1";
const backend = { host: "198.18.53.2", port: 8080 };
const service = { host: "198.18.54.1", port: 80 };

const ip = (...parameters) => execFileSync("ip", parameters, { stdio: ["ignore", "ignore", "pipe"] });

/** What runs a command in a network namespace. */
export const inside = (netns) => ["ip", "netns", "exec", netns];

/**
 * Makes the namespaces; who asks `service` in the first is answered by `backend` in the second.
 * @returns {{ client: string, server: string, service: object, backend: object, remove: () => void }}
 */
export function makeNat() {
  const [here, there] = ["c", "s"].map((end) => `skep-demo-${end}-${process.pid}`);
  const remove = () => {
    for (const netns of [here, there]) {
      try {
        ip("netns", "delete", netns);
      } catch {
        // It was not made.
      }
    }
  };
  try {
    ip("netns", "add", here);
    ip("netns", "add", there);
    ip("-n", here, "link", "add", "demo0", "type", "veth", "peer", "name", "demo0", "netns", there);
    ip("-n", here, "address", "add", `${client}/24`, "dev", "demo0");
    ip("-n", there, "address", "add", `${backend.host}/24`, "dev", "demo0");
    for (const netns of [here, there]) ip("-n", netns, "link", "set", "demo0", "up");
    ip("-n", here, "route", "add", service.host, "via", backend.host);
    const rules = [
      "add table ip demo",
      "add chain ip demo output { type nat hook output priority -100 ; }",
      `add rule ip demo output ip daddr ${service.host} tcp dport ${service.port} dnat to ${backend.host}:${backend.port}`,
    ];
    ip("netns", "exec", here, "nft", rules.join("; "));
  } catch (error) {
    remove();
    throw error;
  }
  return { client: here, server: there, service, backend, remove };
}
