// SPDX-License-Identifier: MIT

import { loadConfig } from "@skep/core";
import test from "ava";
import { netConfig } from "../../src/config.js";
import { enabledL7, l7Protocols, type L7Lists } from "../../src/l7net.js";
import { net } from "../../src/plugin.js";

test("without configuration every client port is folded, IPv6 is seen and loopback is not", (t) => {
  t.deepEqual(netConfig.parse({}), {
    dnsflow_max_keys: 65_536,
    dnsflow_max_questions: 1_000,
    dnsflow_max_waiting: 65_536,
    dnsflow_question_tags: false,
    ephemeral_port: 0,
    ipv6_disabled: false,
    httpflow_max_connections: 16_384,
    httpflow_max_keys: 65_536,
    httpflow_max_path: 1024,
    loopback: false,
    max_connections: 131_072,
    max_udp_flows: 65_536,
  });
});

test("an unknown key is refused by name", (t) => {
  const { error } = netConfig.safeParse({ ephemeral_ports: 10_001 });
  t.regex(error?.message ?? "", /ephemeral_ports/);
});

test("every key says what it is for", (t) => {
  for (const [key, schema] of Object.entries(netConfig.shape)) t.truthy(schema.description, key);
});

test("numbers that make no sense are refused", (t) => {
  const wrong = [
    { ephemeral_port: 65_536 },
    { ephemeral_port: 1.5 },
    { ephemeral_port: "10001" },
    { max_connections: 15 },
    { max_connections: 4_194_305 },
    { max_udp_flows: 0 },
    { max_udp_flows: 16.5 },
    { l7net_enabled: ["dnsflow"] },
    { l7net_enabled: "httpflow" },
    { httpflow_max_path: 15 },
    { httpflow_max_path: 8193 },
    { httpflow_max_keys: 63 },
    { httpflow_max_connections: 0 },
    { loopback: 1 },
    { ipv6_disabled: "no" },
  ];
  for (const config of wrong) t.false(netConfig.safeParse(config).success, JSON.stringify(config));
});

test("the values at the borders are accepted", (t) => {
  const right = [
    { ephemeral_port: -1 },
    { ephemeral_port: 65_535 },
    { max_connections: 16 },
    { max_udp_flows: 4_194_304 },
  ];
  for (const config of right) t.like(netConfig.parse(config), config);
});

test("configuration reaches the kernel side", (t) => {
  const config = netConfig.parse({ loopback: true, ipv6_disabled: true, max_connections: 1000, max_udp_flows: 500 });
  t.deepEqual(net.load!(config, {}), {
    rodata: { skip_loopback: false, skip_ipv6: true },
    mapEntries: {
      conns: 1000,
      udp_flows_0: 500,
      udp_flows_1: 500,
      http_conns: 16_384,
      tls_conns: 16_384,
      http_orders: 16_384,
    },
    without: ["tls_plaintext", "tls_socket"],
  });
  t.deepEqual(net.load!(netConfig.parse({}), {}).rodata, { skip_loopback: true, skip_ipv6: false });
});

test("what is looked into is what l7net_enabled names, else all but what l7net_disabled names, else httpflow", (t) => {
  const enabled = (lists: L7Lists) => [...enabledL7(lists)];
  t.deepEqual(enabled({}), ["httpflow"]);
  t.deepEqual(enabled({ l7net_disabled: [] }), ["httpflow"]);
  t.deepEqual(enabled({ l7net_enabled: ["httpflow-tls"] }), ["httpflow-tls"]);
  t.deepEqual(enabled({ l7net_enabled: ["httpflow"], l7net_disabled: ["httpflow"] }), ["httpflow"]);
  t.deepEqual(enabled({ l7net_disabled: ["httpflow-tls"] }), ["httpflow"]);
  t.deepEqual(enabled({ l7net_enabled: [], l7net_disabled: ["httpflow"] }), ["httpflow-tls"]);
  t.deepEqual(enabled({ l7net_disabled: l7Protocols }), []);
  t.deepEqual(enabled({ l7net_enabled: [] }), []);
});

test("l7net_enabled and l7net_disabled come by file, variable and flag, the last of them wins", async (t) => {
  const load = async (more: Partial<Parameters<typeof loadConfig>[0]>) => {
    const config = await loadConfig({ plugins: [net], ...more });
    return [...enabledL7(config.plugins.get(net.name) as L7Lists)];
  };
  const file = { text: '[[inputs.ebpf]]\nl7net_enabled = ["httpflow"]', file: "ebpf.conf" };
  t.deepEqual(await load(file), ["httpflow"]);
  const env = { ENV_INPUT_EBPF_L7NET_ENABLED: "httpflow,httpflow-tls" };
  t.deepEqual(await load({ ...file, env }), ["httpflow", "httpflow-tls"]);
  t.deepEqual(await load({ ...file, env, flags: { "l7net-enabled": "httpflow-tls" } }), ["httpflow-tls"]);
  t.deepEqual(await load({ flags: { "l7net-disabled": "httpflow-tls" } }), ["httpflow"]);
  await t.throwsAsync(load({ flags: { "l7net-enabled": "htpflow" } }), { message: /l7net_enabled/ });
});

test("without httpflow its programs are left out", (t) => {
  t.true(net.load!(netConfig.parse({ l7net_enabled: [] }), {}).without!.includes("http"));
  t.false(net.load!(netConfig.parse({}), {}).without!.includes("http"));
});
