// SPDX-License-Identifier: MIT

/** Who answers; each on a host of its own. */
export type Server =
  "nginx" | "front" | "python" | "node" | "node2" | "store" | "postgres" | "mariadb" | "redis" | "rabbitmq";

/** Applications and the proxy: without them there is no system. The others are left out where they are not installed. */
export const necessary = ["nginx", "front", "python", "node", "node2", "store"] as const satisfies readonly Server[];
export const databases = ["postgres", "mariadb", "redis", "rabbitmq"] as const satisfies readonly Server[];
export type Database = (typeof databases)[number];

/** A call and what its server does for it. */
interface Call {
  /** What it adds to the path. */
  readonly name: string;
  readonly server: Server;
  /** How it is called in tables, where that is not its server alone. */
  readonly said?: string;
  /** Nobody can know from outside what causes it when many do: it may be unlinked. */
  readonly isUnknowable?: boolean;
  readonly calls?: readonly Call[];
}

const store: Call = { name: "store", server: "store", calls: [{ name: "redis", server: "redis" }] };
const node: Call = { name: "node", server: "node", calls: [store] };

/** What the programs in apps/ do, said once more. */
const root: Call = {
  name: "nginx",
  server: "nginx",
  calls: [
    {
      name: "go",
      server: "front",
      calls: [
        node,
        // An event loop of its own: at concurrency 1 each has one request at a time.
        { ...node, name: "spawned", server: "node2", said: "node, by a child goroutine" },
        { name: "python", server: "python", calls: [{ name: "mariadb", server: "mariadb" }, node] },
        { name: "postgres", server: "postgres" },
        { name: "redis", server: "redis" },
        { name: "rabbitmq", server: "rabbitmq" },
        { name: "shared", server: "rabbitmq", said: "rabbitmq, over a shared connection", isUnknowable: true },
        { ...store, name: "grpc", said: "store over gRPC" },
      ],
    },
  ],
};

/** A call with its place in the tree. */
export interface PlacedCall {
  /** `nginx/go/python`: a request's path is `/work/ID/` and this, and so are keys, comments and routing keys. */
  readonly place: string;
  /** Place of the call it is made for; undefined for the root, which an unobserved user makes. */
  readonly parent: string | undefined;
  readonly server: Server;
  /** What calls, and what is called, for tables. */
  readonly caller: string;
  readonly callee: string;
  /** It may be unlinked. */
  readonly isUnknowable: boolean;
}

/** Every call that one request causes, callers first, where only `servers` run. */
export function callsOfRequest(servers: ReadonlySet<Server>): readonly PlacedCall[] {
  const placed: PlacedCall[] = [];
  const place = (call: Call, parent: PlacedCall | undefined) => {
    if (!servers.has(call.server)) return;
    const one: PlacedCall = {
      place: parent === undefined ? call.name : `${parent.place}/${call.name}`,
      parent: parent?.place,
      server: call.server,
      caller: parent?.callee.replace(/, .*/, "") ?? "user",
      callee: call.said ?? call.server,
      isUnknowable: call.isUnknowable ?? false,
    };
    placed.push(one);
    for (const next of call.calls ?? []) place(next, one);
  };
  place(root, undefined);
  return placed;
}

/** How a server's requests are served, which decides what can be known about their causes. */
export const kindOf: Readonly<Record<string, string>> = {
  nginx: "nginx (event loop)",
  front: "Go net/http",
  python: "Python threads",
  node: "Node (event loop)",
  store: "Go net/http",
  "store over gRPC": "grpc-go",
};
