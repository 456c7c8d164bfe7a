// SPDX-License-Identifier: MIT

/** What one process moved, as its own system calls told it: nothing here comes from Skep. */
export class Truth {
  #rows = new Map();

  /** @param {"tcp" | "udp"} transport @param {"IPv4" | "IPv6"} family @param {"incoming" | "outgoing"} direction */
  of(transport, family, direction) {
    const key = `${transport} ${family} ${direction}`;
    if (!this.#rows.has(key)) {
      this.#rows.set(key, {
        process: process.title,
        pid: process.pid,
        transport,
        family,
        direction,
        bytes_read: 0,
        bytes_written: 0,
        tcp_established: 0,
        tcp_closed: 0,
      });
    }
    return this.#rows.get(key);
  }

  /** Counts a TCP connection from its beginning to its end. @param {import("node:net").Socket} socket */
  follow(socket, family, direction) {
    const row = this.of("tcp", family, direction);
    row.tcp_established++;
    socket.once("close", () => {
      row.tcp_closed++;
      row.bytes_read += socket.bytesRead;
      row.bytes_written += socket.bytesWritten;
    });
  }

  rows() {
    return [...this.#rows.values()];
  }
}
