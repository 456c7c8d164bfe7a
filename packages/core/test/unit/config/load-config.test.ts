// SPDX-License-Identifier: MIT

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import {
  defineSection,
  deliverySection,
  limitsSection,
  loadConfig,
  sectionOf,
  traceSection,
  type ConfigSources,
  type SkepError,
} from "../../../src/index.js";
import { testPlugin } from "../support/plugins.js";

const net = testPlugin("ebpf-net", undefined, {
  config: z.strictObject({
    ipv6_disabled: z.boolean().default(false),
    ephemeral_port: z.int().min(0).max(65535).default(0),
    l7net_enabled: z.array(z.string()).default(["httpflow"]),
    shared: z.string().default("-"),
  }) as never,
});
const bash = testPlugin("ebpf-bash", undefined, {
  config: z.strictObject({ shared: z.string().default("-"), capture: z.boolean().default(true) }) as never,
});
const plugins = [net, bash];
const exporter = defineSection({
  name: "exporter",
  description: "test",
  config: z.strictObject({
    datakit_apiserver: z.string().default(""),
    trace_server: z.string().default(""),
    headers: z.record(z.string(), z.string()).default({}).meta({ writeOnly: true }),
  }),
  env: { OTHER_PROGRAM_ENDPOINT: "datakit_apiserver" },
});
const sections = [exporter, limitsSection, deliverySection, traceSection];

const load = (text: string, more: Partial<ConfigSources> = {}) =>
  loadConfig({ text, file: "ebpf.conf", plugins, sections, ...more });
const refuse = async (t: ExecutionContext, loading: Promise<unknown>, code: string) =>
  (await t.throwsAsync(loading, { code })) as SkepError;

/** The reference's sample, shortened to its keys. */
const reference = `
[[inputs.ebpf]]
  daemon = true
  name = 'ebpf'
  cmd = "/usr/local/datakit/externals/datakit-ebpf"
  args = [
    "--datakit-apiserver", "0.0.0.0:9529",
  ]
  envs = []
  # kubernetes_url = "https://kubernetes.default:443"
  enabled_plugins = [
    "ebpf-net",
  ]
  l7net_enabled = [
    "httpflow",
    # "httpflow-tls"
  ]
  trace_server = ""
  trace_all_process = false
  trace_env_list = [ "DK_BPFTRACE_SERVICE", "DD_SERVICE" ]
  trace_env_blacklist = []
  trace_name_list = []
  trace_name_blacklist = []
  conv_to_ddtrace = false
  ipv6_disabled = true
  # ephemeral_port = 10001
  # interval = "60s"

  [inputs.ebpf.tags]
    some_tag = "some_value"
    more_tag = 7
`;

test("nothing configured means ebpf-net with its defaults, once a minute", async (t) => {
  const config = await loadConfig({ plugins });
  t.like(config, {
    enabled_plugins: ["ebpf-net"],
    interval: 60_000,
    hostname: undefined,
    service: "ebpf",
    tags: {},
    log_level: "info",
    log: undefined,
    notices: [],
  });
  t.deepEqual(config.resolved, [net]);
  t.deepEqual(config.plugins.get("ebpf-net"), {
    ipv6_disabled: false,
    ephemeral_port: 0,
    l7net_enabled: ["httpflow"],
    shared: "-",
  });
});

test("the reference's sample is understood, and what is ignored is told, unless it asks for nothing", async (t) => {
  const config = await load(reference);
  t.deepEqual(config.tags, { some_tag: "some_value", more_tag: "7" });
  t.like(config.plugins.get("ebpf-net"), { ipv6_disabled: true, l7net_enabled: ["httpflow"] });
  t.deepEqual(
    config.notices.map(({ key, where }) => `${key} ${where}`),
    ["daemon ebpf.conf:3", "name ebpf.conf:4", "cmd ebpf.conf:5"],
  );
  t.is(sectionOf(config, exporter).datakit_apiserver, "0.0.0.0:9529");
  t.deepEqual(sectionOf(config, traceSection).trace_env_list, ["DK_BPFTRACE_SERVICE", "DD_SERVICE"]);
});

