// SPDX-License-Identifier: MIT

import { distance } from "fastest-levenshtein";

/** Those of `candidates` that `name` is likely meant to be, nearest first: at most a third of its letters are different. */
export function near(name: string, candidates: Iterable<string>): string[] {
  const limit = Math.max(2, Math.floor(name.length / 3));
  return [...new Set(candidates)]
    .map((candidate) => ({ candidate, away: distance(name, candidate) }))
    .filter(({ candidate, away }) => away <= limit && away < candidate.length)
    .sort((a, b) => a.away - b.away)
    .map(({ candidate }) => candidate);
}

/** `did you mean X or Y?`, or undefined when nothing is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const [first, second] = near(name, candidates);
  if (first === undefined) return undefined;
  return second === undefined ? `did you mean ${first}?` : `did you mean ${first} or ${second}?`;
}
