// SPDX-License-Identifier: MIT

import type { Backend } from "../backend.js";
import type { HostIdentity } from "../host-identity.js";
import type { Point } from "../measurement.js";
import type { Sampler } from "../points/sampler.js";
import type { DrainClock } from "../scheduler/drain-clock.js";
import type { Clock } from "../scheduler/clock.js";
import type { Scope } from "../scope.js";
import type { ServiceRegistry } from "../services/service-registry.js";
import type { AgentLimits } from "./options.js";
import type { ResolvedScope } from "./scope-maps.js";

/** What all plugins of an agent share. */
export interface Surroundings {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly host: HostIdentity;
  readonly scope: Scope;
  /** Looked up when the agent starts. */
  resolvedScope(): ResolvedScope;
  /** Group, or `plugin/group`, -> strategy. */
  readonly strategies: Readonly<Record<string, string>>;
  readonly allowMutation: boolean;
  readonly limits: AgentLimits;
  readonly services: ServiceRegistry;
  /** Name and state of the enabled plugin that provides a service (`key@major`); undefined when none does. */
  providerOf(service: string): { readonly name: string; readonly state: string } | undefined;
  readonly drain: DrainClock;
  readonly sampler: Sampler;
  emit(point: Point): void;
}
