// SPDX-License-Identifier: MIT

import { SkepError, type Attach, type Capability, type Verdict } from "@skep/core";
import { attachProgram, bindTarget, describeAttach, isDeferred } from "./attach.js";
import { trialCgroups } from "./cgroups.js";
import { errnoName, isPassing } from "./errno.js";
import { missingForBpf } from "./explain.js";
import type { Host } from "./host.js";
import type { Library } from "./library.js";
import { MINIMAL_PROGRAM, minimalObject } from "./minimal-object.js";
import { BpfObject } from "./object.js";
import { identity } from "./request.js";
import { helperNames } from "./uapi.js";

/** Answers "can this host do it?" by trying. Conclusive answers are kept for the life of the prober. */
export class Prober {
  readonly #verdicts = new Map<string, Verdict>();
  #symbols: WeakRef<Buffer> | undefined;

  constructor(
    private readonly library: Library,
    private readonly host: Host,
  ) {}

  probe(what: Capability | Attach): Verdict {
    const key = typeof what === "string" ? what : identity(what);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = typeof what === "string" ? this.probeCapability(what) : this.probeAttach(what);
    if (verdict.supported !== undefined) this.#verdicts.set(key, verdict);
    return verdict;
  }

  private probeCapability(capability: Capability): Verdict {
    const colon = capability.indexOf(":");
    const name = capability.slice(colon + 1);
    switch (capability.slice(0, colon)) {
      case "map":
        return this.probeMap(name);
      case "prog":
        return this.probeProgram(name);
      case "helper":
        return this.probeHelper(name);
      case "ksym":
        return this.probeSymbol(name);
      case "btf":
        return this.probeBtf(name);
      case "kconfig":
        return this.probeConfig(name);
      default:
        return unknown(`${capability} is no capability that can be probed`);
    }
  }

  private probeMap(name: string): Verdict {
    const { libbpf } = this.library;
    const type = numberOf(name, (number) => libbpf.libbpf_bpf_map_type_str(number));
    if (type === undefined) return unknown(`libbpf knows no map type ${name}`);
    return this.tried(`map type ${name}`, () => libbpf.libbpf_probe_bpf_map_type(type, null));
  }

  private probeProgram(name: string): Verdict {
    const type = this.programType(name);
    if (type === undefined) return unknown(`libbpf knows no program type ${name}`);
    return this.tried(`program type ${name}`, () => this.library.libbpf.libbpf_probe_bpf_prog_type(type, null));
  }

  /** `helper:cgroup_skb/sk_storage_get`. Newer kernels word a refusal so that libbpf 1.1 takes it for a yes: then the trial tells. */
  private probeHelper(name: string): Verdict {
    const [program = "", helper = ""] = name.split("/");
    const type = this.programType(program);
    const number = helperNames.indexOf(helper.replace(/^bpf_/, ""));
    if (type === undefined) return unknown(`libbpf knows no program type ${program}`);
    if (number < 1) return unknown(`there is no helper ${helper}`);
    return this.tried(`helper ${helper} in ${program} programs`, () =>
      this.library.libbpf.libbpf_probe_bpf_helper(type, number, null),
    );
  }

  private programType(name: string): number | undefined {
    return numberOf(name, (number) => this.library.libbpf.libbpf_bpf_prog_type_str(number));
  }

  /** libbpf's own probes: 1, 0 or a negative errno for "could not tell". A lack of privileges looks like a "no" to them. */
  private tried(what: string, probe: () => number): Verdict {
    const missing = missingForBpf(this.host);
    if (missing.length > 0) return unknown(`this process lacks ${missing.join(", ")}`);
    const { result } = this.library.logged(probe);
    if (result === 1) return { supported: true };
    if (result === 0) return { supported: false, reason: `the kernel has no ${what}` };
    return unknown(`${what} cannot be probed: ${errnoName(result)}`);
  }

