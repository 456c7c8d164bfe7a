// SPDX-License-Identifier: MIT

import type { Call } from "@skep/protocols";
import type { Connection, Listener } from "../capture/connection.js";
import type { Mover } from "../capture/marks.js";
import { SharedConnections } from "./shared-connections.js";
import { type Cause, type Entry, type Unit, Units } from "./units.js";
import { beginnerOf, type GoroutineKnowledge, originOfUnit, responderOf, unitOf, type Work } from "./work.js";

/** How a call ended up. */
export interface Attributed {
  readonly connection: Connection;
  readonly call: Call;
  readonly isIncoming: boolean;
  /** Who began it; undefined when that was never known. */
  readonly mover: Mover | undefined;
  /** Of the request it was made for; undefined: of its own. */
  readonly traceId: bigint | undefined;
}

/** Why calls are not tied to the request they may have been made for. */
export interface Unlinked {
  /** Their unit worked at several requests at once, or may work for others too. */
  uncertain: number;
  /** Somebody else than who was asked has answered: work was handed over, and nobody can tell which. */
  handedOver: number;
  /** The request was not over in time. */
  slow: number;
}

export interface AttributionOptions {
  /** How long a call waits for the end of the request it was made for, ns. */
  readonly patienceNs: number;
  /** An id for a call that `mover` began. */
  readonly traceIdOf: (mover: Mover, call: Call) => bigint;
  readonly settled: (attributed: Attributed) => void;
  /** So many calls will not be told. */
  readonly lost: (calls: number) => void;
  /** Whether a call's connection is one that several units use at once. Default: none is. */
  readonly isShared?: (call: Call) => boolean;
  /** Default: there are no Go programs. */
  readonly goroutines?: GoroutineKnowledge;
}

const noGoroutines: GoroutineKnowledge = { isGo: () => false, originOf: () => undefined, askerOf: () => undefined };

/** Calls that wait at most; the oldest are settled before their time. */
const MOST_WAITING = 262_144;

/**
 * Finds out which request each call was made for. That is decided when both are over and it is known who answered the request:
 * a unit that read a request, made the call and sent the response did it for that request, if it had no other in hand.
 */
export class Attribution implements Listener {
  readonly units: Units;
  readonly #shared = new SharedConnections();
  readonly #goroutines: GoroutineKnowledge;
  #unlinked: Unlinked = { uncertain: 0, handedOver: 0, slow: 0 };
  /** Calls under way, by connection. */
  readonly #underWay = new Map<Connection, Map<Call, Work>>();
  /** The last request of each connection whose requests cannot be read. */
  readonly #unread = new WeakMap<Connection, Entry>();
  /** Calls that are over, in the order they were told. */
  #waiting: Work[] = [];
  /** The latest the kernel's clock is known to show, ns. */
  #nowNs = 0;

