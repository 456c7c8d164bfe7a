// SPDX-License-Identifier: MIT

/** What one process did, as its own system calls told it, row by row as Skep tells it: nothing here comes from Skep. */
export class Truth {
  #rows = new Map();
  #nat;

  /** @param {{ host: string, port: number }} [backend] where this process's connections really go */
  constructor(backend) {
    this.#nat = { dst_nat_ip: backend?.host ?? "N/A", dst_nat_port: String(backend?.port ?? "N/A") };
  }

  /** @param {"tcp" | "udp"} transport @param {"IPv4" | "IPv6"} family @param {"incoming" | "outgoing"} direction */
  of(transport, family, direction) {
    const zero = { bytes_read: 0, bytes_written: 0, ...(transport === "tcp" && { tcp_established: 0, tcp_closed: 0 }) };
    return this.#row("netflow", { transport, family, direction, ...this.#nat }, zero);
  }

  /** Counts a TCP connection from its beginning to its end. @param {import("node:net").Socket} socket */
  follow(socket, family, direction) {
    const row = this.of("tcp", family, direction);
    row.counters.tcp_established++;
    socket.once("close", () => {
      row.counters.tcp_closed++;
      row.counters.bytes_read += socket.bytesRead;
      row.counters.bytes_written += socket.bytesWritten;
    });
  }

  /** Exchanges with this request line and status. */
  http(family, direction, { method, path, status }) {
    const identity = { family, direction, method, path, status_code: status, ...this.#nat };
    return this.#row("httpflow", identity, { count: 0, bytes_read: 0, bytes_written: 0 });
  }

  dns(family, direction, rcode) {
    return this.#row("dnsflow", { transport: "udp", family, direction, rcode }, { count: 0 });
  }

  /** Whole call trees of checkouts. */
  checkouts() {
    return this.#row("dketrace", { tree: "whole call trees" }, { count: 0 });
  }

  #row(measurement, identity, zero) {
    const key = [measurement, ...Object.values(identity)].join(" ");
    if (!this.#rows.has(key)) {
      const who = { process: process.title, identity: { pid: process.pid, ...identity } };
      this.#rows.set(key, { measurement, ...who, counters: zero });
    }
    return this.#rows.get(key);
  }

  rows() {
    return [...this.#rows.values()];
  }
}
