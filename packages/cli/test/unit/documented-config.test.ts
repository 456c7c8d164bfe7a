// SPDX-License-Identifier: MIT
// What is documented is what works: the reference's own document, the generated sample and the schema for editors.
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deliverySection, inputSchema, limitsSection, sectionOf, traceSection } from "@skep/core";
import { datakitSection } from "@skep/exporter-datakit";
import { loadRunConfig } from "../../src/config.js";
import { everySection } from "../../src/sections.js";

const folder = mkdtempSync(join(tmpdir(), "skep-documented-"));
test.after.always(() => rmSync(folder, { recursive: true }));

const load = (file: string, flags: Record<string, string | boolean> = {}) =>
  loadRunConfig({ options: { config: file }, flags, command: undefined });
const loadText = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return load(file);
};
const docs = new URL("../../../../docs/", import.meta.url);
const sample = readFileSync(new URL("ebpf.conf", docs), "utf8");

/** The keys of the sample in the reference's document, in its words' order. */
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
  # bearer_token = "/run/secrets/kubernetes.io/serviceaccount/token"
  # bearer_token_string = "<your-token-string>"

  enabled_plugins = [
    "ebpf-net",
  ]
  l7net_enabled = [
    "httpflow",
    # "httpflow-tls"
  ]
  trace_server = ""
  trace_all_process = false
  trace_env_list = [
    "DK_BPFTRACE_SERVICE",
    "DD_SERVICE",
    "OTEL_SERVICE_NAME",
  ]
  trace_env_blacklist = []
  trace_name_list = []
  trace_name_blacklist = [
    # "datakit",
    # "datakit-ebpf",
  ]
  conv_to_ddtrace = false
  ipv6_disabled = false
  # ephemeral_port = 10001
  # interval = "60s"

  [inputs.ebpf.tags]
    # some_tag = "some_value"
    # more_tag = "some_other_value"
`;

test("the reference's sample is a configuration as it stands", async (t) => {
  const config = await loadText("ebpf.conf", reference);
  t.deepEqual(config.enabled_plugins, ["ebpf-net"]);
  t.is(sectionOf(config, datakitSection).datakit_apiserver, "0.0.0.0:9529");
  t.is(config.interval, 60_000);
  t.deepEqual(
    config.notices.map(({ key }) => key),
    ["daemon", "name", "cmd"],
  );
});

test("what the reference's document says of tracing is a configuration as it stands", async (t) => {
  const config = await loadText(
    "trace.conf",
    `[[inputs.ebpf]]
  enabled_plugins = [
    "ebpf-net",
    "ebpf-trace",
    # "ebpf-conntrack"
  ]
  l7net_enabled = [
    "httpflow",
    # "httpflow-tls"
  ]
  trace_server = "x.x.x.x:9529"
