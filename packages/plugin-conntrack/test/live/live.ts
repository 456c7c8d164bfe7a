// SPDX-License-Identifier: MIT

import { liveTests } from "@skep/testkit";
import test, { type ImplementationFn } from "ava";

const everywhere = ["root", "cgroup2", "netns", "nat", "command:conntrack", "tp_btf"];
const others = ["kprobe", "fentry:nf_ct_destroy", "command:iptables", "command:iptables-legacy"] as const;
const register = await liveTests(test, [...everywhere, ...others]);

/** A test of translated flows on the running kernel; `more` names what it needs besides. */
export const live = (title: string, run: ImplementationFn<[]>, ...more: (typeof others)[number][]): void =>
  register([...everywhere, ...more], title, run);
