// SPDX-License-Identifier: MIT

import { startTraffic, type Teardown, type TrafficEnd } from "@skep/testkit";
import { type Address, type NatPair, type Rule, translate, virtual } from "./nat.js";
import type { Observer } from "./observe.js";

export interface Talk {
  /** The client's end: to it, the peer has the virtual address. */
  readonly end: TrafficEnd;
  readonly from: Address;
  readonly to: Address;
  closeClient(): Promise<void>;
  /** Closes both ends. */
  finish(): Promise<void>;
}

export interface TalkOptions extends Omit<Rule, "from" | "to"> {
  /** Of the client's socket. */
  readonly family?: "4" | "6" | "mapped";
  /** Default: any. */
  readonly clientPort?: number;
  readonly virtualPort?: number;
}

let nextPort = 80;

/** A server in one namespace, a rule, and a client in the other that talks to the virtual address: everything is exchanged. */
export async function talk(
  t: Teardown,
  { cgroup }: Pick<Observer, "cgroup">,
  { client, server }: NatPair,
  { family = "4", clientPort, virtualPort = nextPort++, ...rule }: TalkOptions,
): Promise<Talk> {
  // By a reset, so that the client's port can be used again at once.
  const command =
    rule.transport === "tcp" ? ["hold", "1", "--close", "rst"] : ["udp-exchange", "--messages", "3", "--hold"];
  const v6 = family === "6";
  const serving = startTraffic(
    t,
    [...command, "--role", "server", "--family", v6 ? "6" : "4", "--address", v6 ? server.v6 : server.v4],
    { cgroup, netns: server },
  );
  const { ports } = await serving.listening;
  const to = { ip: v6 ? server.v6 : server.v4, port: ports[0]! };
  const from = { ip: v6 ? virtual.v6 : virtual.v4, port: virtualPort };
  translate(rule.hook === "prerouting" ? server : client, { ...rule, from, to });
  const port = clientPort === undefined ? [] : ["--client-port", String(clientPort)];
  const asking = startTraffic(
    t,
    [...command, "--role", "client", "--family", family, "--address", from.ip, "--port", String(from.port), ...port],
    { cgroup, netns: client },
  );
  const { connections } = await asking.holding;
  const closeClient = async () => {
    asking.go();
    await asking.done;
  };
  return {
    end: connections[0]!.client!,
    from,
    to,
    closeClient,
    async finish() {
      await closeClient();
      serving.go();
      await serving.done;
    },
  };
}
