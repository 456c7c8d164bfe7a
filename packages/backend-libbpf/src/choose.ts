// SPDX-License-Identifier: MIT

import { setImmediate } from "node:timers/promises";
import { SkepError, type ChosenStrategy, type OpenRequest, type ProbeGroup, type Strategy } from "@skep/core";
import { attachProgram, isDeferred, type AttachContext } from "./attach.js";
import { trialCgroups } from "./cgroups.js";
import { isPassing } from "./errno.js";
import type { Host } from "./host.js";
import { linkIterator } from "./iterators.js";
import type { Library } from "./library.js";
import { LinkSet } from "./link.js";
import { ObjectImage } from "./object-image.js";
import type { Prober } from "./probe.js";
import { identity, mistake, objectOf, prepareObject, programPlaces } from "./request.js";

/** Outcome of the ladder of one group. */
export interface Choice {
  readonly strategy: Strategy | undefined;
  readonly refused: readonly { readonly name: string; readonly error: SkepError }[];
}

export const publicChoice = ({ strategy, refused }: Choice): ChosenStrategy => ({
  name: strategy?.name,
  ...(strategy?.limits === undefined ? {} : { limits: strategy.limits }),
  refused: refused.map(({ name, error }) => ({ name, reason: error.message })),
});

/** These mean that a strategy does not work here. Any other error means that the plugin or the request is wrong. */
const refusals: ReadonlySet<string> = new Set([
  "SKEP_ERR_LOAD",
  "SKEP_ERR_ATTACH",
  "SKEP_ERR_PERMISSION",
  "SKEP_ERR_CGROUP2_MISSING",
  "SKEP_ERR_PROBES",
]);

/**
 * Finds the first strategy of each group that works, by loading and attaching its programs and letting go again:
 * BTF and kernel versions promise what kernels then refuse.
 */
export class Chooser {
  /** Trials that told something, for the life of the backend. Undefined: it worked. */
  readonly #trials = new Map<string, SkepError | undefined>();

  constructor(
    private readonly library: Library,
    private readonly host: Host,
    private readonly prober: Prober,
  ) {}

  /** @throws SkepError for a request that is wrong by itself, `SKEP_ERR_MUTATION` included. */
  async choose(request: OpenRequest): Promise<ReadonlyMap<string, Choice>> {
    const choices = new Map<string, Choice>();
    await this.tryTopRungs(request);
    for (const [name, group] of Object.entries(request.probes)) {
      choices.set(name, await this.climb(request, name, group));
    }
    return choices;
  }

  /**
   * On most hosts the best strategy of every group works: then one trial of all of them spares one for each.
   * If they do not all work together nothing is learnt, and each ladder is climbed for itself.
   */
  private async tryTopRungs(request: OpenRequest): Promise<void> {
    const byObject = new Map<string, Strategy[]>();
    for (const [name, group] of Object.entries(request.probes)) {
      const top = candidates(request, name, group).find((strategy) => this.missing(request, strategy) === undefined);
      const object = objectOf(request, name, group);
      if (top !== undefined) byObject.set(object, [...(byObject.get(object) ?? []), top]);
    }
    for (const [object, strategies] of byObject) {
      const fresh = strategies.filter((strategy) => !this.#trials.has(this.trialKey(request, object, strategy)));
      if (fresh.length < 2 || this.trial(request, object, fresh) !== undefined) continue;
      for (const strategy of fresh) this.#trials.set(this.trialKey(request, object, strategy), undefined);
      await setImmediate();
    }
  }

  private async climb(request: OpenRequest, groupName: string, group: ProbeGroup): Promise<Choice> {
    const refused: { name: string; error: SkepError }[] = [];
    for (const strategy of candidates(request, groupName, group)) {
      // A trial takes tens of milliseconds: the event loop has its turn between two.
      await setImmediate();
      const error = this.tryStrategy(request, groupName, group, strategy);
      if (error === undefined) return { strategy, refused };
      request.log.debug({
        event: "strategy-refused",
        group: groupName,
        strategy: strategy.name,
        reason: error.message,
      });
      refused.push({ name: strategy.name, error });
    }
    return { strategy: undefined, refused };
  }

  private tryStrategy(
    request: OpenRequest,
    groupName: string,
    group: ProbeGroup,
    strategy: Strategy,
  ): SkepError | undefined {
    const missing = this.missing(request, strategy);
    if (missing !== undefined) return missing;
    const objectName = objectOf(request, groupName, group);
    const key = this.trialKey(request, objectName, strategy);
    if (this.#trials.has(key)) return this.#trials.get(key);
    const error = this.trial(request, objectName, [strategy]);
    if (error === undefined || !isPassing(error)) this.#trials.set(key, error);
    return error;
  }

  /** Why a strategy need not be tried, when a capability it requires is a definite no. */
  private missing(request: OpenRequest, strategy: Strategy): SkepError | undefined {
    for (const capability of strategy.requires ?? []) {
      const { supported, reason } = this.prober.probe(capability);
      if (supported !== false) continue;
      const message = `needs ${capability}: ${reason ?? "not on this host"}`;
      return new SkepError("SKEP_ERR_PROBES", message, { plugin: request.plugin, phase: "load" });
    }
    return undefined;
  }

  /** What a trial's outcome depends on. One cgroup is like another, so of the scope only its kinds. */
  private trialKey(request: OpenRequest, objectName: string, strategy: Strategy): string {
    const { rodata, scope, allowMutation } = request;
    const { hash } = ObjectImage.of(request.objects[objectName]!);
    const kinds = Object.entries(scope)
      .filter(([, members]) => members.length > 0)
      .map(([kind]) => kind);
    return identity([hash, strategy, { rodata, kinds, allowMutation }]);
  }

  /** Loads and attaches in earnest, then lets go of everything. Why it did not work, or undefined. */
  private trial(request: OpenRequest, objectName: string, strategies: readonly Strategy[]): SkepError | undefined {
    let cgroups: ReturnType<typeof trialCgroups> | undefined;
    const context: AttachContext = {
      library: this.library,
      host: this.host,
      plugin: request.plugin,
      cgroups: () => (cgroups ??= trialCgroups(request.scope, this.host)).cgroups,
    };
    try {
      const constants = Object.assign(
        {},
        request.rodata,
        ...strategies.map(({ rodata }) => rodata),
      ) as OpenRequest["rodata"];
      using object = prepareObject(context, request, objectName, strategies, constants);
      // Nothing will be stored in them, and the kernel makes room for every entry at once.
      object.shrinkMaps();
      object.load();
      using links = new LinkSet();
      for (const [name, places] of programPlaces(strategies)) {
        const program = object.program(name);
        for (const where of places) {
          if (where.kind === "iter") links.add(linkIterator(context, program, where));
          else if (!isDeferred(where)) links.add(attachProgram(context, program, where));
        }
      }
      return undefined;
    } catch (error) {
      if (error instanceof SkepError && refusals.has(error.code)) return error;
      throw error;
    } finally {
      cgroups?.remove();
    }
  }
}

function candidates(request: OpenRequest, groupName: string, group: ProbeGroup): readonly Strategy[] {
  const forced = request.force?.[groupName];
  if (forced === undefined) return group.strategies;
  const strategy = group.strategies.find(({ name }) => name === forced);
  if (strategy !== undefined) return [strategy];
  const names = group.strategies.map(({ name }) => name).join(", ");
  throw mistake(request, `probe group ${groupName} has no strategy ${forced}; it has ${names}`);
}
