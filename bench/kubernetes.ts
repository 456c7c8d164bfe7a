// SPDX-License-Identifier: MIT
/**
 * Kubernetes tags in a cluster of ten thousand pods: what knowing it costs, how long learning it holds the event loop, how many
 * flows are told a second. Beside it, what Kubernetes' own client takes for the same knowledge with its informers.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/kubernetes.ts [pods]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ApiStandIn, caFile } from "../packages/plugin-kubernetes/test/support/api-stand-in.js";
import { exited } from "./support/children.js";

const RSS_MB = 110;
const HEAP_MB = 35;
const TURN_MS = 50;
const LOOKUPS = 150_000;
const pods = Number(process.argv[2] ?? 10_000);
const podsPerService = 10;
const podsPerNode = 50;

interface Learnt {
  readonly pods: number;
  /** Over the memory before it began: when all was learnt, and after the garbage of that was collected. */
  readonly highestMb: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly tookMs: number;
  /** CPU time, as is the second of the next. */
  readonly longestTurnMs: number;
  readonly lookupsPerCpuSecond?: number;
}

if (process.argv[3] === "serve") await serve();
else await compare();

async function compare(): Promise<void> {
  // In a process of its own: it is busy when it is asked for everything.
  const server = fork(fileURLToPath(import.meta.url), [String(pods), "serve"]);
  try {
    const [{ url, megabytes }] = (await once(server, "message")) as [{ url: string; megabytes: number }];
    console.log(`${pods} pods, ${megabytes.toFixed(0)} MB as a list`);
    const skep = await learn("Skep", "skep", url);
    await learn("informers of @kubernetes/client-node", "client", url);
    const lookups = Math.round(skep.lookupsPerCpuSecond!);
    console.log(`${lookups} flows get their tags in a second of CPU`);
    console.log(`bounds: ${RSS_MB} MB resident, ${HEAP_MB} MB heap, turns of ${TURN_MS} ms, ${LOOKUPS} flows`);
    const isSmall = skep.rssMb <= RSS_MB && skep.heapMb <= HEAP_MB;
    process.exitCode = isSmall && skep.longestTurnMs <= TURN_MS && lookups >= LOOKUPS ? 0 : 1;
  } finally {
    server.kill();
    await exited(server);
  }
}

async function learn(name: string, role: string, url: string): Promise<Learnt> {
  const script = fileURLToPath(new URL("support/kubernetes.mjs", import.meta.url));
  const child = fork(script, [role, url, caFile], { execArgv: ["--expose-gc"] });
  const died = exited(child).then(() => Promise.reject(new Error(`${name} died`)));
  const [learnt] = (await Promise.race([once(child, "message"), died])) as [Learnt];
  died.catch(() => {});
  if (learnt.pods !== pods) throw new Error(`${name} knows ${learnt.pods} pods`);
  const megabytes = [learnt.rssMb, learnt.highestMb, learnt.heapMb].map((each) => each.toFixed(1));
  console.log(
    `${name}: ${megabytes[0]} MB resident (${megabytes[1]} while learning), ${megabytes[2]} MB of them heap; ` +
      `${learnt.tookMs.toFixed(0)} ms, longest turn of the event loop ${learnt.longestTurnMs.toFixed(1)} ms`,
  );
  return learnt;
}

/** An API server of so many pods, made of recorded ones and as large as real ones are. */
async function serve(): Promise<void> {
  const recorded = (list: string, name: string): string => {
    const url = new URL(`../packages/plugin-kubernetes/test/recorded/${list}.json`, import.meta.url);
    const { items } = JSON.parse(readFileSync(url, "utf8")) as { items: { metadata: { name: string } }[] };
    return JSON.stringify(items.find(({ metadata }) => metadata.name.startsWith(name)));
  };
  const [pod, service, slice] = [
    recorded("pods", "web-"),
    recorded("services", "web"),
    recorded("endpointslices", "web-"),
  ];
  const numbered = (text: string, number: number) => JSON.parse(text.replaceAll("web", `web${number}`));
  const ipOf = (at: number) => `10.${100 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
  const env = Array.from({ length: 40 }, (_, at) => ({ name: `SETTING_${at}`, value: "x".repeat(60) }));
  const standIn = new ApiStandIn("https");
  let bytes = 0;
  for (let at = 0; at < pods; at++) {
    const object = numbered(pod, Math.trunc(at / podsPerService));
    const id = at.toString(16).padStart(12, "0");
    object.metadata = {
      ...object.metadata,
      name: `${object.metadata.name}-${at}`,
      uid: `5076cd42-3b22-4f3c-b220-${id}`,
    };
    const node = Math.trunc(at / podsPerNode);
    const hostIP = `192.168.${node >> 8}.${node & 255}`;
    Object.assign(object.status, { hostIP, hostIPs: [{ ip: hostIP }], podIP: ipOf(at), podIPs: [{ ip: ipOf(at) }] });
    object.spec.containers[0].env = env;
    object.status.containerStatuses[0].containerID = `containerd://${id.padStart(64, "0")}`;
    bytes += JSON.stringify(object).length;
    standIn.put("/api/v1/pods", object);
  }
  for (let number = 0; number < pods / podsPerService; number++) {
    const object = numbered(service, number);
    const clusterIP = `10.96.${number >> 8}.${number & 255}`;
    const ports = [{ port: 80, nodePort: 30_000 + number }];
    object.spec = { ...object.spec, clusterIP, clusterIPs: [clusterIP], externalIPs: [], ports };
    standIn.put("/api/v1/services", object);
    const { metadata } = numbered(pod, number);
    const ends = numbered(slice, number);
    ends.endpoints = Array.from({ length: podsPerService }, (_, at) => {
      const index = number * podsPerService + at;
      const targetRef = { kind: "Pod", namespace: "shop", name: `${metadata.name}-${index}` };
      return { ...ends.endpoints[0], addresses: [ipOf(index)], targetRef };
    });
    standIn.put("/apis/discovery.k8s.io/v1/endpointslices", ends);
  }
  await standIn.listen();
  process.send!({ url: standIn.url, megabytes: bytes / 1e6 });
}
