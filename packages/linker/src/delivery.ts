// SPDX-License-Identifier: MIT

import { Backoff, type Clock, ExportError, type Exporter, messageOf, type Point } from "@skep/core";

export interface DeliveryOptions {
  readonly exporters: readonly Exporter[];
  readonly clock: Clock;
  /** Deadline of one attempt, milliseconds. */
  readonly attemptMs: number;
  readonly retry: { readonly initialMs: number; readonly maxMs: number };
  /** An attempt failed; `points` is how many are given up for it, 0 when it is tried again. */
  onFailure(exporter: Exporter, message: string, points: number): void;
}

/**
 * Hands batches to every exporter. A batch is done when each has taken it or refused it for good; one that cannot take it yet is asked
 * again, for as long as it takes: the spans wait in the store.
 */
export class Delivery {
  constructor(private readonly options: DeliveryOptions) {}

  /** @throws the signal's reason when it aborts first */
  async deliver(points: readonly Point[], signal: AbortSignal): Promise<void> {
    await Promise.all(this.options.exporters.map((exporter) => this.#deliverTo(exporter, points, signal)));
  }

  /** Flushes and closes every exporter; failures are told, not thrown. */
  async close(signal: AbortSignal): Promise<void> {
    for (const exporter of this.options.exporters) {
      try {
        await exporter.flush?.({ signal });
        await exporter.close?.();
      } catch (error) {
        this.options.onFailure(exporter, messageOf(error), 0);
      }
    }
  }

  async #deliverTo(exporter: Exporter, points: readonly Point[], signal: AbortSignal): Promise<void> {
    const wanted = points.filter((point) => accepts(exporter, point));
    const size = exporter.batchPoints ?? (wanted.length || 1);
    for (let at = 0; at < wanted.length; at += size) await this.#export(exporter, wanted.slice(at, at + size), signal);
  }

  async #export(exporter: Exporter, points: readonly Point[], signal: AbortSignal): Promise<void> {
    const { retry, onFailure } = this.options;
    const backoff = new Backoff(retry);
    for (;;) {
      try {
        await this.#attempt(exporter, points, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        const again = retryOf(error);
        onFailure(exporter, messageOf(error), again === undefined ? points.length : 0);
        if (again === undefined) return;
        await this.#sleep(Math.max(backoff.next(), again.retryAfterMs ?? 0), signal);
      }
    }
  }

  /** An attempt that outlasts its deadline is made again: its promise is not waited for any more. */
  #attempt(exporter: Exporter, points: readonly Point[], signal: AbortSignal): Promise<void> {
    const { clock, attemptMs } = this.options;
    return new Promise((resolve, reject) => {
      const attempt = new AbortController();
      const giveUp = (reason: unknown) => {
        attempt.abort(reason);
        reject(reason as Error);
      };
      const stop = () => giveUp(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      const late = new ExportError(`no answer within ${attemptMs} ms`, { retryable: true });
      const timer = clock.after(attemptMs, () => giveUp(late));
      (async () => exporter.export(points, { signal: attempt.signal }))()
        .then(resolve, reject)
        .finally(() => {
          timer.cancel();
          signal.removeEventListener("abort", stop);
        });
      if (signal.aborted) stop();
    });
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.options.clock.after(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      const onAbort = () => {
        timer.cancel();
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}

function accepts({ accepts: wanted }: Exporter, point: Point): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === "function" ? wanted(point) : wanted.includes(point.measurement);
}

/** Recognised by shape: the error may come from another copy of core. */
function retryOf(error: unknown): { readonly retryAfterMs?: number } | undefined {
  if (!(error instanceof Error) || error.name !== "ExportError") return undefined;
  const { options } = error as ExportError;
  return options.retryable ? options : undefined;
}
