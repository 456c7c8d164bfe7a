// SPDX-License-Identifier: MIT

import {
  type Agent,
  type AgentOptions,
  type Clock,
  createAgent,
  type Plugin,
  SkepError,
  systemClock,
} from "@skep/core";
import type { RecordingFrame, Turn } from "../recording/frame.js";
import type { RunRecording } from "../recording/run-file.js";
import type { RecordedKernel } from "./recorded-kernel.js";
import { replayBackend, requireRecordingOf } from "./replay-backend.js";
import { replayedPlugin } from "./replayed-plugin.js";
import { Script } from "./script.js";

/** Turns of the event loop after which a plugin is taken to wait for something that is still to come. */
const QUIET_TURNS = 4;
/** Records between two turns of the event loop. */
const RECORDS_PER_TURN = 1_000;
/** Points waiting for an exporter above which the replay waits for it. */
const ENOUGH_QUEUED = 20_000;
/** The agent's own flush clock has nothing to say in a replay: the longest timer there is. */
const NEVER_MS = 2 ** 31 - 1;

export interface PlayOptions extends Pick<AgentOptions, "exporters" | "log" | "sampling"> {
  /** Plugins of the recording, by name. */
  readonly plugins: readonly Plugin[];
  /** Ends the replay early, its last points flushed. */
  readonly signal?: AbortSignal;
}

/** A frame, and to whom it is told. */
interface Cue {
  readonly script: Script;
  readonly index: number;
  readonly frame: RecordingFrame;
}

/**
 * An agent that will make the points of a recorded run again, as fast as it can, and what lets it: nothing is asked of this host.
 * @throws SkepError `SKEP_ERR_RECORDING` when a recorded plugin is missing or has other layouts now
 */
export class Player {
  readonly agent: Agent;
  readonly #scripts: readonly Script[];
  readonly #time: RecordedTime;
  readonly #kernelOf: (script: Script) => RecordedKernel;
  #flush: Promise<void> = Promise.resolve();
  /** The last timer's turn of each session: it comes back when it is done. */
  readonly #timers = new Map<Script, Promise<void>>();