  constructor(private readonly options: AttributionOptions) {
    const goroutines = (this.#goroutines = options.goroutines ?? noGoroutines);
    this.units = new Units((unit) => originOfUnit(unit, goroutines));
  }

  /** Calls that are over and not settled. */
  get waiting(): number {
    return this.#waiting.length;
  }

  asked(connection: Connection, call: Call): void {
    this.#attribute(this.#begin(connection, call));
  }

  marked(connection: Connection): void {
    for (const [call, work] of this.#underWay.get(connection) ?? []) {
      this.#attribute(work);
      if (work.toldNs !== undefined && work.entry?.isAnsweredByUnit !== undefined) this.#forget(connection, call);
    }
  }

  /**
   * A request that cannot be read is in hand from when its bytes are read until the next are written; for so long as a call
   * would wait for it, if none are.
   */
  markedUnread(connection: Connection, mover: Mover, isWritten: boolean): void {
    const inHand = this.#unread.get(connection);
    if (inHand !== undefined && inHand.closedNs > mover.timeNs) {
      if (isWritten) inHand.closedNs = mover.timeNs;
      return;
    }
    const unit = this.#unitOf(mover);
    if (isWritten || unit === undefined) return;
    const entry: Entry = {
      unit,
      connection,
      openedNs: mover.timeNs,
      closedNs: mover.timeNs + this.options.patienceNs,
      isAnsweredByUnit: false,
      answeredBy: undefined,
      traceId: undefined,
    };
    this.#unread.set(connection, entry);
    this.units.open(entry);
  }

  told(connection: Connection, call: Call): void {
    const calls = this.#underWay.get(connection);
    const work = calls?.get(call) ?? this.#begin(connection, call);
    this.#nowNs = Math.max(this.#nowNs, connection.lastNs);
    work.toldNs = this.#nowNs;
    if (work.entry !== undefined) work.entry.closedNs = call.lastNs;
    this.#attribute(work);
    // Who answered is told after the answer.
    if (work.entry === undefined || work.entry.isAnsweredByUnit !== undefined) this.#forget(connection, call);
    this.#waiting.push(work);
    if (this.#waiting.length > MOST_WAITING) this.#settle(this.#waiting.shift()!);
  }

  /** Which calls they were is not known: those under way may be them, and stop being worked at. */
  lost(connection: Connection, calls: number): void {
    this.options.lost(calls);
    for (const [call, { entry, toldNs }] of this.#underWay.get(connection) ?? []) {
      if (toldNs !== undefined) continue;
      if (entry !== undefined) {
        entry.closedNs = connection.lastNs + this.options.patienceNs;
        entry.isAnsweredByUnit = false;
      }
      this.#forget(connection, call);
    }
  }

  /** Records were lost since `sinceNs`: what begins until requests of that time are over is not certain. */
  lostRecords(sinceNs: number): void {
    this.units.blind(sinceNs, this.#nowNs + 2 * this.options.patienceNs);
  }

  /** How many calls were left alone since it was asked last, and why. */
  takeUnlinked(): Readonly<Unlinked> {
    const taken = this.#unlinked;
    this.#unlinked = { uncertain: 0, handedOver: 0, slow: 0 };
    return taken;
  }

  /** Settles what can be, and what has waited long enough by now; `isLast`: everything. */
  tick(nowNs: number, isLast = false): void {
    this.#nowNs = Math.max(this.#nowNs, nowNs);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const work of waiting) this.#attribute(work);
    for (const work of waiting) {
      const isPatient = !isLast && this.#nowNs - work.toldNs! < this.options.patienceNs;
      if (isPatient && !this.#isKnown(work)) this.#waiting.push(work);
      else this.#settle(work);
    }
    this.units.forget(this.#nowNs - 2 * this.options.patienceNs);
  }

  #begin(connection: Connection, call: Call): Work {
    const work: Work = {
      connection,
      call,
      isIncoming: connection.isServer,
      mover: undefined,
      unit: undefined,
      entry: undefined,
      cause: undefined,
      toldNs: undefined,
      isAnybodys: false,
    };
    const calls = this.#underWay.get(connection);
    if (calls === undefined) this.#underWay.set(connection, new Map([[call, work]]));
    else calls.set(call, work);
    return work;
  }

  #forget(connection: Connection, call: Call): void {
    const calls = this.#underWay.get(connection);
    calls?.delete(call);
    if (calls?.size === 0) this.#underWay.delete(connection);
  }

  /** Notes what is known by now. */
  #attribute(work: Work): void {
    if (work.mover === undefined) {
      work.mover = beginnerOf(work, this.#goroutines);
      const unit = (work.unit = work.mover && this.#unitOf(work.mover));
      if (unit === undefined) return;
      if (work.isIncoming) this.#enter(work, unit);
      else this.#make(work);
    }
    // Which of several it was may be known when they are answered.
    if (work.cause === "uncertain") work.cause = this.#causeOf(work);
    if (work.entry !== undefined) this.#noteResponder(work, work.entry);
  }

  #make(work: Work): void {
    work.cause = this.#causeOf(work);
    if (this.options.isShared?.(work.call)) this.#shared.began(work);
  }

  #enter(work: Work, unit: Unit): void {
    const { mover, call, toldNs } = work;
    work.entry = {
      unit,
      connection: work.connection,
      openedNs: mover!.timeNs,
      closedNs: toldNs === undefined ? Infinity : call.lastNs,
      isAnsweredByUnit: undefined,
      answeredBy: undefined,
      traceId: this.options.traceIdOf(mover!, call),
    };
    this.units.open(work.entry);
  }

  /** Whether waiting would tell nothing more. */
  #isKnown(work: Work): boolean {
    if (work.mover === undefined) return false;
    const request = work.isIncoming ? work.entry : work.cause;
    // Threads answer on their own connections: what is uncertain stays so.
    if (request === "uncertain") return work.mover.goroutine === 0n;
    if (typeof request !== "object") return true;
    return request.closedNs !== Infinity && request.isAnsweredByUnit !== undefined;
  }

  #settle(work: Work): void {
    const { connection, call, isIncoming, mover, entry } = work;
    this.#forget(connection, call);
    if (entry !== undefined) entry.isAnsweredByUnit ??= false;
    const traceId = isIncoming ? entry?.traceId : this.#traceIdOf(work);
    this.options.settled({ connection, call, isIncoming, mover, traceId });
  }

  /** Of the request a call was made for, if that is certain. */
  #traceIdOf(work: Work): bigint | undefined {
    const { unit } = work;
    if (unit === undefined || work.cause === undefined || work.cause === "none") return undefined;
    // What was not known when the call began may be known now.
    const cause = this.#causeOf(work);
    if (cause === "none") return undefined;
    if (cause === "uncertain" || work.isAnybodys) {
      this.#unlinked.uncertain++;
      return undefined;
    }
    if (cause.closedNs === Infinity) {
      this.#unlinked.slow++;
      return undefined;
    }
    if (cause.unit === unit && cause.isAnsweredByUnit !== true) {
      this.#unlinked.handedOver++;
      return undefined;
    }
    // Who was made for a request, and is gone with it, worked for it.
    if (!this.units.isAnsweredBy(unit, cause) || this.units.outlives(unit, cause)) {
      this.#unlinked.uncertain++;
      return undefined;
    }
    return cause.traceId;
  }

  /** Notes whether the unit of an entry answers, if that is known by now. A request that is over without an answer has nobody's. */
  #noteResponder(work: Work, entry: Entry): void {
    if (entry.isAnsweredByUnit !== undefined) return;
    const responder = responderOf(work, this.#goroutines);
    if (responder !== undefined) {
      entry.answeredBy = this.#unitOf(responder);
      entry.isAnsweredByUnit = entry.answeredBy === entry.unit;
    } else if (work.toldNs !== undefined && work.call.responseAt < 0) entry.isAnsweredByUnit = false;
  }

  /** As far as it is known by now. */
  #causeOf({ unit, call }: Work): Cause {
    return unit === undefined ? "none" : this.units.causeOf(unit, call.firstNs);
  }

  #unitOf(mover: Mover): Unit | undefined {
    return unitOf(mover, this.#goroutines);
  }
}
