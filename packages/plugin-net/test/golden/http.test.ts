// SPDX-License-Identifier: MIT
// What a real kernel (6.18 under lockdown) once told httpflow of http-peers.mjs still becomes the same points.
import { golden } from "@skep/testkit";
import test from "ava";
import { net } from "../../src/index.js";

test("HTTP/1.0 to 2: keep-alive, chunked, pipelined, expected, upgraded, seen from both ends", (t) =>
  golden(t, net, new URL("http.bpfrec", import.meta.url), { config: { loopback: true }, interval: 2000 }));
