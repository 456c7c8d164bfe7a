// SPDX-License-Identifier: MIT

import {
  Cursor,
  type Backend,
  type BpfMap,
  type ChosenStrategy,
  type Layout,
  type OpenRequest,
  type RecordHandler,
  type Ring,
  type Session,
} from "../../../src/index.js";

/** A ring buffer in memory. */
export class FakeRing implements Ring {
  readonly size = 65_536;
  readonly records: Uint8Array[] = [];
  drains = 0;
  /** A record is being written before those that are there: nothing can be read. */
  isBusy = false;
  #handed = 0;
  waits = 0;
  #waiting: (() => void) | undefined;

  constructor(readonly map: string) {}

  /** The kernel writes a record; who waits is woken. */
  push(...records: Uint8Array[]): void {
    this.records.push(...records);
    this.#signal();
  }

  pending(): number {
    return this.records.reduce((sum, record) => sum + record.length + 8, 0);
  }

  end(): number {
    return this.#handed + this.records.length;
  }

  hasReached(end: number): boolean {
    return this.#handed >= end;
  }

  drain(handler: RecordHandler, deadline: number): number {
    this.drains++;
    let count = 0;
    while (!this.isBusy && this.records.length > 0 && (count === 0 || performance.now() < deadline)) {
      const record = this.records.shift()!;
      const cursor = new Cursor(record.buffer, record.byteOffset, record.byteLength);
      cursor.length = record.byteLength;
      count++;
      this.#handed++;
      handler(cursor);
    }
    return count;
  }

  /** Level-triggered, as epoll is: data that is there already wakes too. */
  wait(callback: () => void): void {
    this.waits++;
    this.#waiting = callback;
    if (this.records.length > 0) setImmediate(() => this.#signal());
  }

  cancelWait(): void {
    this.#waiting = undefined;
  }

  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  #signal(): void {
    const callback = this.#waiting;
    this.#waiting = undefined;
    callback?.();
  }
}

/** A BPF map in memory. */
export class FakeMap implements BpfMap {
  readonly entries = new Map<string, Uint8Array>();

  constructor(
    readonly name: string,
    readonly type = "hash",
    readonly keySize = 4,
    readonly valueSize = 8,
    readonly maxEntries = 1024,
  ) {}

  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.entries.get(key.join());
  }

  update(key: Uint8Array, value: Uint8Array): void {
    this.entries.set(key.join(), value.slice());
  }

  delete(key: Uint8Array): boolean {
    return this.entries.delete(key.join());
  }

  async scan(): Promise<number> {
    return this.entries.size;
  }
}

/** What a fake session looks like, by plugin. Functions may throw or never resolve: that is what they are for. */
export interface FakePlan {
  readonly layouts?: Readonly<Record<string, Layout>>;
  readonly maps?: readonly FakeMap[];
  readonly strategies?: Readonly<Record<string, ChosenStrategy>>;
  open?(request: OpenRequest): void | Promise<void>;
  attach?(): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** A session that remembers what happened to it. */
export class FakeSession implements Session {
  readonly rings = new Map<string, FakeRing>();
  readonly strategies: Readonly<Record<string, ChosenStrategy>>;
  attached = false;
  closed = false;

  constructor(
    readonly request: OpenRequest,
    private readonly plan: FakePlan,
    private readonly journal: string[],
  ) {
    this.strategies =
      plan.strategies ??
      Object.fromEntries(
        Object.entries(request.probes).map(([group, { strategies }]) => [
          group,
          { name: request.force?.[group] ?? strategies[0].name, refused: [] },
        ]),
      );
  }

  async attach(): Promise<void> {
    await this.plan.attach?.();
    this.attached = true;
    this.journal.push(`attach ${this.request.plugin}`);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.attached = false;
    this.journal.push(`detach ${this.request.plugin}`);
    await this.plan.close?.();
  }

  ring(map: string): FakeRing {
    const ring = this.rings.get(map) ?? new FakeRing(map);
    this.rings.set(map, ring);
    return ring;
  }

  map(name: string): FakeMap {
    const found = this.plan.maps?.find((map) => map.name === name);
    if (found === undefined) throw new Error(`no map ${name}`);
    return found;
  }

  hasMap = (name: string) => this.plan.maps?.some((map) => map.name === name) ?? false;
  hasProgram = (program: string) =>
    Object.entries(this.request.probes).some(([group, { strategies }]) =>
      strategies.some((strategy) => strategy.name === this.strategies[group]?.name && program in strategy.programs),
    );
  layoutOf = (struct: string) => this.plan.layouts?.[struct];
  attachTo = () => ({ close() {} });
  iterator = () => ({ read: async () => 0, close() {} });
}

/** A backend in memory: no kernel, no privileges. */
export class FakeBackend implements Backend {
  readonly name = "fake";
  readonly readsObjects = false;
  readonly sessions: FakeSession[] = [];
  /** What happened, in order. */
  readonly journal: string[] = [];

  constructor(private readonly plans: Readonly<Record<string, FakePlan>> = {}) {}

  probe = async () => ({ supported: true });
  choose = async () => ({});

  async open(request: OpenRequest): Promise<FakeSession> {
    const plan = this.plans[request.plugin] ?? {};
    await plan.open?.(request);
    const session = new FakeSession(request, plan, this.journal);
    this.sessions.push(session);
    this.journal.push(`open ${request.plugin}`);
    return session;
  }

  async close(): Promise<void> {
    for (const session of this.sessions) await session.close();
  }

  /** The newest session of a plugin. */
  session(plugin: string): FakeSession {
    const session = this.sessions.findLast(({ request }) => request.plugin === plugin);
    if (session === undefined) throw new Error(`plugin ${plugin} has opened nothing`);
    return session;
  }

  get opened(): FakeSession[] {
    return this.sessions.filter(({ closed }) => !closed);
  }
}
