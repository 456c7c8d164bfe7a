// SPDX-License-Identifier: MIT

export const Direction = { UNKNOWN: 0, INCOMING: 1, OUTGOING: 2 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** Ports somebody listened on when the agent started, per network namespace. */
export class ListeningPorts {
  readonly #ports = new Set<number>();

  /** `netns` is an inode number (32 bits), so both fit in one exact number. */
  add(netns: number, port: number): void {
    this.#ports.add(netns * 65536 + port);
  }

  has(netns: number, port: number): boolean {
    return this.#ports.has(netns * 65536 + port);
  }
}

/**
 * Direction of a connection, seen from this host. One that was seen opening knows it. An older one is judged by its
 * local port: did anybody listen there when we started?
 */
export function directionOf(known: number, netns: number, localPort: number, listening: ListeningPorts): Direction {
  if (known === Direction.INCOMING || known === Direction.OUTGOING) return known;
  return listening.has(netns, localPort) ? Direction.INCOMING : Direction.OUTGOING;
}
