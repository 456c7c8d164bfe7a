// SPDX-License-Identifier: MIT

import {
  agentSection,
  loadConfig,
  sectionOf,
  SkepError,
  spanMeasurement,
  type Config,
  type ConfigSection,
  type Exporter,
  type FlagValue,
  type Logger,
} from "@skep/core";
import { datakitFromConfig, datakitSection } from "@skep/exporter-datakit";
import { otlpSection } from "@skep/exporter-otlp/config";
import {
  addressParts,
  linkerFromConfig,
  linkerSection,
  serveLinker,
  type Linker,
  type LinkerConfig,
  type LinkerServer,
} from "@skep/linker";
import { parseDuration } from "../duration.js";
import { ExitStatus } from "../exit-status.js";
import { otlpExporters } from "../exporters.js";
import { createLog } from "../log.js";
import { exportersFor, type Output } from "../output.js";
import { logNotices } from "../report.js";
import { StopRequest } from "../stop-request.js";

/** Options of `skep linker` that are not keys of the configuration. */
export interface LinkerOptions {
  readonly config?: string;
  readonly output?: Output;
  readonly duration?: string;
}

export interface LinkerRequest {
  readonly options: LinkerOptions;
  /** Keys of the configuration given as options. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  /** Further exporters, for programs that embed the command. */
  readonly exporters: readonly Exporter[];
}

const sections: readonly ConfigSection[] = [linkerSection, datakitSection, otlpSection];

/** Everything that has keys for a linker, in the order of the documentation. */
export const linkerSections: readonly ConfigSection[] = [...sections, agentSection];

/** Runs a linker until a signal comes or its time is over. Resolves to the exit status. */
export async function linker({ options, flags, exporters }: LinkerRequest): Promise<number> {
  const duration = options.duration === undefined ? undefined : parseDuration("--duration", options.duration);
  const config = await loadConfig({
    input: "ebpftrace",
    ...(options.config !== undefined && { file: options.config }),
    env: process.env,
    flags,
    sections,
    plugins: async () => [],
  });
  const log = createLog({ level: config.log_level, file: config.log });
  logNotices(log, config);
  const stop = new StopRequest(() => {});
  let running: Linker | undefined;
  try {
    const targets = [...(await linkedTo(config)), ...exporters];
    const output = options.output ?? (targets.length > 0 ? "none" : "ndjson");
    running = linkerFromConfig(sectionOf(config, linkerSection), {
      exporters: [...exportersFor(output), ...targets],
      log,
    });
    const servers = await serve(running, sectionOf(config, linkerSection));
    const addresses = servers.map(({ host, port }) => `${host}:${port}`);
    log.info({ event: "ready", addresses }, `listening on ${addresses.join(" and ")}`);
    if (duration !== undefined) stop.after(duration);
    await stop.requested;
    await Promise.all(servers.map((server) => server.close()));
    return ExitStatus.done;
  } finally {
    await running?.close();
    if (running !== undefined) logCounts(log, running);
    stop.close();
  }
}

/** HTTP, and gRPC where it is asked for: its library is slow to load. */
async function serve(running: Linker, { listen, listen_grpc }: LinkerConfig): Promise<readonly LinkerServer[]> {
  const http = await serveLinker(running, addressParts(listen));
  const grpc = addressParts(listen_grpc);
  if (grpc === undefined) return [http];
  const { serveGrpc } = await import("@skep/linker/grpc");
  return [http, await serveGrpc(running, grpc)];
}

/** The exporters that the configuration asks for. A linker hands spans to no other: it would be in a circle with itself. */
async function linkedTo(config: Config): Promise<readonly Exporter[]> {
  const datakit = sectionOf(config, datakitSection);
  if (datakit.trace_server !== "") {
    throw new SkepError("SKEP_ERR_CONFIG", "trace_server is where agents send spans: a linker is one", {
      hint: "name the server that takes traces with datakit_apiserver",
    });
  }
  const context = { measurements: [spanMeasurement], intervalMs: config.interval };
  return [...datakitFromConfig(datakit, context), ...(await otlpExporters(sectionOf(config, otlpSection), context))];
}

function logCounts(log: Logger, running: Linker): void {
  const { held, linked, roots, exported, ...counts } = running.status();
  const words = `${linked + roots} spans linked, ${exported} exported, ${held} wait for the next start`;
  log.info({ event: "summary", linked, roots, exported, held, ...counts }, words);
}
