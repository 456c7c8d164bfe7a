// SPDX-License-Identifier: MIT

import test from "ava";
import { netConfig } from "../../src/config.js";
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
