// SPDX-License-Identifier: MIT
import test from "ava";
import { cgroup2Root, parseSs, until } from "../../src/index.js";

const output = [
  "ESTAB 0      0           127.0.0.1:35698      127.0.0.1:41234 uid:1000 ino:1841 sk:3a cgroup:/x <-> ts sack cubic wscale:7,7 rto:204 rtt:2.031/1.5 ato:40 mss:32768 pmtu:65535 rcvmss:536 advmss:65483 cwnd:10 bytes_sent:1200 bytes_retrans:200 bytes_acked:1001 bytes_received:2000 segs_out:6 segs_in:4 data_segs_out:1 send 129Gbps lastsnd:4 pacing_rate 258Gbps delivery_rate 20Gbps delivered:2 app_limited retrans:0/3 rcv_space:65483 minrtt:0.013",
  "CLOSE-WAIT 1 0 [::ffff:127.0.0.1]%lo:80 [fe80::1]%eth0:5000 ino:5 sk:1001 -->",
  "",
].join("\n");

test("the sockets ss prints are read with their counters", (t) => {
  const [first, second, ...more] = parseSs(output);
  t.deepEqual(more, []);
  t.deepEqual(first, {
    state: "ESTAB",
    localAddress: "127.0.0.1",
    localPort: 35698,
    peerAddress: "127.0.0.1",
    peerPort: 41234,
    inode: 1841,
    cookie: "3a",
    rttMs: 2.031,
    rttVarMs: 1.5,
    bytesSent: 1200,
    bytesRetransmitted: 200,
    bytesAcked: 1001,
    bytesReceived: 2000,
    retransmits: 3,
  });
  t.like(second, { state: "CLOSE-WAIT", localAddress: "::ffff:127.0.0.1", localPort: 80, peerAddress: "fe80::1" });
  t.like(second, { peerPort: 5000, bytesAcked: 0, rttMs: 0, retransmits: 0 });
});

test("cgroup v2 is found wherever it is mounted", (t) => {
  const line = (path: string, rest: string) => `31 23 0:26 / ${path} rw,nosuid shared:9 - ${rest}`;
  const hybrid = [line("/sys/fs/cgroup", "tmpfs tmpfs ro"), line("/sys/fs/cgroup/unified", "cgroup2 cgroup2 rw")];
  t.is(cgroup2Root(hybrid.join("\n")), "/sys/fs/cgroup/unified");
  t.is(cgroup2Root(line("/sys/fs/cgroup", "cgroup2 none rw")), "/sys/fs/cgroup");
  t.is(cgroup2Root(line("/sys/fs/cgroup", "cgroup cgroup rw,cpu")), undefined);
});

test("until gives what the condition gave, and tells at the deadline what it waited for", async (t) => {
  let looks = 0;
  t.is(await until(() => (++looks > 2 ? "there" : undefined), { what: "three looks", everyMs: 1 }), "there");
  const error = await t.throwsAsync(
    until(() => Promise.reject(new Error("refused")), { what: "a connection", deadlineMs: 5, everyMs: 1 }),
  );
  t.regex(error!.message, /not within \d+ ms: a connection/);
  t.is((error!.cause as Error).message, "refused");
});
