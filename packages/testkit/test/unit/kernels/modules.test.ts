// SPDX-License-Identifier: MIT
import test from "ava";
import { bootOrder, moduleName, parseModulesDep, selectModules } from "../../../src/kernels/modules.js";

const dependencies = parseModulesDep(`kernel/drivers/virtio/virtio.ko.xz:
kernel/drivers/virtio/virtio_ring.ko.xz: kernel/drivers/virtio/virtio.ko.xz
kernel/drivers/virtio/virtio_pci.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz kernel/drivers/virtio/virtio.ko.xz
kernel/drivers/block/virtio_blk.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz kernel/drivers/virtio/virtio.ko.xz
kernel/net/netfilter/nf_conntrack.ko.xz: kernel/lib/libcrc32c.ko.xz
kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz
kernel/lib/libcrc32c.ko.xz:
kernel/drivers/gpu/drm/drm.ko.xz:
`);

test("what is needed to reach the disk is loaded, each module after those it needs", (t) => {
  t.deepEqual(bootOrder(dependencies).map(moduleName), ["virtio", "virtio_ring", "virtio_pci", "virtio_blk"]);
});

test("a kernel that has these built in loads none", (t) => {
  t.deepEqual(bootOrder(parseModulesDep("kernel/net/tls/tls.ko:\n")), []);
});

test("modules for tests are kept with what they need, the others are left out", (t) => {
  const kept = selectModules(dependencies).map(moduleName);
  t.true(kept.includes("nf_conntrack"));
  t.true(kept.includes("libcrc32c"));
  t.false(kept.includes("drm"));
  t.false(kept.includes("ip_vs"));
});

test("a module's name is the kernel's, whatever its file is called", (t) => {
  t.is(moduleName("kernel/net/sched/act-ct.ko.zst"), "act_ct");
});
