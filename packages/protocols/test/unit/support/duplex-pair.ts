// SPDX-License-Identifier: MIT

import { Duplex } from "node:stream";

/** What one end wrote. */
interface Written {
  readonly isClient: boolean;
  readonly bytes: Buffer;
}

/** Two ends of a connection in memory, and what was said on it, in order. */
export function duplexPair(): { readonly client: Duplex; readonly server: Duplex; readonly said: Written[] } {
  const said: Written[] = [];
  const end = (isClient: boolean, other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(bytes: Buffer, _encoding, done) {
        said.push({ isClient, bytes: Buffer.from(bytes) });
        setImmediate(() => {
          other().push(bytes);
          done();
        });
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const client: Duplex = end(true, () => server);
  const server: Duplex = end(false, () => client);
  return { client, server, said };
}
