// SPDX-License-Identifier: MIT

/**
 * One line of work in a process, that does one thing after the other: a goroutine where there are some, else a kernel thread.
 * Text, equal for the same unit.
 */
export type Unit = string;

/** A request that a unit has been asked and works at. */
export interface Entry {
  readonly unit: Unit;
  /** On which it was asked. */
  readonly connection: object;
  /** When the unit had what it needs to begin, ns. */
  readonly openedNs: number;
  /** When the last byte of the response had been written, ns; Infinity before. */
  closedNs: number;
  /** Whether the unit itself sent the response, so that nobody took over. Undefined as long as that is not known. */
  isAnsweredByUnit: boolean | undefined;
  /** Who began the response, if that is known by now. */
  answeredBy: Unit | undefined;
  /** Shared by the request and the calls made for it; undefined for a request that cannot be read. */
  readonly traceId: bigint | undefined;
}

/**
 * What a call was made for: an entry; or none, because the unit worked at nothing we saw; or one of several, and nobody can tell
 * which.
 */
export type Cause = Entry | "none" | "uncertain";

/** How a goroutine came to be. */
export interface Origin {
  /** Who made it. */
  readonly parent: Unit;
  readonly createdNs: number;
  /** Infinity: it is still at work. */
  readonly endedNs: number;
}

const FORGET_EVERY_NS = 2e9;
/** Generations that are followed. */
const MOST_GENERATIONS = 16;
/** Who has done his part may be a little behind the response that waited for it, ns. */
const SLOW_TO_END = 10e6;

const isOpenAt = (entry: Entry, atNs: number): boolean => entry.openedNs < atNs && atNs < entry.closedNs;

/**
 * A unit that reads the requests of many streams from one connection makes another unit for each before it reads on: that one is
 * for the request that was read last. Two that were read at once are told apart by nobody, nor are those of two connections.
 */
function readLast(entries: readonly Entry[]): readonly Entry[] {
  if (entries.some(({ connection }) => connection !== entries[0]!.connection)) return entries;
  const lastNs = Math.max(...entries.map(({ openedNs }) => openedNs));
  return entries.filter(({ openedNs }) => openedNs === lastNs);
}

/** Of requests that a unit had in hand when it made the last unit of `line`: those that one of the line has answered, if any. */
function madeFor(entries: readonly Entry[], line: readonly Unit[]): readonly Entry[] {
  const answered = entries.filter(({ answeredBy }) => answeredBy !== undefined && line.includes(answeredBy));
  return answered.length > 0 ? answered : readLast(entries);
}

/**
 * What each unit worked at, and when. A unit that works at two requests at once (an event loop) leaves it open which of them a
 * call was made for: such a call has no cause rather than a wrong one.
 */
export class Units {
  readonly #entries = new Map<Unit, Entry[]>();
  #forgottenNs = -Infinity;
  #blindFromNs = Infinity;
  #blindUntilNs = -Infinity;

  /** @param originOf undefined for a unit that nobody made, or of which that is not known */
  constructor(private readonly originOf: (unit: Unit) => Origin | undefined = () => undefined) {}

  /** A unit begins to work at a request. */
  open(entry: Entry): void {
    const entries = this.#entries.get(entry.unit);
    if (entries === undefined) this.#entries.set(entry.unit, [entry]);
    else entries.push(entry);
  }

  /** Records were lost: requests may have been read between these times that nobody knows of. */
  blind(fromNs: number, untilNs: number): void {
    if (fromNs > this.#blindUntilNs) this.#blindFromNs = fromNs;
    this.#blindUntilNs = Math.max(this.#blindUntilNs, untilNs);
  }

  /** What a call was made for that `unit` began at `atNs`. */
  causeOf(unit: Unit, atNs: number): Cause {
    const line: Unit[] = [];
    let [maker, whenNs] = [unit, atNs];
    for (let generation = 0; generation < MOST_GENERATIONS; generation++) {
      const entries = (this.#entries.get(maker) ?? []).filter((entry) => isOpenAt(entry, whenNs));
      const open = generation === 0 ? entries : madeFor(entries, line);
      if (open.length > 1) return "uncertain";
      if (open.length > 0 && this.#isBlindAt(atNs)) return "uncertain";
      // Who was made for a request goes on working for it, as long as that is open.
      if (open[0] !== undefined) return isOpenAt(open[0], atNs) ? open[0] : "none";
      const origin = this.originOf(maker);
      if (origin === undefined) return "none";
      line.push(maker);
      [maker, whenNs] = [origin.parent, origin.createdNs];
    }
    return "none";
  }

  /**
   * Whether `unit`, one that made it, or the unit of `entry` that made those, has answered the request. Else it may have been made
   * for another that the unit of `entry` had in hand, perhaps one that nobody knows of.
   */
  isAnsweredBy(unit: Unit, { unit: maker, answeredBy }: Entry): boolean {
    let line = unit;
    for (let generation = 0; line !== answeredBy; generation++) {
      const origin = line === maker || generation === MOST_GENERATIONS ? undefined : this.originOf(line);
      if (origin === undefined) return false;
      line = origin.parent;
    }
    return true;
  }

  /**
   * Whether `unit`, or one between it and the unit of `entry` that made it, goes on when the request is over. Such a one may be
   * made by whoever comes first, to work for all that come later (a connection's sender, a pool's worker).
   */
  outlives(unit: Unit, { unit: maker, closedNs }: Entry): boolean {
    let line = unit;
    for (let generation = 0; line !== maker && generation < MOST_GENERATIONS; generation++) {
      const origin = this.originOf(line);
      if (origin === undefined || origin.endedNs > closedNs + SLOW_TO_END) return true;
      line = origin.parent;
    }
    return line !== maker;
  }

  #isBlindAt(atNs: number): boolean {
    return this.#blindFromNs <= atNs && atNs <= this.#blindUntilNs;
  }

  /** Forgets requests that were over before `beforeNs`, now and then: it takes a look at all. */
  forget(beforeNs: number): void {
    if (beforeNs < this.#forgottenNs + FORGET_EVERY_NS) return;
    this.#forgottenNs = beforeNs;
    for (const [unit, entries] of this.#entries) {
      const kept = entries.filter(({ closedNs }) => closedNs >= beforeNs);
      if (kept.length === 0) this.#entries.delete(unit);
      else if (kept.length < entries.length) this.#entries.set(unit, kept);
    }
  }
}
