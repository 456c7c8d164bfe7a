// SPDX-License-Identifier: MIT
// Writes the pages of docs/ that come from declarations in the code (build first). --check: fails when one differs.
import { readFile, writeFile } from "node:fs/promises";
import { everySection } from "../packages/cli/dist/index.js";
import { errorCodes, inputSchema, leftOutKeys, leftOutPlugins } from "../packages/core/dist/index.js";
import { bash } from "../packages/plugin-bash/dist/index.js";
import { conntrack } from "../packages/plugin-conntrack/dist/index.js";
import { kubernetes } from "../packages/plugin-kubernetes/dist/index.js";
import { net } from "../packages/plugin-net/dist/index.js";
import { processes } from "../packages/plugin-process/dist/index.js";
import { trace } from "../packages/plugin-trace/dist/index.js";
import { configurationPage } from "./docs/configuration-page.mjs";
import { jsonSchema } from "./docs/json-schema.mjs";
import { codeCell, generated, table } from "./docs/markdown.mjs";
import { sampleFile } from "./docs/sample.mjs";

function errorsPage() {
  return `${generated}
# Errors

Every error Skep throws is a \`SkepError\` with one of these codes, a message that says what is wrong and where, and, where
there is one, a \`hint\` with the mend. Codes are stable: scripts may match them.

${table(
  ["code", "means"],
  Object.entries(errorCodes).map(([code, meaning]) => [`\`${code}\``, meaning]),
)}
`;
}

function pluginSection(plugin) {
  const defaults = plugin.config.parse({});
  const keys = Object.entries(plugin.config.shape);
  const config = keys.length
    ? table(
        ["key", "default", "means"],
        keys.map(([key, schema]) => [`\`${key}\``, codeCell(defaults[key]), schema.description ?? ""]),
      )
    : "No configuration.";
  const probes = Object.entries(plugin.probes).flatMap(([group, { observes, strategies }]) =>
    strategies.map(({ name, limits }, index) => [
      index === 0 ? `\`${group}\`` : "",
      index === 0 ? observes : "",
      `\`${name}\``,
      limits ?? "",
    ]),
  );
  return `## \`${plugin.name}\`

${plugin.description}. Needs ${plugin.capabilities.map((capability) => `\`${capability}\``).join(", ") || "no capability"}.

${config}

${probes.length ? table(["probe group", "observes", "strategy, best first", "what it cannot see"], probes) : "No probes."}

${plugin.measurements.map(measurementSection).join("\n")}`;
}

function measurementSection({ name, description, tags, fields }) {
  return `### Measurement \`${name}\`

${description}. Core adds the tags \`host\`, \`service\` and those of the configuration.

${table(
  ["tag", "value"],
  Object.entries(tags).map(([key, spec]) => [`\`${key}\``, spec.description + (spec.optional ? " (optional)" : "")]),
)}

${table(
  ["field", "type", "unit", "value"],
  Object.entries(fields).map(([key, spec]) => [`\`${key}\``, spec.type, spec.unit, spec.description]),
)}
`;
}

const leftOutSchemas = Object.fromEntries(
  Object.entries(leftOutKeys).map(([key, { schema, why }]) => {
    return [key, { schema: inputSchema({ config: schema }), why }];
  }),
);

const pages = {
  "docs/configuration.md": configurationPage(everySection, leftOutKeys, leftOutPlugins),
  "docs/ebpf.conf": sampleFile(everySection),
  "docs/ebpf.schema.json": jsonSchema(everySection, leftOutSchemas),
  "docs/errors.md": errorsPage(),
  "docs/plugins.md": `${generated}\n# Plugins\n\n${[net, bash, conntrack, processes, kubernetes, trace].map(pluginSection).join("\n")}`,
};
const check = process.argv.includes("--check");
for (const [path, text] of Object.entries(pages)) {
  const url = new URL(`../${path}`, import.meta.url);
  if (!check) await writeFile(url, text);
  else if ((await readFile(url, "utf8").catch(() => "")) !== text) {
    console.error(`${path} differs from the code: run node scripts/docs.mjs`);
    process.exitCode = 1;
  }
}
