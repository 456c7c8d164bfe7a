// SPDX-License-Identifier: MIT

/** `conn_record` -> `connRecord`; dots of inner structs count as underscores. */
export function camelCase(name: string): string {
  const [first = "", ...rest] = name.split(/[_.]+/).filter((word) => word !== "");
  return first.charAt(0).toLowerCase() + first.slice(1) + rest.map(capitalize).join("");
}

/** `conn_record` -> `ConnRecord`. */
export function pascalCase(name: string): string {
  return capitalize(camelCase(name));
}

/** Members that only fill a gap: `_`, `_reserved`, `pad`, `pad2`, `padding`. */
export function isPadding(name: string): boolean {
  return name.split(".").some((part) => /^(_|pad\d*$|padding)/.test(part));
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
