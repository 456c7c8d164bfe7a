// SPDX-License-Identifier: MIT

import {
  SkepError,
  type Attach,
  type Backend,
  type Capability,
  type ChosenStrategy,
  type OpenRequest,
  type Session,
  type Verdict,
} from "@skep/core";
import { Chooser, publicChoice, type Choice } from "./choose.js";
import { requireBpf } from "./explain.js";
import { Host, type HostPaths } from "./host.js";
import { Library } from "./library.js";
import { enableStats } from "./program-stats.js";
import { Prober } from "./probe.js";
import { requireKnownNames } from "./request.js";
import { LibbpfSession } from "./session.js";

export interface LibbpfOptions {
  /** Path or name of the shared library. Default: `LIBBPF_PATH`, then `libbpf.so.1` of the system. */
  readonly libbpf?: string;
  /** Where to look at the host's kernel. */
  readonly host?: HostPaths;
}

/**
 * The backend that loads eBPF programs into this host's kernel, by the system's libbpf.
 *
 * Making it touches nothing: the library is loaded when it is first asked for something, and then throws
 * `SKEP_ERR_BACKEND_UNAVAILABLE` when it cannot work here. Programs are held by descriptors of this process and never pinned,
 * so the kernel cleans up whatever way the process ends. Use one backend from one thread: libbpf's log hook is the process's.
 */
export function libbpfBackend(options: LibbpfOptions = {}): Backend {
  return new LibbpfBackend(options);
}

/**
 * Version of the libbpf a backend with the same option would use, such as `1.1`.
 * @throws SkepError `SKEP_ERR_BACKEND_UNAVAILABLE` when there is none that fits.
 */
export const libbpfVersion = ({ libbpf }: Pick<LibbpfOptions, "libbpf"> = {}): string => Library.load(libbpf).version;

interface Workshop {
  readonly library: Library;
  readonly prober: Prober;
  readonly chooser: Chooser;
}

class LibbpfBackend implements Backend {
  readonly name = "libbpf";
  readonly #host: Host;
  readonly #sessions = new Set<LibbpfSession>();
  #workshop: Workshop | undefined;

  constructor(private readonly options: LibbpfOptions) {
    this.#host = new Host(options.host);
  }

  async probe(what: Capability | Attach): Promise<Verdict> {
    return this.workshop().prober.probe(what);
  }

  async choose(request: OpenRequest): Promise<Readonly<Record<string, ChosenStrategy>>> {
    const choices = await this.chooseAll(request);
    return Object.fromEntries([...choices].map(([group, choice]) => [group, publicChoice(choice)]));
  }

  async open(request: OpenRequest): Promise<Session> {
    const choices = await this.chooseAll(request);
    for (const [group, choice] of choices) {
      if (choice.strategy === undefined && !request.probes[group]!.optional) throw nothingWorks(request, group, choice);
    }
    const context = { library: this.workshop().library, host: this.#host };
    const session = new LibbpfSession(context, request, choices, (closed) => this.#sessions.delete(closed));
    this.#sessions.add(session);
    this.workshop().library.giveMemoryBack();
    return session;
  }

  enableStats(): { close(): void } {
    return enableStats(this.workshop().library);
  }

  async close(): Promise<void> {
    for (const session of [...this.#sessions]) await session.close();
  }

  private async chooseAll(request: OpenRequest): Promise<ReadonlyMap<string, Choice>> {
    const { chooser } = this.workshop();
    requireBpf(this.#host, request.plugin);
    this.requireBtf(request);
    requireKnownNames(request);
    return chooser.choose(request);
  }

  private requireBtf({ plugin }: OpenRequest): void {
    if (this.#host.hasBtf) return;
    throw new SkepError("SKEP_ERR_BTF_MISSING", `${plugin}: there is no BTF of this kernel at ${this.#host.btfPath}`, {
      plugin,
      phase: "load",
      hint:
        "use a kernel built with CONFIG_DEBUG_INFO_BTF=y (all current distributions'), mount the host's /sys, or let btf_path name " +
        "a BTF file of this kernel or a copy of BTFHub's archive",
    });
  }

  private workshop(): Workshop {
    if (this.#workshop !== undefined) return this.#workshop;
    const library = Library.load(this.options.libbpf);
    const prober = new Prober(library, this.#host);
    return (this.#workshop = { library, prober, chooser: new Chooser(library, this.#host, prober) });
  }
}

/** Errors that are about the host and not about a strategy: when all strategies say the same, that is what to tell. */
const hostErrors: ReadonlySet<string> = new Set(["SKEP_ERR_PERMISSION", "SKEP_ERR_CGROUP2_MISSING"]);

function nothingWorks(request: OpenRequest, group: string, { refused }: Choice): SkepError {
  const { plugin } = request;
  const codes = new Set(refused.map(({ error }) => error.code));
  const [first] = refused;
  const reasons = refused.map(({ name, error }) => `${name}: ${error.message}`).join("\n  ");
  const hint = first?.error.hint;
  return new SkepError(
    codes.size === 1 && hostErrors.has(first!.error.code) ? first!.error.code : "SKEP_ERR_PROBES",
    `${plugin}: no strategy of probe group ${group} works here:\n  ${reasons}`,
    {
      plugin,
      phase: "load",
      cause: new AggregateError(refused.map(({ error }) => error)),
      ...(hint === undefined ? {} : { hint }),
    },
  );
}
