// SPDX-License-Identifier: MIT
// httpflow against connections whose every byte is known: a script plays both ends.
import { patience } from "@skep/testkit";
import {
  type Expected,
  exchangesOf,
  httpObserver,
  ofHttp,
  sameExchanges,
  startPlayer,
  type Step,
} from "./http-scene.js";
import { live } from "./live.js";
import { nothingUnaccounted } from "./observe.js";

const get = (path: string, version = "1.1"): string => `GET ${path} HTTP/${version}\r\nHost: test\r\n\r\n`;
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const ok = (body: string, head = ""): string =>
  `HTTP/1.1 200 OK\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (...chunks: readonly string[]): string =>
  [...chunks, ""].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** An exchange in one write each, and what is to be seen of it. */
const plain = (path: string, body = "hello"): readonly [readonly Step[], Expected] => [
  [
    ["client", get(path)],
    ["server", ok(body)],
  ],
  { request: `GET ${path}`, status: 200, sent: get(path).length, received: ok(body).length },
];
const [plainSteps, plainSeen] = plain("/plain");

interface Scene {
  readonly title: string;
  readonly steps: readonly Step[];
  readonly seen: readonly Expected[];
}

const long = "x".repeat(300_000);
const longHead = `GET /${"p".repeat(700)}?q=${"v".repeat(5000)} HTTP/1.1\r\nHost: test\r\nCookie: ${"c".repeat(1500)}\r\n\r\n`;
const hugeHead = `GET /huge HTTP/1.1\r\nCookie: ${"c".repeat(20_000)}\r\n\r\n`;
const close = "HTTP/1.0 200 OK\r\nServer: old\r\n\r\n";
const interim = "HTTP/1.1 100 Continue\r\n\r\n";
const expecting = "PUT /expect HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
const noContent = "HTTP/1.1 204 No Content\r\n\r\n";
const notModified = "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n";
const headAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
const chunkedPost = `POST /chunks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${chunked("one", "two two")}`;
const tooLarge = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
const trailer = "4\r\nbody\r\n0\r\nX-Check: 1\r\n\r\n";

const scenes: readonly Scene[] = [
  {
    title: "exchanges of a connection that is kept alive, and requests with bodies",
    steps: [...plainSteps, ["client", post("/post?secret=1", "a body")], ["server", ok("")], ...plainSteps],
    seen: [
      { ...plainSeen, count: 2, sent: 2 * plainSeen.sent, received: 2 * plainSeen.received },
      { request: "POST /post", status: 200, sent: post("/post?secret=1", "a body").length, received: ok("").length },
    ],
  },
  {
    title: "bodies of many packets both ways",
    steps: [
      ["client", post("/up", long)],
      ["server", ok(long)],
      ["client", get("/next")],
      ["server", ok("")],
    ],
    seen: [
      { request: "POST /up", status: 200, sent: post("/up", long).length, received: ok(long).length },
      { request: "GET /next", status: 200, sent: get("/next").length, received: ok("").length },
    ],
  },
  {
    title: "HTTP/1.0 and a body that ends with the connection",
    steps: [
      ["client", get("/old", "1.0")],
      ["server", close],
      ["server", long],
      ["server", "end"],
      ["client", "end"],
    ],
    seen: [
      {
        request: "GET /old",
        status: 200,
        sent: get("/old", "1.0").length,
        received: close.length + long.length,
        version: "1.0",
      },
    ],
  },
  {
    title: "responses without a body: to HEAD, 204 and 304",
    steps: [
      ["client", get("/head").replace("GET", "HEAD")],
      ["server", headAnswer],
      ["client", get("/empty")],
      ["server", noContent],
      ["client", get("/same")],
      ["server", notModified],
      ...plainSteps,
    ],
    seen: [
      { request: "HEAD /head", status: 200, sent: get("/head").length + 1, received: headAnswer.length },
      { request: "GET /empty", status: 204, sent: get("/empty").length, received: noContent.length },
      { request: "GET /same", status: 304, sent: get("/same").length, received: notModified.length },
      plainSeen,
    ],
  },
  {
    title: "chunked responses: whole, chunk by chunk, with a trailer, split in the last chunk",
    steps: [
      ["client", get("/whole")],
      ["server", chunkedHead + chunked("some", "chunks")],
      ["client", get("/pieces")],
      ["server", chunkedHead],
      ["server", "4\r\nsome\r\n"],
      ["server", "0\r\n\r\n"],
      ["client", get("/trailer")],
      ["server", chunkedHead + trailer],
      ["client", get("/split")],
      ["server", `${chunkedHead}3\r\nabc\r\n0\r`],
      ["server", "\n\r\n"],
      ...plainSteps,
    ],
    seen: [
      {
        request: "GET /whole",
        status: 200,
        sent: get("/whole").length,
        received: (chunkedHead + chunked("some", "chunks")).length,
      },
      { request: "GET /pieces", status: 200, sent: get("/pieces").length, received: chunkedHead.length + 9 + 5 },
      {
        request: "GET /trailer",
        status: 200,
        sent: get("/trailer").length,
        received: chunkedHead.length + trailer.length,
      },
      { request: "GET /split", status: 200, sent: get("/split").length, received: chunkedHead.length + 13 },
      plainSeen,
    ],
  },
  {
    title: "a chunk that looks like the last one is not",
    steps: [
      ["client", get("/looks")],
      ["server", `${chunkedHead}7\r\n\r\n0\r\n\r\n`],
      ["server", "\r\n0\r\n\r\n"],
      ...plainSteps,
    ],
    seen: [
      { request: "GET /looks", status: 200, sent: get("/looks").length, received: chunkedHead.length + 10 + 7 },
      plainSeen,
    ],
  },
  {
    title: "a chunked request, and what follows it",
    steps: [["client", chunkedPost], ["server", ok("")], ...plainSteps, ...plainSteps],
    seen: [
      { request: "POST /chunks", status: 200, sent: chunkedPost.length, received: ok("").length },
      { ...plainSeen, count: 2, sent: 2 * plainSeen.sent, received: 2 * plainSeen.received },
    ],
  },
  {
    title: "an interim response",
    steps: [["client", expecting], ["server", interim], ["client", "01234"], ["server", ok("done")], ...plainSteps],
    seen: [
      {
        request: "PUT /expect",
        status: 200,
        sent: expecting.length + 5,
        received: interim.length + ok("done").length,
      },
      plainSeen,
    ],
  },
  {
    title: "pipelined requests, answered at once or one by one",
    steps: [
      ["client", get("/1") + get("/2") + get("/3")],
      ["server", ok("a")],
      ["server", ok("bb") + ok("ccc")],
      ["client", get("/4")],
      ["client", get("/5")],
      ["server", chunkedHead + chunked("d")],
      ["server", ok("e")],
      ...plainSteps,
    ],
    seen: [
      { request: "GET /1", status: 200, sent: get("/1").length, received: ok("a").length },
      { request: "GET /2", status: 200, sent: get("/2").length, received: ok("bb").length },
      { request: "GET /3", status: 200, sent: get("/3").length, received: ok("ccc").length },
      { request: "GET /4", status: 200, sent: get("/4").length, received: (chunkedHead + chunked("d")).length },
      { request: "GET /5", status: 200, sent: get("/5").length, received: ok("e").length },
      plainSeen,
    ],
  },
  {
    title: "a request while the response to the one before is under way",
    steps: [
      ["client", get("/slow")],
      ["server", ok("0123456789").slice(0, -4)],
      ["client", get("/eager")],
      ["server", "6789"],
      ["server", ok("")],
      ...plainSteps,
    ],
    seen: [
      { request: "GET /slow", status: 200, sent: get("/slow").length, received: ok("0123456789").length },
      { request: "GET /eager", status: 200, sent: get("/eager").length, received: ok("").length },
      plainSeen,
    ],
  },
  {
    title: "heads split over writes, down to single bytes",
    steps: [
      ["client", get("/split"), 7],
      ["server", ok("split"), 11],
      ["client", get("/bytes"), 1],
      ["server", ok("bytes"), 1],
      ...plainSteps,
    ],
    seen: [
      { request: "GET /split", status: 200, sent: get("/split").length, received: ok("split").length },
      { request: "GET /bytes", status: 200, sent: get("/bytes").length, received: ok("bytes").length },
      plainSeen,
    ],
  },
  {
    title: "long heads: over several windows, and over what the kernel looks at",
    steps: [
      ["client", longHead],
      ["server", ok("")],
      ["client", hugeHead],
      ["server", ok("", `Set-Cookie: ${"s".repeat(3000)}\r\n`)],
      ...plainSteps,
    ],
    seen: [
      { request: `GET /${"p".repeat(700)}`, status: 200, sent: longHead.length, received: ok("").length },
      {
        request: "GET /huge",
        status: 200,
        sent: hugeHead.length,
        received: ok("", `Set-Cookie: ${"s".repeat(3000)}\r\n`).length,
      },
      plainSeen,
    ],
  },
  {
    title: "a response before the request is whole",
    steps: [
      ["client", post("/early", "0123456789").slice(0, -5)],
      ["server", tooLarge],
      ["client", "56789"],
      ...plainSteps,
    ],
    seen: [
      { request: "POST /early", status: 413, sent: post("/early", "0123456789").length, received: tooLarge.length },
      plainSeen,
    ],
  },
  {
    title: "a request that is answered by a reset or by nothing has status 0",
    steps: [...plainSteps, ["client", get("/reset")], ["server", "reset"]],
    seen: [plainSeen, { request: "GET /reset", status: 0, sent: get("/reset").length, received: 0 }],
  },
  {
    title: "forms of the target, and any method",
    steps: [
      ["client", get("http://test:8080/absolute?x").replace("GET", "PURGE-ALL")],
      ["server", ok("")],
      ["client", get("*").replace("GET", "OPTIONS")],
      ["server", ok("")],
      ["client", get("http://test")],
      ["server", ok("")],
    ],
    seen: [
      {
        request: "PURGE-ALL /absolute",
        status: 200,
        sent: get("http://test:8080/absolute?x").length + 6,
        received: ok("").length,
      },
      { request: "OPTIONS *", status: 200, sent: get("*").length + 4, received: ok("").length },
      { request: "GET /", status: 200, sent: get("http://test").length, received: ok("").length },
    ],
  },
  {
    title: "a response nobody asked for at the end of an idle connection",
    steps: [...plainSteps, ["server", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"], ["server", "end"]],
    seen: [plainSeen],
  },
  {
    title: "lines that end in LF alone, and headers in any case",
    steps: [
      ["client", "POST /lf HTTP/1.1\nhOsT: test\nCONTENT-LENGTH:4 \n\nbody"],
      ["server", "HTTP/1.1 200 OK\ncontent-LENGTH:\t3\n\nabc"],
      ...plainSteps,
    ],
    seen: [{ request: "POST /lf", status: 200, sent: 52, received: 38 }, plainSeen],
  },
];

// One agent for all: loading its programs takes a while under emulation.
live("of each kind of exchange both ends see every one once, to the byte, on every kernel", async (t) => {
  t.timeout(120_000 * patience);
  const observed = await httpObserver(t);
  const player = await startPlayer(t, observed);
  for (const { title, steps, seen } of scenes) {
    const ports = await player.play({ steps });
    sameExchanges(t, await observed.flush(), ports, seen, title);
    const again = await player.play({ steps: plainSteps });
    sameExchanges(t, await observed.flush(), again, [plainSeen], `another connection after ${title}`);
    t.deepEqual(observed.status().counters.dropped, {}, title);
    nothingUnaccounted(t, observed.status());
  }
});

const others: Readonly<Record<string, readonly Step[]>> = {
  "a server that speaks first": [
    ["server", "220 mail.test ESMTP\r\n"],
    ["client", "HELP /me HTTP/1.1\r\n\r\n"],
  ],
  "a text protocol": [
    ["client", "SET key value\r\n"],
    ["server", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["client", get("/later")],
  ],
  "another protocol's version": [["client", "GET /ftp FTP/1.1\r\n\r\n"]],
  binary: [
    ["client", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["server", "\x00\x01\x02"],
  ],
  "a first byte that might be a method's": [
    ["client", "G"],
    ["client", "\x00\x00\x01 binary after all"],
    ["server", "\x00\x01\x02"],
    ["client", get("/later")],
  ],
  "a method and a target without a version": [
    ["client", `SEARCH ${"x".repeat(3000)}`],
    ["client", "\r\n"],
  ],
};

live("other protocols are no HTTP, however much they look like it", async (t) => {
  t.timeout(120_000 * patience);
  const observed = await httpObserver(t);
  const player = await startPlayer(t, observed);
  for (const [title, steps] of Object.entries(others)) {
    const ports = await player.play({ steps });
    sameExchanges(t, await observed.flush(), ports, [], title);
    nothingUnaccounted(t, observed.status());
  }
});

live("what switches protocol is told with its status, and the rest of the connection is not HTTP", async (t) => {
  const observed = await httpObserver(t);
  const player = await startPlayer(t, observed);
  const upgrade = "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const connect = "CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n\r\n";
  const socket = await player.play({
    steps: [
      ["client", upgrade],
      ["server", `${switching}\x81\x05hello`],
      ["client", `\x81\x85\x00\x00\x00\x00${get("/no")}`],
      ["server", ok("no")],
    ],
  });
  const tunnel = await player.play({
    steps: [
      ["client", connect],
      ["server", "HTTP/1.1 200 Connection established\r\n\r\n"],
      ["client", get("/inside")],
      ["server", ok("no")],
    ],
  });
  const points = await observed.flush();
  for (const end of ["client", "server"] as const) {
    const seen = (ports: typeof socket) =>
      exchangesOf(points, end, ports).map((each) => {
        const { request, status, count } = each as { request: string; status: number; count: number };
        return [request, status, count];
      });
    t.deepEqual(seen(socket), [["GET /ws", 101, 1]]);
    t.deepEqual(seen(tunnel), [["CONNECT far.test:443", 200, 1]]);
  }
});

live("IPv6, and IPv4 to a listener for both", async (t) => {
  const observed = await httpObserver(t);
  const player = await startPlayer(t, observed);
  for (const host of ["::1", "::"]) {
    const ports = await player.play({ steps: plainSteps, host });
    const points = await observed.flush();
    sameExchanges(t, points, ports, [plainSeen], host);
    for (const { tags } of ofHttp(points)) t.is(tags["family"], host === "::1" ? "IPv6" : "IPv4");
  }
});

live("what an interval saw of an exchange is told in it, the rest adds bytes", async (t) => {
  const observed = await httpObserver(t);
  const player = await startPlayer(t, observed);
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n";
  const ports = await player.play({ keep: "a", steps: [["client", get("/slow")]] });
  sameExchanges(t, await observed.flush(), ports, [], "without a response");
  await player.play({ keep: "a", steps: [["server", `${head}0123456789`]] });
  const first = { request: "GET /slow", status: 200, sent: get("/slow").length, received: head.length + 10 };
  sameExchanges(t, await observed.flush(), ports, [first], "half of the response");
  sameExchanges(t, await observed.flush(), ports, [], "nothing new");
  await player.play({ keep: "a", steps: [["server", "0123456789"], ...plainSteps] });
  const points = await observed.flush();
  const [rest, next] = exchangesOf(points, "client", ports).toReversed() as { received: number; count: number }[];
  t.like(rest, { request: "GET /slow", status: 200, sent: 0, received: 10, count: 0 });
  t.like(next, { request: "GET /plain", count: 1 });
  nothingUnaccounted(t, observed.status());
});

live("a connection older than the agent is followed from its next request on", async (t) => {
  const observed = await httpObserver(t, { start: false });
  const player = await startPlayer(t, observed);
  const idle = await player.play({ keep: "idle", steps: plainSteps });
  const busy = await player.play({
    keep: "busy",
    steps: [
      ["client", get("/before")],
      ["server", ok("x".repeat(50)).slice(0, -20)],
    ],
  });
  await observed.agent.start();
  await player.play({ keep: "idle", steps: plainSteps });
  await player.play({ keep: "busy", steps: [["server", "x".repeat(20)], ...plainSteps, ["client", "end"]] });
  const points = await observed.flush();
  sameExchanges(t, points, idle, [plainSeen], "idle");
  sameExchanges(t, points, busy, [plainSeen], "busy");
});

live("an exchange belongs to the processes at its ends", async (t) => {
  const observed = await httpObserver(t);
  const player = await startPlayer(t, observed);
  await player.play({ steps: plainSteps });
  const points = ofHttp(await observed.flush());
  t.is(points.length, 2);
  for (const { tags } of points) {
    t.is(tags["pid"], String(player.pid));
    t.is(tags["process_name"], "node");
  }
});

live("loopback is left out unless it is asked for", async (t) => {
  const observed = await httpObserver(t, { config: { loopback: false } });
  const player = await startPlayer(t, observed);
  await player.play({ steps: plainSteps });
  t.deepEqual(ofHttp(await observed.flush()), []);
});
