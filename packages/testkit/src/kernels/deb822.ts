// SPDX-License-Identifier: MIT

/** One paragraph of Debian control data: field name, in lower case, to value. */
export type Stanza = ReadonlyMap<string, string>;

/** Reads what `apt-cache show` prints. Continuation lines are joined with newlines. */
export function parseStanzas(text: string): Stanza[] {
  return text
    .split(/\n(?:[ \t]*\n)+/)
    .map(parseStanza)
    .filter((stanza) => stanza.size > 0);
}

function parseStanza(text: string): Stanza {
  const stanza = new Map<string, string>();
  let field: string | undefined;
  for (const line of text.split("\n")) {
    const start = /^([^\s:][^:]*):\s*(.*)$/.exec(line);
    if (start?.[1] !== undefined) {
      field = start[1].toLowerCase();
      stanza.set(field, start[2] ?? "");
    } else if (field !== undefined && /^\s/.test(line)) {
      stanza.set(field, `${stanza.get(field) ?? ""}\n${line.trim()}`);
    }
  }
  return stanza;
}

/** Names in a dependency field: the first alternative of each, without versions. */
export function dependencyNames(field: string | undefined): string[] {
  return (field ?? "")
    .split(",")
    .map((dependency) => /^\s*([^\s(|:]+)/.exec(dependency)?.[1])
    .filter((name) => name !== undefined);
}