  constructor(
    run: RunRecording,
    private readonly options: PlayOptions,
  ) {
    const { hostname, service, tags } = run.header;
    this.#scripts = run.sessions.map((recording) => new Script(recording));
    this.#time = new RecordedTime(run);
    const backend = replayBackend(run.sessions, { clock: this.#time, poison: false, stepwise: true });
    const names = [...new Set(run.sessions.map(({ header }) => header.plugin.name))];
    const scriptsOf = (name: string) => this.#scripts.filter(({ recording }) => recording.header.plugin.name === name);
    this.#kernelOf = (script) => {
      const { name } = script.recording.header.plugin;
      return backend.kernels(name)[scriptsOf(name).indexOf(script)]!;
    };
    this.agent = createAgent({
      backend,
      clock: this.#time,
      plugins: names.map((name) => {
        const plugin = options.plugins.find((candidate) => candidate.name === name);
        const [first] = scriptsOf(name);
        if (plugin === undefined || first === undefined) throw missing(name);
        requireRecordingOf(plugin, first.recording);
        const waiting = scriptsOf(name);
        const { config } = first.recording.header;
        return { plugin: replayedPlugin(plugin, () => waiting.shift()), ...(config === undefined ? {} : { config }) };
      }),
      interval: NEVER_MS,
      hostname,
      service,
      tags,
      env: { HOST_PROC: "/nonexistent/proc", HOST_ROOT: "/nonexistent" },
      ...(options.exporters === undefined ? {} : { exporters: options.exporters }),
      ...(options.sampling === undefined ? {} : { sampling: options.sampling }),
      ...(options.log === undefined ? {} : { log: options.log }),
    });
  }

  /**
   * Plays all of it and stops the agent. Rejects as `agent.start()` does.
   * @param onStarted called when the plugins run
   */
  async play(onStarted: () => void = () => {}): Promise<void> {
    try {
      const started = this.agent.start().then(onStarted);
      started.catch(() => {}); // awaited below
      let records = 0;
      for (const cue of this.#cues()) {
        if (this.options.signal?.aborted) break;
        this.#time.reach(cue.frame.timeNs);
        if (cue.frame.kind === "turn") {
          if (cue.frame.turn.why !== "wake") await started;
          await this.#take(cue.script, cue.frame.turn);
        } else if (cue.frame.kind === "record") {
          await started;
          this.#hand(cue.script, cue.frame);
          if (++records % RECORDS_PER_TURN === 0) await this.#exported();
        } else if (this.#kernelOf(cue.script).reach(cue.frame)) {
          await quiet();
        }
        if (cue.index === cue.script.recording.frames.length - 1) this.#kernelOf(cue.script).releaseReads();
      }
      await started;
      await Promise.all([this.#flush, ...this.#timers.values()]);
      await this.#exported();
    } finally {
      for (const script of this.#scripts) this.#kernelOf(script).releaseReads();
      await this.agent.stop();
    }
  }

  /** Frames of all sessions in the order of their times; of one session in their own. */
  #cues(): readonly Cue[] {
    const cues = this.#scripts.flatMap((script) =>
      script.recording.frames.map((frame, index): Cue => ({ script, index, frame })),
    );
    return cues.sort((a, b) =>
      a.frame.timeNs < b.frame.timeNs ? -1 : a.frame.timeNs > b.frame.timeNs ? 1 : a.index - b.index,
    );
  }

  #hand(script: Script, { stream, bytes }: Extract<RecordingFrame, { kind: "record" }>): void {
    const { name } = script.recording.streams.get(stream)!;
    this.#kernelOf(script).ring(name).push(bytes);
    script.catchUp(name);
  }

  /** Gives a plugin its turn, and goes on when it waits for something or is done. */
  async #take(script: Script, turn: Turn): Promise<void> {
    this.#kernelOf(script).watchReads();
    switch (turn.why) {
      case "wake":
        script.sleepers[turn.sleep]?.();
        break;
      case "every":
        this.#timers.set(script, this.#timer(script, turn.timer));
        break;
      case "flush":
        // Plugins are flushed one after another, so what the last one waited for has come.
        await this.#flush;
        script.dueFlushes.push(turn);
        this.#flush = this.agent.flush();
        break;
    }
    await quiet();
    await this.#exported();
  }

  async #timer(script: Script, timer: number): Promise<void> {
    await this.#timers.get(script);
    await Promise.resolve(script.timers[timer]?.()).catch(() => {}); // as it failed then
  }

  async #exported(): Promise<void> {
    while (this.agent.status().exporters.some(({ queued }) => queued > ENOUGH_QUEUED)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Time that stands where the replay is. Timers are real: exporters live in the present. */
class RecordedTime implements Clock {
  readonly #bootNs: bigint;
  #nowNs: bigint;

  constructor({ sessions }: RunRecording) {
    const times = sessions.map(({ header }) => header.clock);
    const [first = { monotonicNs: 0n, unixNs: 0n }] = times;
    this.#nowNs = times.reduce(
      (least, { monotonicNs }) => (monotonicNs < least ? monotonicNs : least),
      first.monotonicNs,
    );
    this.#bootNs = first.unixNs - first.monotonicNs;
  }

  reach(timeNs: bigint): void {
    if (timeNs > this.#nowNs) this.#nowNs = timeNs;
  }

  now(): number {
    return systemClock.now();
  }

  monotonicNs(): bigint {
    return this.#nowNs;
  }

  unixNs(): bigint {
    return this.#nowNs + this.#bootNs;
  }

  after(ms: number, fn: () => void): ReturnType<Clock["after"]> {
    return systemClock.after(ms, fn);
  }

  soon(fn: () => void): ReturnType<Clock["soon"]> {
    return systemClock.soon(fn);
  }
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
}

const missing = (name: string): SkepError =>
  new SkepError("SKEP_ERR_RECORDING", `the recording is of the plugin ${name}, which is not here`, {
    plugin: name,
    hint: "install the plugin whose recording it is",
  });