`,
  );
  t.true(config.enabled_plugins.includes("ebpf-net"));
  t.is(sectionOf(config, datakitSection).trace_server, "x.x.x.x:9529");
});

test.serial("every variable of the reference's document does what it says", async (t) => {
  const variables = {
    ENV_INPUT_EBPF_ENABLED_PLUGINS: "ebpf-net,ebpf-trace",
    ENV_INPUT_EBPF_L7NET_ENABLED: "httpflow",
    ENV_INPUT_EBPF_IPV6_DISABLED: "false",
    ENV_INPUT_EBPF_EPHEMERAL_PORT: "32768",
    ENV_INPUT_EBPF_INTERVAL: "60s",
    ENV_INPUT_EBPF_TRACE_SERVER: "127.0.0.1:9529",
    ENV_INPUT_EBPF_TRACE_ALL_PROCESS: "false",
    ENV_INPUT_EBPF_TRACE_NAME_BLACKLIST: "datakit,datakit-ebpf",
    ENV_INPUT_EBPF_TRACE_ENV_BLACKLIST: "datakit,datakit-ebpf",
    ENV_INPUT_EBPF_TRACE_ENV_LIST: "DK_BPFTRACE_SERVICE,DD_SERVICE,OTEL_SERVICE_NAME",
    ENV_INPUT_EBPF_TRACE_NAME_LIST: "chrome,firefox",
    ENV_INPUT_EBPF_CONV_TO_DDTRACE: "false",
  };
  t.teardown(() => Object.keys(variables).forEach((name) => delete process.env[name]));
  Object.assign(process.env, variables);
  const config = await loadText("empty.conf", "");
  t.like(config.plugins.get("ebpf-net"), { ephemeral_port: 32_768, ipv6_disabled: false, l7net_enabled: ["httpflow"] });
  t.is(sectionOf(config, datakitSection).trace_server, "127.0.0.1:9529");
  const trace = (config.plugins.get(traceSection.name) ?? sectionOf(config, traceSection)) as Record<string, unknown>;
  t.like(trace, {
    trace_name_list: ["chrome", "firefox"],
    trace_env_list: ["DK_BPFTRACE_SERVICE", "DD_SERVICE", "OTEL_SERVICE_NAME"],
    conv_to_ddtrace: false,
  });
});

/** Every option of the reference's command line, with a value. */
const options = {
  "datakit-apiserver": "127.0.0.1:9529",
  "trace-server": "127.0.0.1:9529",
  hostname: "bee",
  interval: "60s",
  pidfile: "/tmp/bee.pid",
  log: "/tmp/bee.log",
  "log-level": "debug",
  tags: "a=b;c=d",
  enabled: "ebpf-net,ebpf-bash",
  "container-endpoints": "unix:///run/containerd/containerd.sock",
  "netlog-metric": "true",
  "netlog-log": "true",
  "netlog-protocols": "http",
  "ephemeral-port": "10001",
  "l7net-disabled": "httpflow-tls",
  "l7net-enabled": "httpflow",
  "ipv6-disabled": "true",
  "pprof-host": "127.0.0.1",
  "pprof-port": "6061",
  service: "hive",
  "trace-protos": "http",
  "trace-protos-blacklist": "http",
  "trace-env-list": "A",
  "trace-name-list": "a",
  "trace-env-blacklist": "B",
  "trace-name-blacklist": "b",
  "trace-all-process": "true",
  "conv-to-ddtrace": "true",
  "res-cpu": "1.5",
  "res-mem": "512MiB",
  "res-bandwidth": "1MB/s",
  "sampling-rate": "0.5",
  "sampling-rate-ptsperminute": "1500",
};

test("every option of the reference is an option", async (t) => {
  const file = join(folder, "options.conf");
  writeFileSync(file, "");
  const read = await load(file, options);
  t.like(read, {
    hostname: "bee",
    pidfile: "/tmp/bee.pid",
    log_level: "debug",
    service: "hive",
    tags: { a: "b", c: "d" },
  });
  t.like(sectionOf(read, limitsSection), {
    cpu_limit: 1.5,
    mem_limit: 512 * 2 ** 20,
    sampling_rate: 0.5,
  });
});

test("the generated sample is a configuration, and so is all of it when nothing is commented out", async (t) => {
  t.deepEqual((await loadText("sample.conf", sample)).notices, []);
  const whole = sample.replaceAll(/^ {2}# /gm, "  ");
  const config = await loadText("whole.conf", whole);
  t.deepEqual(config.notices, []);
  t.is(sectionOf(config, deliverySection).spool_size, 256 * 2 ** 20);
});

test("the sample and the schema for editors know every key", (t) => {
  const schema = JSON.parse(readFileSync(new URL("ebpf.schema.json", docs), "utf8")) as {
    $defs: { ebpf: { properties: Record<string, unknown> } };
  };
  for (const section of everySection) {
    for (const key of Object.keys(inputSchema(section).properties ?? {})) {
      t.regex(sample, new RegExp(`^ {2}# ${key} = `, "m"), key);
      t.true(key in schema.$defs.ebpf.properties, key);
    }
  }
});

test("the schema for editors accepts what is right and refuses what is not", (t) => {
  const schema = JSON.parse(readFileSync(new URL("ebpf.schema.json", docs), "utf8")) as object;
  const isValid = new Ajv2020({ strict: false }).compile(schema);
  const keys = { enabled_plugins: ["ebpf-net"], interval: "60s", tags: { a: "b" }, trace_env_list: [], daemon: true };
  for (const right of [
    keys,
    { inputs: { ebpf: [keys] } },
    { inputs: { ebpf: keys } },
    { "ebpf-net": { loopback: true } },
  ]) {
    t.true(isValid(right), JSON.stringify(isValid.errors));
  }
  for (const wrong of [{ intervall: "60s" }, { interval: [] }, { inputs: { ebpf: [{ loopback: "yes" }] } }])
    t.false(isValid(wrong));
});

test("every key has words", (t) => {
  for (const section of everySection) {
    for (const [key, { description }] of Object.entries(inputSchema(section).properties ?? {})) {
      t.truthy(description, `${section.name}: ${key}`);
    }
  }
});
