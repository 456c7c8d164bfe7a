// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { podOfCgroups } from "../../src/cgroup-pod.js";

const uid = "5076cd42-3b22-4f3c-b220-a1f6d81acc9c";
const uid_ = uid.replaceAll("-", "_");
const staticPod = "8ce9a29bb43e1b5a0b9ac6d4c9d4b0a1";
const id = "c0ffee".padEnd(64, "0123456789abcdef");
const inner = "b".repeat(64);
const both = { pod: uid, container: id };

const paths: readonly (readonly [what: string, path: string, expected: object | undefined])[] = [
  ["cgroupfs driver, burstable", `/kubepods/burstable/pod${uid}/${id}`, both],
  ["cgroupfs driver, guaranteed", `/kubepods/pod${uid}/${id}`, both],
  ["cgroupfs driver, CRI-O", `/kubepods/besteffort/pod${uid}/crio-${id}`, both],
  [
    "systemd driver, containerd",
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid_}.slice/cri-containerd-${id}.scope`,
    both,
  ],
  ["systemd driver, CRI-O", `/kubepods.slice/kubepods-pod${uid_}.slice/crio-${id}.scope`, both],
  ["systemd driver, docker", `/kubepods.slice/kubepods-pod${uid_}.slice/docker-${id}.scope`, both],
  [
    "CRI-O puts a container below its scope",
    `/kubepods.slice/kubepods-pod${uid_}.slice/crio-${id}.scope/container`,
    both,
  ],
  [
    "containerd's cgroupfs under kubelet's systemd",
    `/system.slice/containerd.service/kubepods-besteffort-pod${uid_}.slice:cri-containerd:${id}`,
    both,
  ],
  [
    "kind: the node is itself a container",
    `/system.slice/docker-${inner}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${uid_}.slice/cri-containerd-${id}.scope`,
    both,
  ],
  ["kind with cgroupfs", `/docker/${inner}/kubelet/kubepods/burstable/pod${uid}/${id}`, both],
  ["k3s in a service", `/system.slice/k3s.service/kubepods/besteffort/pod${uid}/${id}`, both],
  ["systemd in the container", `/kubepods/burstable/pod${uid}/${id}/init.scope`, both],
  ["docker in the container", `/kubepods/burstable/pod${uid}/${id}/docker/${inner}`, both],
  ["a static pod", `/kubepods/burstable/pod${staticPod}/${id}`, { pod: staticPod, container: id }],
  [
    "a static pod, systemd driver",
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${staticPod}.slice/cri-containerd-${id}.scope`,
    { pod: staticPod, container: id },
  ],
  ["seen from another cgroup namespace", `/../../kubepods-burstable-pod${uid_}.slice/cri-containerd-${id}.scope`, both],
  ["seen from the same pod's cgroup namespace", `/../cri-containerd-${id}.scope`, { pod: undefined, container: id }],
  ["the pod's own slice", `/kubepods.slice/kubepods-pod${uid_}.slice`, { pod: uid, container: undefined }],
  ["docker without Kubernetes", `/docker/${id}`, { pod: undefined, container: id }],
  ["a service of the host", "/system.slice/ssh.service", undefined],
  ["a user's session", "/user.slice/user-1000.slice/session-3.scope", undefined],
  ["kubelet itself", "/system.slice/kubelet.service", undefined],
  ["a name that only looks alike", "/system.slice/podman-pod1.service", undefined],
  ["the root", "/", undefined],
];

for (const [what, path, expected] of paths) {
  test(`cgroup v2: ${what}`, (t) => t.deepEqual(podOfCgroups(`0::${path}\n`), expected as never));
}

test("cgroup v1: one hierarchy that names the pod is enough", (t) => {
  const lines = [
    "12:cpuset:/",
    `11:memory:/docker/${inner}`,
    `5:cpu,cpuacct:/kubepods/burstable/pod${uid}/${id}`,
    `1:name=systemd:/kubepods/burstable/pod${uid}/${id}`,
    "0::/system.slice/containerd.service",
  ];
  t.deepEqual(podOfCgroups(`${lines.join("\n")}\n`), both);
});

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const anyUid = fc.uuid();
const nesting = fc.constantFrom("", "/init.scope", "/system.slice/app.service", "/a-b/c:d");
const prefix = fc.constantFrom("", "/system.slice/k3s.service", "/kubelet", "/../..");

test("any pod and container is read from every way to write them", (t) => {
  fc.assert(
    fc.property(
      anyUid,
      hex(64),
      prefix,
      nesting,
      fc.constantFrom("cri-containerd-", "crio-", "docker-"),
      (pod, container, before, after, runtime) => {
        const slice = `kubepods-burstable-pod${pod.replaceAll("-", "_")}.slice`;
        const expected = { pod, container };
        t.deepEqual(podOfCgroups(`0::${before}/kubepods/burstable/pod${pod}/${container}${after}`), expected);
        t.deepEqual(
          podOfCgroups(`0::${before}/kubepods.slice/${slice}/${runtime}${container}.scope${after}`),
          expected,
        );
      },
    ),
  );
});

test("no text makes it throw", (t) => {
  fc.assert(fc.property(fc.string(), (text) => void podOfCgroups(text)));
  t.pass();
});
