// SPDX-License-Identifier: MIT

/** How a pod or container is called in a cgroup's path. */
export interface PodIds {
  /** The pod's uid, or, of a static pod, the hash of its file. */
  readonly pod: string | undefined;
  /** 64 hex digits. */
  readonly container: string | undefined;
}

/**
 * kubelet's part of a path, wherever kubelet itself lives (a node may be a container):
 *
 *     /kubepods/burstable/pod<uid>/...                                          cgroupfs driver
 *     /kubepods.slice/.../kubepods-burstable-pod<uid with _>.slice/...          systemd driver
 *     /system.slice/containerd.service/kubepods-pod<uid with _>.slice:cri-containerd:<id>    the two at odds
 */
const POD =
  /[/-]pod([0-9a-f]{8}([-_])[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{12}|[0-9a-f]{32})(?=\.slice|[/:]|$)/;

/** The runtime's part: `<id>`, `cri-containerd-<id>.scope`, `crio-<id>.scope`, `docker-<id>.scope`, `:cri-containerd:<id>`. */
const CONTAINER = /[/:](?:[a-z][a-z-]*[-:])?([0-9a-f]{64})(?=\.scope|[/:]|$)/;

/**
 * The pod and container of a process, from its /proc/PID/cgroup: one line for each hierarchy of cgroup v1, one for v2. Undefined
 * for a process that is in no container.
 */
export function podOfCgroups(file: string): PodIds | undefined {
  const found = file.split("\n").flatMap((line): PodIds[] => {
    const path = /^\d+:[^:]*:(.*)$/.exec(line)?.[1];
    if (path === undefined) return [];
    const pod = POD.exec(path);
    // What a container nests in itself comes after its own name.
    const container = CONTAINER.exec(pod === null ? path : path.slice(pod.index + pod[0].length))?.[1];
    if (pod === null && container === undefined) return [];
    return [{ pod: pod?.[1]?.replaceAll("_", "-"), container }];
  });
  // A hierarchy that kubelet does not manage may name the container alone, or an outer one.
  return found.find(({ pod }) => pod !== undefined) ?? found[0];
}
