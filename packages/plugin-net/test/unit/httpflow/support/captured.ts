// SPDX-License-Identifier: MIT

import { Duplex } from "node:stream";

/** Bytes one end of a connection in memory wrote. */
export interface Written {
  readonly isRequest: boolean;
  readonly bytes: Buffer;
}

/** Two ends of a connection in memory, and what they wrote, in order. */
export class Captured {
  readonly written: Written[] = [];
  readonly client = this.#end(true, () => this.server);
  readonly server: Duplex = this.#end(false, () => this.client);

  /** All that the client, or the server, wrote. */
  all(isRequest: boolean): Buffer {
    return Buffer.concat(this.written.filter((one) => one.isRequest === isRequest).map(({ bytes }) => bytes));
  }

  #end(isRequest: boolean, peer: () => Duplex): Duplex {
    return new Duplex({
      read() {},
      write: (bytes: Buffer, _encoding, done) => {
        this.written.push({ isRequest, bytes: Buffer.from(bytes) });
        setImmediate(() => {
          peer().push(bytes);
          done();
        });
      },
      final: (done) => {
        setImmediate(() => {
          peer().push(null);
          done();
        });
      },
    });
  }
}
