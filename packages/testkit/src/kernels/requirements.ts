// SPDX-License-Identifier: MIT

/** Debian packages the runner itself needs, beside the compiler of the set-up script. QEMU it fetches on its own. */
export const hostPackages: readonly string[] = [
  "busybox-static",
  "cpio",
  "debian-archive-keyring",
  "e2fsprogs",
  "gcc",
  "kmod",
  "libc6-dev",
  "lz4",
  "xz-utils",
  "zstd",
];

/** Debian packages whose programs are copied into the guest, so that tests of address translation and of DNS can run there. */
export const guestPackages: readonly string[] = [
  "bash",
  "bpftool",
  "conntrack",
  "curl",
  "dnsmasq-base",
  "ethtool",
  "iproute2",
  "iptables",
  "libbpf1",
  "nftables",
  "openssl",
  "zsh",
];

/** Which package brings a program, for the hint of an error. */
export const packageOf: Readonly<Record<string, string>> = {
  "apt-get": "apt",
  busybox: "busybox-static",
  cpio: "cpio",
  depmod: "kmod",
  gcc: "gcc",
  ldd: "libc-bin",
  lz4: "lz4",
  mke2fs: "e2fsprogs",
  xz: "xz-utils",
  zstd: "zstd",
};
