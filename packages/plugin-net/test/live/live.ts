// SPDX-License-Identifier: MIT

import { liveTests } from "@skep/testkit";
import test, { type ImplementationFn } from "ava";

const everywhere = ["root", "cgroup2", "tp_btf"];
const register = await liveTests(test, [
  ...everywhere,
  "netns",
  "netem",
  "kprobe",
  "kretprobe",
  "ksym:bpf_sock_from_file",
]);

/** A test of netflow on the running kernel; `more` names what it needs besides. */
export const live = (
  title: string,
  run: ImplementationFn<[]>,
  ...more: ("netns" | "netem" | "kprobe" | "kretprobe" | "ksym:bpf_sock_from_file")[]
): void => register([...everywhere, ...more], title, run);
