// SPDX-License-Identifier: MIT
// A linker in a process of its own, to be killed: DATABASE WINDOW_MS OUTPUT. Says its port on stdout; appends what it exports to
// OUTPUT before it takes it.
import { appendFileSync } from "node:fs";
import { ndjsonLine } from "@skep/core";
import { Linker, serveLinker, sqliteStore } from "../../src/index.js";

const [path = "", windowMs = "", output = ""] = process.argv.slice(2);
const linker = new Linker({
  store: sqliteStore({ path }),
  windowMs: Number(windowMs),
  exporters: [
    {
      name: "file",
      export: (points) => appendFileSync(output, points.map((point) => `${ndjsonLine(point)}\n`).join("")),
    },
  ],
});
const server = await serveLinker(linker, { port: 0 });
process.stdout.write(`${server.port}\n`);