test("YAML says the same with and without inputs.ebpf", async (t) => {
  const keys = ["enabled_plugins: [ebpf-bash, ebpf-net]", "interval: 1m30s", "ipv6_disabled: true", "tags: {a: b}"];
  const flat = keys.join("\n");
  const nested = `inputs:\n  ebpf:\n    - ${keys.join("\n      ")}\n`;
  for (const text of [flat, nested]) {
    const config = await load(text, { file: "skep.yaml" });
    t.like(config, { enabled_plugins: ["ebpf-bash", "ebpf-net"], interval: 90_000, tags: { a: "b" } });
    t.like(config.plugins.get("ebpf-net"), { ipv6_disabled: true });
    t.deepEqual(config.resolved, [bash, net]);
  }
});

test("a file is read from disk, and one that is not there is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "skep-config-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "a.toml"), 'service = "bees"\n');
  t.is((await loadConfig({ file: join(folder, "a.toml"), plugins })).service, "bees");
  const missing = await refuse(t, loadConfig({ file: join(folder, "b.toml"), plugins }), "SKEP_ERR_CONFIG");
  t.true(missing.message.includes(join(folder, "b.toml")));
});

test("flags win over the environment, that over args, that over the file's keys, that over defaults", async (t) => {
  const text = 'service = "file"\nhostname = "file"\nlog = "file"\nargs = ["--hostname=args", "--log", "args"]\n';
  const env = { ENV_INPUT_EBPF_LOG: "env", ENV_INPUT_EBPF_SHARED: "env" };
  const lower = await load(text, { env });
  t.like(lower, { service: "file", hostname: "args", log: "env" });
  t.like(lower.plugins.get("ebpf-net"), { shared: "env" });
  const upper = await load(text, { env, flags: { service: "flag", hostname: "flag", log: "flag", shared: "flag" } });
  t.like(upper, { service: "flag", hostname: "flag", log: "flag" });
  t.like(upper.plugins.get("ebpf-net"), { shared: "flag" });
});

test("tags of all sources are merged, name by name", async (t) => {
  const config = await load('[tags]\na = "file"\nb = "file"\nc = "file"\n', {
    env: { ENV_INPUT_EBPF_TAGS: "b=env;c=env" },
    flags: { tags: ["c=flag,d=x=y"] },
  });
  t.deepEqual(config.tags, { a: "file", b: "env", c: "flag", d: "x=y" });
});

test("a flat key means every plugin that has it, a plugin's own table wins over it", async (t) => {
  const text = 'enabled_plugins = ["ebpf-net", "ebpf-bash"]\nshared = "flat"\n[ebpf-bash]\nshared = "table"\n';
  const config = await load(text);
  t.like(config.plugins.get("ebpf-net"), { shared: "flat" });
  t.like(config.plugins.get("ebpf-bash"), { shared: "table" });
  const flagged = await load(text, { flags: { shared: "flag" } });
  t.like(flagged.plugins.get("ebpf-bash"), { shared: "flag" });
});

test("keys of a known plugin may stand there though it is not enabled", async (t) => {
  t.deepEqual([...(await load("capture = false\n")).plugins.keys()], ["ebpf-net"]);
});

for (const [text, expected] of [
  ["", false],
  ["f", false],
  ["false", false],
  ["FALSE", false],
  ["False", false],
  ["0", false],
  ["true", true],
  ["no", true],
  ["1", true],
] as const) {
  test(`${JSON.stringify(text)} in the environment is ${expected}, as in the reference`, async (t) => {
    const config = await load("ipv6_disabled = true\n", { env: { ENV_INPUT_EBPF_IPV6_DISABLED: text } });
    t.like(config.plugins.get("ebpf-net"), { ipv6_disabled: expected });
  });
}

