// SPDX-License-Identifier: MIT

import test from "ava";
import type { KubernetesQuery, NatTarget, Point } from "@skep/core";
import { Aggregate } from "../../src/netflow/aggregate.js";
import { netflow } from "../../src/netflow/measurement.js";
import type { Enrichment } from "../../src/flow-tags.js";
import { pointOf } from "../../src/netflow/points.js";
import { connection, datagrams, Flag, Seen, type Datagrams, type Reading } from "./support/records.js";

// The table of `netflow` in the user's document, less `host` and `source`, which core adds to every point.
const kubernetesTags = ["src", "dst"].flatMap((side) =>
  ["namespace", "pod_name", "service_name", "deployment_name"].map((name) => `${side}_k8s_${name}`),
);
const ownTags = [
  "direction",
  "dst_domain",
  "dst_ip",
  "dst_ip_type",
  "dst_nat_ip",
  "dst_nat_port",
  "dst_port",
  "family",
  "pid",
  "process_name",
  "src_ip",
  "src_ip_type",
  "src_port",
  "transport",
];
const fieldUnits = {
  bytes_read: "By",
  bytes_written: "By",
  retransmits: "1",
  rtt: "us",
  rtt_var: "us",
  tcp_closed: "1",
  tcp_established: "1",
};

const TIME = 1_700_000_000_123_456_789n;
const established = Flag.ESTABLISHED;

interface Surroundings extends Enrichment {
  readonly nat?: NatTarget;
  readonly ephemeralPort?: number;
}

function pointAfter(fold: (aggregate: Aggregate) => void, { nat, ephemeralPort = 0, ...known }: Surroundings): Point {
  const aggregate = new Aggregate(ephemeralPort, () => "");
  if (nat) aggregate.natTable = { translate: () => nat };
  fold(aggregate);
  return pointOf(aggregate.take(), 1, TIME, known);
}

const tcpPoint = (reading: Partial<Reading>, known: Surroundings = {}): Point =>
  pointAfter((aggregate) => void aggregate.connection(connection(reading)), known);

const udpPoint = (counted: Partial<Datagrams>, known: Surroundings = {}): Point =>
  pointAfter((aggregate) => {
    const { key, value } = datagrams(counted);
    aggregate.datagrams(key, value);
  }, known);

test("the measurement declares the tags and fields of the user's document, no more and no less", (t) => {
  t.is(netflow.name, "netflow");
  t.is(netflow.category, "network");
  t.deepEqual(Object.keys(netflow.tags).sort(), [...ownTags, ...kubernetesTags, "sub_source"].sort());
  t.deepEqual(
    Object.fromEntries(Object.entries(netflow.fields).map(([name, { type, unit }]) => [name, `${type} ${unit}`])),
    Object.fromEntries(Object.entries(fieldUnits).map(([name, unit]) => [name, `int ${unit}`])),
  );
});

test("an outgoing TCP connection becomes a point with every tag and field", (t) => {
  const point = tcpPoint({
    src: "192.168.1.5",
    srcPort: 50_123,
    dst: "93.184.216.34",
    dstPort: 443,
    pid: 4242,
    comm: "curl",
    read: 2 ** 40,
    written: 77,
    retransmits: 2,
    rttUs: 1500,
    rttVarUs: 300,
    flags: established | Flag.CLOSED,
  });
  t.deepEqual(point, {
    measurement: "netflow",
    category: "network",
    time: TIME,
    tags: {
      family: "IPv4",
      transport: "tcp",
      direction: "outgoing",
      src_ip: "192.168.1.5",
      src_port: "*",
      src_ip_type: "private",
      dst_ip: "93.184.216.34",
      dst_port: "443",
      dst_ip_type: "other",
      dst_domain: "",
      dst_nat_ip: "N/A",
      dst_nat_port: "N/A",
      pid: "4242",
      process_name: "curl",
    },
    fields: {
      bytes_read: 2 ** 40,
      bytes_written: 77,
      retransmits: 2,
      rtt: 1500,
      rtt_var: 300,
      tcp_established: 1,
      tcp_closed: 1,
    },
  });
  t.deepEqual(Object.keys(point.tags).sort(), ownTags);
});

test("an incoming IPv6 connection has the client's port folded and its own kept", (t) => {
  const { tags } = tcpPoint({
    direction: Seen.INCOMING,
    src: "fd00::1",
    srcPort: 8443,
    dst: "2001:db8::2",
    dstPort: 50_000,
  });
  t.like(tags, {
    family: "IPv6",
    direction: "incoming",
    src_ip: "fd00::1",
    src_port: "8443",
    src_ip_type: "private",
    dst_ip: "2001:db8::2",
    dst_port: "*",
    dst_ip_type: "other",
  });
});

