// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";

/** What the kernel says about one TCP socket: ground truth that owes nothing to BPF. What it does not say is 0. */
export interface SsSocket {
  readonly state: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Inode of the socket. */
  readonly inode: number;
  /** `SO_COOKIE`, hexadecimal as ss prints it. */
  readonly cookie: string;
  readonly rttMs: number;
  readonly rttVarMs: number;
  /** Bytes on the wire, retransmitted ones included. */
  readonly bytesSent: number;
  readonly bytesRetransmitted: number;
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  /** Segments retransmitted over the life of the connection. */
  readonly retransmits: number;
}

export interface SsOptions {
  readonly netns?: { readonly name: string };
  /** ss's own filter: `["sport", "=", ":8080"]`. */
  readonly filter?: readonly string[];
}

/** TCP sockets that are not listening. */
export function ssInfo({ netns, filter = [] }: SsOptions = {}): readonly SsSocket[] {
  const args = [...(netns === undefined ? [] : ["-N", netns.name]), "-tineHO", ...filter];
  return parseSs(execFileSync("ss", args, { encoding: "utf8" }));
}

/** Reads the output of `ss -tineHO`: one socket per line. */
export function parseSs(output: string): readonly SsSocket[] {
  return output.split("\n").flatMap((line) => {
    const [state, , , local, peer, ...rest] = line.trim().split(/\s+/);
    if (state === undefined || local === undefined || peer === undefined) return [];
    const said = new Map(rest.map((token) => splitAtColon(token)));
    const number = (name: string) => Number(said.get(name) ?? 0);
    const [rtt = 0, rttVar = 0] = (said.get("rtt") ?? "").split("/").map(Number);
    const [localAddress, localPort] = addressOf(local);
    const [peerAddress, peerPort] = addressOf(peer);
    return [
      {
        state,
        localAddress,
        localPort,
        peerAddress,
        peerPort,
        inode: number("ino"),
        cookie: said.get("sk") ?? "",
        rttMs: rtt,
        rttVarMs: rttVar,
        bytesSent: number("bytes_sent"),
        bytesRetransmitted: number("bytes_retrans"),
        bytesAcked: number("bytes_acked"),
        bytesReceived: number("bytes_received"),
        // "retrans:0/3": unacknowledged ones now, and all there were.
        retransmits: Number((said.get("retrans") ?? "0/0").split("/")[1] ?? 0),
      },
    ];
  });
}

function splitAtColon(token: string): readonly [string, string] {
  const at = token.indexOf(":");
  return at < 0 ? [token, ""] : [token.slice(0, at), token.slice(at + 1)];
}

/** `127.0.0.1:80`, `[::1]:80`, `[fe80::1]%eth0:80`, `127.0.0.1%lo:80`. */
function addressOf(text: string): readonly [string, number] {
  const at = text.lastIndexOf(":");
  const address = text.slice(0, at).replace(/%[^\]:]*$/, "");
  return [address.replace(/^\[|\]$/g, ""), Number(text.slice(at + 1))];
}
