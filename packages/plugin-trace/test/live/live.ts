// SPDX-License-Identifier: MIT

import { liveTests } from "@skep/testkit";
import test, { type ImplementationFn } from "ava";
import { python } from "./peers.js";

const register = await liveTests(test, ["root", "cgroup2", "tp_btf"]);

/** A test of ebpf-trace on the running kernel. */
export const live = (title: string, run: ImplementationFn<[]>): void =>
  register(["root", "cgroup2", "tp_btf"], title, run);

/** The same with servers in Python, where there is one. */
export const livePython = (title: string, run: ImplementationFn<[]>): void =>
  python !== undefined ? live(title, run) : test.skip(`${title} (no python3)`, () => {});
