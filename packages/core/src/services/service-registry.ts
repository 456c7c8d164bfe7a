// SPDX-License-Identifier: MIT

import { Container, type ContainerInstance } from "typedi";
import { serviceName, type ServiceId } from "../service.js";

/**
 * The services of one agent, in a typedi container of its own: two agents in a process share nothing.
 *
 * Only `set({ id, value })` with string ids is used: no decorators, no reflection, no global container. typedi does not dispose of
 * values, and neither does this: whoever provided a service closes it.
 */
export class ServiceRegistry {
  readonly #scope = Symbol("skep agent");
  readonly #container: ContainerInstance = Container.of(this.#scope as unknown as string);
  /** What core provides itself: back in place when a plugin withdraws its own. */
  readonly #defaults = new Map<string, unknown>();

  provideDefault<S>(id: ServiceId<S>, implementation: S): void {
    this.#defaults.set(serviceName(id), implementation);
    this.provide(id, implementation);
  }

  provide<S>(id: ServiceId<S>, implementation: S): void {
    this.#container.set({ id: serviceName(id), value: implementation });
  }

  has(id: ServiceId<unknown>): boolean {
    return this.#container.has(serviceName(id));
  }

  /** Undefined when nobody provides it. */
  find<S>(id: ServiceId<S>): S | undefined {
    // typedi's `get` would also look into the global container.
    return this.has(id) ? this.#container.get<S>(serviceName(id)) : undefined;
  }

  /** Nothing happens when another implementation has taken its place meanwhile. */
  withdraw(id: ServiceId<unknown>, implementation: unknown): void {
    if (this.find(id) !== implementation) return;
    const name = serviceName(id);
    this.#container.remove(name);
    if (this.#defaults.has(name)) this.#container.set({ id: name, value: this.#defaults.get(name) });
  }

  /** Forgets everything. */
  dispose(): void {
    this.#container.reset({ strategy: "resetServices" });
    Container.reset(this.#scope as unknown as string);
  }
}
