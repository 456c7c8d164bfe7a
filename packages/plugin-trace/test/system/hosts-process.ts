// SPDX-License-Identifier: MIT
// A host with something on it, in a process of its own, to be killed. Says on stdout what there is of it.
import { Hosts } from "./hosts.js";

const hosts = new Hosts({ teardown: () => {} });
const { pid } = hosts.start(hosts.add("host"), { program: "sleep", args: ["600"] });
console.log(JSON.stringify({ folder: hosts.folder, cgroup: hosts.cgroup, pid }));
setInterval(() => {}, 60_000);