test("variables and flags are read as the type their key has; empty variables say nothing", async (t) => {
  const config = await load("", {
    env: {
      ENV_INPUT_EBPF_ENABLED_PLUGINS: "ebpf-bash, ebpf-net,",
      ENV_INPUT_EBPF_L7NET_ENABLED: "httpflow,httpflow-tls",
      ENV_INPUT_EBPF_EPHEMERAL_PORT: "",
      ENV_INPUT_EBPF_INTERVAL: "2m",
      ENV_INPUT_EBPFTRACE_DB_PATH: "somebody else's",
    },
    flags: { "ephemeral-port": "10001", "ipv6-disabled": true, log_level: "debug", enabled: undefined },
  });
  t.like(config, { enabled_plugins: ["ebpf-bash", "ebpf-net"], interval: 120_000, log_level: "debug" });
  t.like(config.plugins.get("ebpf-net"), {
    l7net_enabled: ["httpflow", "httpflow-tls"],
    ephemeral_port: 10001,
    ipv6_disabled: true,
  });
});

test("an interval outside the reference's limits is clamped and told, unless it is typed by hand", async (t) => {
  const short = await load('interval = "1s"\n');
  t.is(short.interval, 10_000);
  t.like(short.notices, [{ key: "interval", where: "ebpf.conf:1" }]);
  t.is((await load("", { env: { ENV_INPUT_EBPF_INTERVAL: "2h" } })).interval, 1_800_000);
  t.like(await load("", { flags: { interval: "250ms" } }), { interval: 250, notices: [] });
  t.is((await load("", { flags: { interval: "1ms" } })).interval, 100);
  t.is((await load("interval = 30\n")).interval, 30_000);
});

test("an unknown key is named with file, line and the nearest right one", async (t) => {
  const error = await refuse(
    t,
    load('[[inputs.ebpf]]\n# interval\nintervall = "10s"\n'),
    "SKEP_ERR_CONFIG_UNKNOWN_KEY",
  );
  t.is(error.message, "ebpf.conf:3: there is no key intervall");
  t.is(error.hint, "did you mean interval?");
});

test("an unknown key in YAML, in a variable, a flag, args or a plugin's table is named where it stands", async (t) => {
  const code = "SKEP_ERR_CONFIG_UNKNOWN_KEY";
  const where = async (loading: Promise<unknown>) => (await refuse(t, loading, code)).message.split(": there")[0];
  t.is(await where(load("a:\n  b: 1\nservice: x\nservise: y\n", { file: "a.yml" })), "a.yml:1");
  t.is(await where(load("service: x\nservise: y\n", { file: "a.yml" })), "a.yml:2");
  t.is(await where(load("", { env: { ENV_INPUT_EBPF_SERVISE: "x" } })), "ENV_INPUT_EBPF_SERVISE");
  t.is(await where(load("", { flags: { servise: "x" } })), "--servise");
  t.is(await where(load('\nargs = ["--servise", "x"]\n')), "ebpf.conf:2: args: --servise");
  const table = await refuse(t, load("[ebpf-net]\nipv6_disable = true\n"), code);
  t.regex(table.message, /there is no key ipv6_disable of ebpf-net$/);
  t.is(table.hint, "did you mean ipv6_disabled?");
});

test("a value of the wrong kind is named with where it stands and what would be right", async (t) => {
  const message = async (loading: Promise<unknown>) => (await refuse(t, loading, "SKEP_ERR_CONFIG")).message;
  t.regex(await message(load('\ninterval = "soon"\n')), /^ebpf\.conf:2: interval: "soon" is no duration such as/);
  t.regex(await message(load('enabled_plugins = "ebpf-net"\n')), /^ebpf\.conf:1: enabled_plugins: .*expected array/);
  t.regex(await message(load("", { flags: { "log-level": "loud" } })), /^--log-level: log_level: .*"debug"/);
  const port = { ENV_INPUT_EBPF_EPHEMERAL_PORT: "70000" };
  t.regex(
    await message(load("", { env: port })),
    /configuration of ebpf-net is wrong: ENV_INPUT_EBPF_EPHEMERAL_PORT: ephemeral_port: .*65535/,
  );
  t.regex(await message(load("", { flags: { tags: "oops" } })), /^--tags: "oops" is not name=value/);
  t.regex(await message(load("args = 3\n")), /^ebpf\.conf:1: args must be a list of strings/);
});