  private probeSymbol(name: string): Verdict {
    const symbols = this.#symbols?.deref() ?? this.host.kernelSymbols();
    if (symbols === undefined) return unknown("kallsyms cannot be read");
    // Ten megabytes: kept only as long as the collector has no better use for them.
    this.#symbols = new WeakRef(symbols);
    if (symbols.includes(` ${name}\n`) || symbols.includes(` ${name}\t`)) return { supported: true };
    return { supported: false, reason: `the kernel has no symbol ${name}` };
  }

  private probeBtf(name: string): Verdict {
    const { libbpf, native } = this.library;
    if (!this.host.hasBtf) return { supported: false, reason: "the kernel offers no BTF" };
    const { result } = this.library.logged(() => {
      const btf = libbpf.btf__load_vmlinux_btf();
      if (btf === null) return { errno: native.errno() };
      const id = libbpf.btf__find_by_name(btf, name);
      libbpf.btf__free(btf);
      return id;
    });
    if (typeof result !== "number") return unknown(`the kernel's BTF cannot be read: ${errnoName(result.errno)}`);
    return result > 0 ? { supported: true } : { supported: false, reason: `the kernel's BTF has no ${name}` };
  }

  private probeConfig(name: string): Verdict {
    const config = this.host.kernelConfig();
    if (config === undefined) return unknown("the kernel's configuration is not shown on this host");
    const option = name.startsWith("CONFIG_") ? name : `CONFIG_${name}`;
    if (new RegExp(`^${option}=[ym]$`, "m").test(config)) return { supported: true };
    return { supported: false, reason: `the kernel is built without ${option}` };
  }

  /** Loads and attaches a program that does nothing, as a plugin's would be. Nothing stays. */
  private probeAttach(where: Attach): Verdict {
    const acts = where.kind.startsWith("cgroup") || where.kind === "sockops";
    const bytes = minimalObject(sectionOf(where), acts ? 1 : 0);
    let trial: ReturnType<typeof trialCgroups> | undefined;
    const context = {
      library: this.library,
      host: this.host,
      plugin: "probe",
      cgroups: () => (trial ??= trialCgroups({}, this.host)).cgroups,
    };
    let object: BpfObject | undefined;
    try {
      object = BpfObject.open(this.library, this.host, "probe", "probe", bytes);
      const program = object.program(MINIMAL_PROGRAM);
      bindTarget(context, program, [where]);
      object.load();
      if (!isDeferred(where)) attachProgram(context, program, where).close();
      return { supported: true };
    } catch (error) {
      if (!(error instanceof SkepError)) throw error;
      const reason = `${describeAttach(where)}: ${error.message}`;
      return isPassing(error) || error.code === "SKEP_ERR_PERMISSION" ? unknown(reason) : { supported: false, reason };
    } finally {
      object?.close();
      trial?.remove();
    }
  }
}

/** Types are numbered from 1 without gaps; libbpf has no look-up by name. */
function numberOf(name: string, nameOf: (number: number) => string | null): number | undefined {
  for (let number = 1; ; number++) {
    const found = nameOf(number);
    if (found === null) return undefined;
    if (found === name) return number;
  }
}

function sectionOf(where: Attach): string {
  switch (where.kind) {
    case "fentry":
    case "fexit":
      return `${where.kind}/${where.fn}`;
    case "kprobe":
    case "kretprobe":
    case "uprobe":
    case "uretprobe":
    case "sockops":
      return where.kind;
    case "tp_btf":
    case "raw_tp":
      return `${where.kind}/${where.event}`;
    case "tracepoint":
      return `tracepoint/${where.category}/${where.event}`;
    case "cgroup_skb":
      return `cgroup_skb/${where.direction}`;
    case "cgroup_sock_addr":
    case "cgroup_sock":
      return `cgroup/${where.hook}`;
    case "iter":
      return `iter/${where.target}`;
  }
}

const unknown = (reason: string): Verdict => ({ supported: undefined, reason });
