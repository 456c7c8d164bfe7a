// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inputSchema } from "@skep/core";
import test from "ava";
import { addressParts, linkerSection } from "../../src/index.js";

test("the README has every key with its default", (t) => {
  const readme = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
  const { properties = {} } = inputSchema(linkerSection);
  for (const [key, { default: fallback, description }] of Object.entries(properties)) {
    t.truthy(description, key);
    const cell = fallback === "" ? "" : `\`${String(fallback)}\` `;
    t.true(readme.includes(`| \`${key}\` | ${cell}|`), key);
  }
});

test("addresses are host and port, of both kinds of IP", (t) => {
  t.deepEqual(addressParts("0.0.0.0:9529"), { host: "0.0.0.0", port: 9529 });
  t.deepEqual(addressParts("[::]:9529"), { host: "::", port: 9529 });
  t.is(addressParts(""), undefined);
  for (const listen of ["9529", "host", "::1:80", "host:port"])
    t.throws(() => linkerSection.config.parse({ listen }), undefined, listen);
  for (const key of ["sampling_rate", "max_spans"])
    t.throws(() => linkerSection.config.parse({ [key]: -1 }), undefined, key);
});
