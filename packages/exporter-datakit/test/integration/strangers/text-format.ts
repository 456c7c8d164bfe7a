// SPDX-License-Identifier: MIT

/** A message in protobuf's text format: member -> its values, in order; scalars as they are written, strings unescaped. */
export type TextMessage = Map<string, (string | TextMessage)[]>;

/** Reads what `protoc --decode` prints. */
export function parseText(text: string): TextMessage {
  const root: TextMessage = new Map();
  const open: TextMessage[] = [root];
  for (const line of text.split("\n").map((one) => one.trim())) {
    const message = open.at(-1)!;
    const add = (name: string, value: string | TextMessage) => {
      const values = message.get(name);
      if (values === undefined) message.set(name, [value]);
      else values.push(value);
    };
    const begin = /^(\w+) \{$/.exec(line);
    const scalar = /^(\w+): (.*)$/.exec(line);
    if (begin !== null) {
      const inner: TextMessage = new Map();
      add(begin[1]!, inner);
      open.push(inner);
    } else if (line === "}") open.pop();
    else if (scalar !== null)
      add(scalar[1]!, scalar[2]!.startsWith('"') ? unescaped(scalar[2]!.slice(1, -1)) : scalar[2]!);
    else if (line !== "") throw new Error(`no text format: ${line}`);
  }
  return root;
}

const named: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, '"': 34, "'": 39, "\\": 92 };

/** Bytes beyond ASCII are escaped in octal, one by one. */
function unescaped(text: string): string {
  const bytes: number[] = [];
  for (const [, octal, escaped, plain] of text.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) bytes.push(parseInt(octal, 8));
    else if (escaped !== undefined) bytes.push(named[escaped]!);
    else bytes.push(...Buffer.from(plain!));
  }
  return Buffer.from(bytes).toString("utf8");
}
