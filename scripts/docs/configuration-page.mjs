// SPDX-License-Identifier: MIT
// docs/configuration.md
import { keysOf } from "./keys.mjs";
import { codeCell, generated, table } from "./markdown.mjs";

const quoted = (names) => names.map((name) => `\`${name}\``).join(", ");

function sectionPart(section) {
  const keys = keysOf(section);
  if (keys.length === 0) return "";
  const rows = keys.map(({ key, flag, schema, others }) => [
    `\`${key}\``,
    `\`${flag}\``,
    codeCell(schema.default),
    [
      schema.description ?? "",
      schema.examples?.length && schema.default !== schema.examples[0] ? `e.g. ${codeCell(schema.examples[0])}` : "",
      others.length > 0 ? `also ${quoted(others)}` : "",
      schema.writeOnly ? "**never logged**" : "",
    ]
      .filter(Boolean)
      .join("; "),
  ]);
  return `### \`${section.name}\`

${section.description}.

${table(["key", "flag", "default", "means"], rows)}
`;
}

export const configurationPage = (sections, leftOutKeys, leftOutPlugins) => `${generated}
# Configuration

Skep is configured as \`datakit-ebpf\` is: an \`ebpf.conf\`, the \`ENV_INPUT_EBPF_*\` variables and flags of the reference do here what
they do there. [ebpf.conf](ebpf.conf) is a sample with every key, [ebpf.schema.json](ebpf.schema.json) a JSON Schema that editors
complete and check with (first line of a TOML file: \`#:schema PATH/ebpf.schema.json\`). This page, both files and the checks at start come from the same declarations.

## Where a value comes from

Later rows win. A list replaces the list below it; \`tags\` are merged name by name.

| source | looks like |
| --- | --- |
| default | the tables below |
| file | \`skep run --config ebpf.conf\`: TOML with \`[[inputs.ebpf]]\`, or YAML (\`.yaml\`, \`.yml\`) with the same keys; without \`inputs\` the keys stand at the top |
| \`args\` of the file | \`args = ["--datakit-apiserver", "0.0.0.0:9529"]\`, read as flags |
| environment | \`ENV_INPUT_EBPF_<KEY>\`, such as \`ENV_INPUT_EBPF_INTERVAL=30s\`; an empty variable says nothing, but for a boolean it is false |
| flag | \`--interval 30s\`, \`--interval=30s\`; underscores may stand for hyphens |

A key stands flat and means everything that declares it, or in a table with the name of a plugin or of a section below
(\`[inputs.ebpf.ebpf-net]\`), which wins over the flat one.

| kind | written |
| --- | --- |
| duration | \`60s\`, \`1m30s\`, \`500ms\`, \`1.5h\` (units \`h m s ms us ns\`); a bare number is seconds |
| size | \`512MiB\`, \`2GB\`, \`100K\`; \`K M G\` are powers of 1000, \`KiB MiB GiB\` of 1024, in any case; a rate may end in \`/s\` |
| boolean | in files \`true\` and \`false\`; in variables and flags the empty text, \`f\`, \`false\`, \`FALSE\`, \`False\` and \`0\` are false, anything else is true |
| list | in files a list; in variables and flags split at commas |
| table | in files a table; in variables and flags \`name=value\`, split at commas or semicolons |

A key that does not exist, or a value of the wrong kind, keeps Skep from starting (exit status 2): the message names file and line,
variable or flag, and the nearest right name. Keys marked **never logged** hold secrets, or may: no log line and no error quotes
them.

\`SIGHUP\` makes an agent that was started with \`--config\` and without a COMMAND read file and environment again: points that wait
are written, and it goes on with the new configuration. One that is wrong is told in the log, and the old one stays.

## Keys

${sections.map(sectionPart).filter(Boolean).join("\n")}
## Accepted and ignored

So that every configuration of the reference starts. What is set to anything but nothing is named in one warning.

${table(
  ["key", "it"],
  Object.entries(leftOutKeys).map(([key, { why }]) => [`\`${key}\``, why]),
)}

${table(
  ["plugin in `enabled_plugins`", "it"],
  Object.entries(leftOutPlugins).map(([name, why]) => [`\`${name}\``, why]),
)}

## What differs from the reference

* Without \`datakit_apiserver\` points go to standard output alone; the reference then sends to \`0.0.0.0:9529\`. The sample of the
  reference names the address in \`args\`, which is followed.
* \`log\` and \`pidfile\` have no default: logs go to standard error, and no file is written.
* \`cpu_limit\` is what the agent uses now, not on average since it started.
* A number that does not parse is refused rather than replaced.
`;
