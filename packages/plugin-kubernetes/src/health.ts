// SPDX-License-Identifier: MIT

/**
 * Puts the troubles of several resources into one reason: an API server that is down is one trouble, not one for each
 * resource.
 */
export class Health {
  /** Resource -> what is wrong with it. */
  readonly #troubles = new Map<string, string>();
  #reason = "";
  #takeBack: () => void = () => {};

  /**
   * @param what what all of it is about
   * @param degrade tells the reason, returns what takes it back
   */
  constructor(
    private readonly what: string,
    private readonly degrade: (reason: string) => () => void,
  ) {}

  /** `undefined`: nothing is wrong with the resource, any longer. */
  set(resource: string, trouble: string | undefined): void {
    if (trouble === undefined) this.#troubles.delete(resource);
    else this.#troubles.set(resource, trouble);
    const reason = this.#describe();
    if (reason === this.#reason) return;
    this.#reason = reason;
    const takeBack = this.#takeBack;
    // The new reason first: else the plugin would seem well for a moment.
    this.#takeBack = reason === "" ? () => {} : this.degrade(reason);
    takeBack();
  }

  #describe(): string {
    const resourcesOf = new Map<string, string[]>();
    for (const [resource, trouble] of [...this.#troubles].sort()) {
      resourcesOf.set(trouble, [...(resourcesOf.get(trouble) ?? []), resource]);
    }
    const parts = [...resourcesOf].map(([trouble, resources]) => `${resources.join(", ")}: ${trouble}`);
    return parts.length === 0 ? "" : `${this.what}: ${parts.join("; ")}`;
  }
}