test("a port below ephemeral_port is written out", (t) => {
  t.is(tcpPoint({ srcPort: 9999 }, { ephemeralPort: 10_001 }).tags["src_port"], "9999");
});

test("a UDP flow has no fields of TCP", (t) => {
  const { tags, fields } = udpPoint({ dst: "224.0.0.251", dstPort: 5353, src: "127.0.0.1", written: 60 });
  t.deepEqual(fields, { bytes_read: 0, bytes_written: 60 });
  t.like(tags, { transport: "udp", dst_ip_type: "multicast", src_ip_type: "loopback", dst_port: "5353" });
  t.deepEqual(Object.keys(tags).sort(), ownTags);
});

test("a TCP flow without traffic says zero, not nothing", (t) => {
  t.deepEqual(tcpPoint({}).fields, {
    bytes_read: 0,
    bytes_written: 0,
    retransmits: 0,
    rtt: 0,
    rtt_var: 0,
    tcp_established: 1,
    tcp_closed: 0,
  });
});

test("round trip times are means over the connections that have one, in whole microseconds", (t) => {
  const point = pointAfter((aggregate) => {
    aggregate.connection(connection({ id: 1, rttUs: 100, rttVarUs: 10 }));
    aggregate.connection(connection({ id: 2, rttUs: 201, rttVarUs: 21 }));
    aggregate.connection(connection({ id: 3, rttUs: 0, rttVarUs: 0 }));
  }, {});
  t.like(point.fields, { rtt: 150, rtt_var: 15, tcp_established: 3 });
});

test("every value has the declared type", (t) => {
  const points = [tcpPoint({ rttUs: 1, rttVarUs: 1 }), udpPoint({ read: 1 })];
  for (const { tags, fields } of points) {
    for (const [name, value] of Object.entries(tags)) t.is(typeof value, "string", name);
    for (const [name, value] of Object.entries(fields)) t.true(Number.isSafeInteger(value), name);
  }
});

test("a flow of IPv4 is called so only when both ends are", (t) => {
  t.is(tcpPoint({ src: "::ffff:10.0.0.1", dst: "10.0.0.2" }).tags["family"], "IPv4");
  t.is(tcpPoint({ src: "::1", dst: "10.0.0.2" }).tags["family"], "IPv6");
  t.is(tcpPoint({ src: "10.0.0.1", dst: "fd00::1" }).tags["family"], "IPv6");
});

test("destination NAT shows where the flow really goes and leaves the destination as the process knows it", (t) => {
  const { tags } = tcpPoint({ dst: "10.96.0.1", dstPort: 443 }, { nat: { ip: "172.17.0.3", port: 6443 } });
  t.like(tags, { dst_ip: "10.96.0.1", dst_port: "443", dst_nat_ip: "172.17.0.3", dst_nat_port: "6443" });
});

test("the name of the peer's address is that of the domain service, empty when it knows none", (t) => {
  const domains = {
    nameOf: (ip: string) => (ip === "93.184.216.34" ? "example.com" : undefined),
    learn: () => {},
  };
  t.is(tcpPoint({ dst: "93.184.216.34" }, { domains }).tags["dst_domain"], "example.com");
  t.is(tcpPoint({ src: "93.184.216.34", dst: "10.0.0.9" }, { domains }).tags["dst_domain"], "");
});

test("Kubernetes tags are there only when the cluster knows an end", (t) => {
  const asked: KubernetesQuery[] = [];
  const clusterTags = {
    sub_source: "K8s",
    ...Object.fromEntries(kubernetesTags.map((name) => [name, `the ${name}`])),
  };
  const kubernetes = {
    tagsOf: (query: KubernetesQuery) => {
      asked.push(query);
      return query.dstIp === "10.96.0.1" ? clusterTags : undefined;
    },
    serves: () => false,
  };
  const reading = { src: "10.0.0.1", srcPort: 50_000, dst: "10.96.0.1", dstPort: 80, pid: 8 };
  const nat = { ip: "10.244.0.7", port: 8080 };
  const inside = tcpPoint(reading, { kubernetes, nat });
  t.deepEqual(Object.keys(inside.tags).sort(), [...ownTags, ...kubernetesTags, "sub_source"].sort());
  t.like(inside.tags, clusterTags);
  const outside = udpPoint({ ...reading, dst: "8.8.8.8", read: 1 }, { kubernetes });
  t.deepEqual(Object.keys(outside.tags).sort(), ownTags);
  t.deepEqual(asked, [
    { transport: "tcp", srcIp: "10.0.0.1", srcPort: 0, dstIp: "10.96.0.1", dstPort: 80, pid: 8, nat },
    { transport: "udp", srcIp: "10.0.0.1", srcPort: 0, dstIp: "8.8.8.8", dstPort: 80, pid: 8 },
  ]);
});
