// SPDX-License-Identifier: MIT

/** Knuth's multiplicative hash, with the factor other tracers use, so that they keep the same traces. */
const FACTOR = 1_111_111_111_111_111_111n;

/** Whether chance keeps a trace: a matter of its id alone, so that every linker and every restart decides alike. */
export function chanceKeeps(traceId: string, rate: number): boolean {
  if (rate >= 1) return true;
  if (rate <= 0) return false;
  const sum = BigInt(`0x${traceId.slice(0, 16)}`) + BigInt(`0x${traceId.slice(16)}`);
  return BigInt.asUintN(64, sum * FACTOR) < BigInt(Math.floor(rate * 2 ** 53)) << 11n;
}
