// SPDX-License-Identifier: MIT

import type { Attach, Capability, ChosenStrategy, OpenRequest, Strategy, Verdict } from "@skep/core";

/**
 * What a made-up host can do: `{ fentry: false, "tp_btf:inet_sock_set_state": "no BTF" }`. Keys are a kind of attachment, a kind
 * and its target, a capability, or the name of a program; a string is the reason of a "no". What is not named works.
 */
export type Verdicts = Readonly<Record<string, boolean | string | undefined>>;

/** Names under which a verdict on something may be found, the exact one first. */
function namesOf(what: Capability | Attach): readonly string[] {
  if (typeof what === "string") return [what];
  return [`${what.kind}:${targetOf(what)}`, what.kind];
}

function targetOf(where: Attach): string {
  switch (where.kind) {
    case "fentry":
    case "fexit":
    case "kprobe":
    case "kretprobe":
      return where.fn;
    case "tracepoint":
      return `${where.category}/${where.event}`;
    case "tp_btf":
    case "raw_tp":
      return where.event;
    case "uprobe":
    case "uretprobe":
      return where.symbol ?? "";
    case "cgroup_skb":
      return where.direction;
    case "cgroup_sock_addr":
    case "cgroup_sock":
      return where.hook;
    case "sockops":
      return where.cgroup ?? "";
    case "iter":
      return where.target;
  }
}

/** Why something does not work; undefined when it does. */
export function refusalOf(verdicts: Verdicts, names: readonly string[]): string | undefined {
  for (const name of names) {
    const verdict = verdicts[name];
    if (verdict === true) return undefined;
    if (verdict !== undefined) return verdict === false ? `${name} does not work here (scripted)` : verdict;
  }
  return undefined;
}

export function verdictOn(verdicts: Verdicts, what: Capability | Attach, otherwise: Verdict): Verdict {
  const names = namesOf(what);
  if (names.every((name) => verdicts[name] === undefined)) return otherwise;
  const reason = refusalOf(verdicts, names);
  return reason === undefined ? { supported: true } : { supported: false, reason };
}

/** Climbs each group's ladder as a real backend does. */
export function chooseStrategies(request: OpenRequest, verdicts: Verdicts): Record<string, ChosenStrategy> {
  return Object.fromEntries(
    Object.entries(request.probes).map(([group, { strategies }]) => {
      const forced = request.force?.[group];
      const ladder = forced === undefined ? strategies : strategies.filter((strategy) => strategy.name === forced);
      const refused: { name: string; reason: string }[] = [];
      for (const strategy of ladder) {
        const reason = refusalOfStrategy(strategy, verdicts);
        if (reason === undefined) return [group, chosen(strategy, refused)];
        refused.push({ name: strategy.name, reason });
      }
      if (ladder.length === 0) refused.push({ name: forced ?? "", reason: "there is no such strategy" });
      return [group, { name: undefined, refused }];
    }),
  );
}

function chosen({ name, limits }: Strategy, refused: ChosenStrategy["refused"]): ChosenStrategy {
  return { name, ...(limits === undefined ? {} : { limits }), refused };
}

function refusalOfStrategy(strategy: Strategy, verdicts: Verdicts): string | undefined {
  for (const capability of strategy.requires ?? []) {
    const reason = refusalOf(verdicts, [capability]);
    if (reason !== undefined) return reason;
  }
  for (const [program, places] of Object.entries(strategy.programs)) {
    for (const where of [places].flat()) {
      const reason = refusalOf(verdicts, [program, ...namesOf(where)]);
      if (reason !== undefined) return reason;
    }
  }
  return undefined;
}