for (const [what, text, at, hint] of [
  ["text without quotes", "[[inputs.ebpf]]\n  interval = 10s\n", "ebpf.conf:2:", 'interval = "10s"'],
  ["a missing value", "service =\n", "ebpf.conf:1:", "a value is missing"],
  ["a list that is not closed", 'enabled_plugins = ["a",\n"b"\nservice = "x"\n', "ebpf.conf:3:", "closing ]"],
  ["a key twice", 'service = "a"\nservice = "b"\n', "ebpf.conf:2:", "keep one of them"],
  ["YAML", "service: a\n", "ebpf.conf:1:", "YAML files end in .yaml"],
] as const) {
  test(`broken TOML with ${what} is told with file, line and a hint`, async (t) => {
    const error = await refuse(t, load(text), "SKEP_ERR_CONFIG_SYNTAX");
    t.true(error.message.startsWith(at), error.message);
    t.true(error.hint?.includes(hint), error.hint);
  });
}

test("broken YAML is told with file, line and column", async (t) => {
  const error = await refuse(t, load("a: 1\nb: [1, 2\nc: 3\n", { file: "a.yaml" }), "SKEP_ERR_CONFIG_SYNTAX");
  t.regex(error.message, /^a\.yaml:3:1: /);
});

test("a number that JavaScript cannot hold is refused rather than rounded", async (t) => {
  for (const [file, text] of [
    ["a.toml", "ephemeral_port = 9007199254740993\n"],
    ["a.yaml", "ephemeral_port: 9007199254740993\n"],
  ] as const) {
    t.regex((await refuse(t, load(text, { file }), "SKEP_ERR_CONFIG")).message, /ephemeral_port: .*bigint/);
  }
});

test("only the first of several sections is used, other inputs are not ours, and both are told", async (t) => {
  const text = '[[inputs.ebpf]]\nservice = "one"\n[[inputs.ebpf]]\nservice = "two"\n[[inputs.cpu]]\npercpu = true\n';
  const config = await load(text);
  t.is(config.service, "one");
  t.deepEqual(
    config.notices.map(({ key, where }) => `${key} ${where}`),
    ["inputs.cpu ebpf.conf:5", "inputs.ebpf ebpf.conf:1"],
  );
});

test("plugins can be looked up by the names that are enabled, each once", async (t) => {
  const asked: string[][] = [];
  const config = await load('enabled_plugins = ["ebpf-bash", "ebpf-bash"]\ncapture = false\n', {
    plugins: async (enabled) => (asked.push([...enabled]), [bash]),
  });
  t.deepEqual(asked, [["ebpf-bash"]]);
  t.deepEqual(config.plugins.get("ebpf-bash"), { shared: "-", capture: false });
});

test("an enabled plugin that nobody knows is refused with the nearest name", async (t) => {
  const error = await refuse(t, load('enabled_plugins = ["ebpf-nett"]\n'), "SKEP_ERR_PLUGIN_UNKNOWN");
  t.is(error.hint, "did you mean ebpf-net?");
});

test("a key that two sections declare means both, and a section's defaults hold when nobody speaks of it", async (t) => {
  const config = await load('trace_server = "linker:9529"\n');
  t.is(sectionOf(config, exporter).trace_server, "linker:9529");
  t.is(sectionOf(config, traceSection).trace_server, "linker:9529");
  t.is(sectionOf(await loadConfig({ plugins }), deliverySection).export_timeout, 30_000);
});

