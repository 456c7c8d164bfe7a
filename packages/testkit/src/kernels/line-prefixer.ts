// SPDX-License-Identifier: MIT
import type { Writable } from "node:stream";

/** Passes output on, each line with a prefix: the lines of several machines stay whole and tell whose they are. */
export class LinePrefixer {
  private rest = Buffer.alloc(0);

  constructor(
    private readonly target: Pick<Writable, "write">,
    private readonly prefix: string,
  ) {}

  write(bytes: Buffer): void {
    if (this.prefix === "") {
      this.target.write(bytes);
      return;
    }
    let open = Buffer.concat([this.rest, bytes]);
    for (let end = open.indexOf(0x0a); end >= 0; end = open.indexOf(0x0a)) {
      this.target.write(Buffer.concat([Buffer.from(this.prefix), open.subarray(0, end + 1)]));
      open = open.subarray(end + 1);
    }
    this.rest = open;
  }

  /** Writes out a last line that lacks its end. */
  end(): void {
    if (this.rest.length > 0) this.write(Buffer.from("\n"));
  }
}
