// SPDX-License-Identifier: MIT

import { hostname } from "node:os";
import test from "ava";
import { identifyHost } from "../../../src/services/host-identity.js";

test("the host's name is the configured one, then the environment's, then the system's", (t) => {
  t.is(identifyHost("bee", { ENV_HOSTNAME: "wasp" }).hostname, "bee");
  t.is(identifyHost("", { ENV_HOSTNAME: "wasp" }).hostname, "wasp");
  t.is(identifyHost(undefined, {}).hostname, hostname());
});

test("HOST_PROC and HOST_ROOT say where the host's files are", (t) => {
  t.like(identifyHost("bee", { HOST_PROC: "/rootfs/proc", HOST_ROOT: "/rootfs" }), {
    procRoot: "/rootfs/proc",
    fsRoot: "/rootfs",
  });
  t.like(identifyHost("bee", { HOST_PROC: "" }), { procRoot: "/proc", fsRoot: "/" });
});