test("limits are read as the reference writes them, by the flags' and the variables' names", async (t) => {
  const text = 'cpu_limit = "1.5"\nmem_limit = "4GiB"\nsampling_rate = "0.5"\n';
  const limits = { cpu_limit: 1.5, mem_limit: 4 * 2 ** 30, sampling_rate: 0.5 };
  t.like(sectionOf(await load(text), limitsSection), limits);
  const flags = { "res-cpu": "1.5", res_mem: "4GiB", "sampling-rate": "0.5" };
  t.like(sectionOf(await load("", { flags }), limitsSection), limits);
  const env = { ENV_INPUT_EBPF_SAMPLING_RATE_PTSPERMIN: "1500" };
  t.like(sectionOf(await load("", { env }), limitsSection), { sampling_rate_pts_per_min: 1500 });
  const none = { cpu_limit: undefined, mem_limit: undefined, sampling_rate: undefined };
  t.like(sectionOf(await load('cpu_limit = ""\nmem_limit = "0"\nsampling_rate = ""\n'), limitsSection), none);
});

for (const wrong of ['cpu_limit = "-1"', 'mem_limit = "lots"', 'net_limit = "5 apples/s"', 'sampling_rate = "1.5"']) {
  test(`${wrong} is refused with its line`, async (t) => {
    const error = await refuse(t, load(`\n${wrong}\n`), "SKEP_ERR_CONFIG");
    t.regex(error.message, new RegExp(`ebpf\\.conf:2: ${wrong.split(" ")[0]}: ".*" is no `));
  });
}

test("a plugin that Skep leaves out does not keep the others from running, and is told with its line", async (t) => {
  const config = await load('\nenabled_plugins = ["ebpf-net", "bpf-netlog", "later"]\nnetlog_log = true\n', {
    leftOut: { later: "is not there yet" },
  });
  t.deepEqual(config.enabled_plugins, ["ebpf-net"]);
  t.deepEqual(
    config.notices.map(({ where, message }) => `${where} ${message.split(" ").slice(0, 3).join(" ")}`),
    ["ebpf.conf:2 bpf-netlog captures packets", "ebpf.conf:2 later is not", "ebpf.conf:3 netlog_log belongs to"],
  );
  const alone = await refuse(t, load("", { flags: { enabled: "bpf-netlog" } }), "SKEP_ERR_PLUGIN_UNKNOWN");
  t.regex(alone.message, /^--enabled: bpf-netlog captures packets/);
});

test("a limit of the host's traffic, which is not followed, is told when it limits anything", async (t) => {
  t.deepEqual((await load('net_limit = ""\n')).notices, []);
  const config = await load("", { flags: { "res-bandwidth": "100MB/s" } });
  t.deepEqual(
    config.notices.map(({ where }) => where),
    ["--res-bandwidth"],
  );
});

test("keys that are ignored are checked all the same", async (t) => {
  t.regex((await refuse(t, load('netlog_log = "x"\n'), "SKEP_ERR_CONFIG")).message, /^ebpf\.conf:1: netlog_log: /);
});

test("variables of the reference's own process and of other programs are understood, below our own", async (t) => {
  const env = { ENV_HOSTNAME: "bee", OTHER_PROGRAM_ENDPOINT: "a:1", DKE_K8S_URL: "no plugin here has it" };
  const config = await load("", { env });
  t.is(config.hostname, "bee");
  t.is(sectionOf(config, exporter).datakit_apiserver, "a:1");
  const both = await load("", { env: { ...env, ENV_INPUT_EBPF_DATAKIT_APISERVER: "b:2" } });
  t.is(sectionOf(both, exporter).datakit_apiserver, "b:2");
});

test("a secret is not quoted by the error that refuses it", async (t) => {
  const error = await refuse(t, load("", { flags: { headers: "hunter2" } }), "SKEP_ERR_CONFIG");
  t.is(error.message, "--headers: an entry is not name=value");
});
