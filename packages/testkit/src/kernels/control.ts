// SPDX-License-Identifier: MIT

/** What the guest's init tells through its control port. */
export interface ControlHandler {
  /** The job starts; `release` is what `uname -r` says. */
  boot(release: string): void;
  /** The job ended; 128 and more: by that signal. */
  exit(status: number): void;
}

/** Reads the control port. The only proof that a job ended is its KMEXIT line: QEMU exits with 0 after a panic as well. */
export class ControlReader {
  private rest = "";

  constructor(private readonly handler: ControlHandler) {}

  /** Takes bytes as they come; lines may be cut anywhere. */
  push(bytes: Buffer): void {
    const lines = (this.rest + bytes.toString("latin1")).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.read(line);
  }

  private read(line: string): void {
    const boot = /^KMBOOT (\S+)\r?$/.exec(line)?.[1];
    if (boot !== undefined) this.handler.boot(boot);
    const exit = /^KMEXIT (\d{1,3})\r?$/.exec(line)?.[1];
    if (exit !== undefined) this.handler.exit(Number(exit));
  }
}
