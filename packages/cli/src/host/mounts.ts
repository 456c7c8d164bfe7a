// SPDX-License-Identifier: MIT

/** Where the file systems that eBPF uses are mounted. */
export interface Mounts {
  /** `v2`: one hierarchy; `v1`: only the old ones; `hybrid`: v2 beside them; `none`. */
  readonly cgroup: "v2" | "v1" | "hybrid" | "none";
  /** Mount point of the v2 hierarchy. */
  readonly cgroup2: string | null;
  readonly debugfs: string | null;
  readonly tracefs: string | null;
  readonly securityfs: string | null;
  readonly bpffs: string | null;
}

/** @param mountinfo of a process: proc_pid_mountinfo(5) */
export function mountsOf(mountinfo: string): Mounts {
  const mounts = mountinfo.split("\n").flatMap((line) => {
    const [mount = "", filesystem = ""] = line.split(" - ");
    const point = mount.split(" ")[4];
    return point === undefined ? [] : [{ type: filesystem.split(" ")[0]!, point: unescapeMount(point) }];
  });
  const pointOf = (type: string) => mounts.find((mount) => mount.type === type)?.point ?? null;
  const cgroup2 = pointOf("cgroup2");
  const hasV1 = mounts.some(({ type }) => type === "cgroup");
  return {
    cgroup: cgroup2 === null ? (hasV1 ? "v1" : "none") : hasV1 ? "hybrid" : "v2",
    cgroup2,
    debugfs: pointOf("debugfs"),
    tracefs: pointOf("tracefs"),
    securityfs: pointOf("securityfs"),
    bpffs: pointOf("bpf"),
  };
}

/** mountinfo writes blanks and backslashes in octal. */
export const unescapeMount = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
