// SPDX-License-Identifier: MIT
// What a real kernel (6.18 under lockdown) once told netflow still becomes the same points. record.ts makes it anew.
import { golden } from "@skep/testkit";
import test from "ava";
import { net } from "../../src/index.js";

test("mixed traffic: TCP and UDP, v4, v6 and mapped, short, reset and never accepted", (t) =>
  golden(t, net, new URL("mixed-traffic.bpfrec", import.meta.url), {
    config: { loopback: true, l7net_enabled: [] },
    interval: 2000,
  }));
