// SPDX-License-Identifier: MIT

import type { ProbeGroup } from "@skep/core";

const uprobe = { kind: "uprobe" } as const;
const uretprobe = { kind: "uretprobe" } as const;

/** What httpflow-tls hooks. The programs of `tls_plaintext` are put into files as they are found ({@link TlsFiles}). */
export const tlsProbes = {
  tls_plaintext: {
    object: "tls",
    optional: true,
    observes: "plaintext of TLS libraries and Go programs",
    strategies: [
      {
        name: "uprobe",
        programs: {
          tls_read: uprobe,
          tls_read_ex: uprobe,
          tls_write: uprobe,
          tls_write_ex: uprobe,
          tls_write_ex2: uprobe,
          tls_handshake: uprobe,
          tls_return: uretprobe,
          tls_free: uprobe,
          go_read: uprobe,
          go_read_ret: uprobe,
          go_write: uprobe,
          go_shake: uprobe,
          go_shake_ret: uprobe,
          // Called by these: nowhere to be attached.
          tls_was_read: uprobe,
          tls_was_written: uprobe,
          tls_close: { kind: "tp_btf", event: "tcp_destroy_sock" },
          tls_harvest: { kind: "iter", target: "bpf_map_elem", map: "tls_conns" },
        },
      },
    ],
  },
  tls_socket: {
    object: "tls_socket",
    optional: true,
    observes: "which socket a TLS session uses",
    strategies: [
      {
        name: "tp_btf",
        programs: {
          tls_sent: { kind: "tp_btf", event: "sock_send_length" },
          tls_received: { kind: "tp_btf", event: "sock_recv_length" },
          tls_sent_twin: { kind: "tp_btf", event: "sock_send_length" },
          tls_recv_twin: { kind: "tp_btf", event: "sock_recv_length" },
        },
      },
      {
        name: "fentry",
        programs: {
          tls_sent_fentry: { kind: "fentry", fn: "tcp_sendmsg" },
          tls_recv_fentry: { kind: "fentry", fn: "tcp_cleanup_rbuf" },
        },
      },
      {
        name: "kprobe",
        programs: {
          tls_sent_kprobe: { kind: "kprobe", fn: "tcp_sendmsg" },
          tls_recv_kprobe: { kind: "kprobe", fn: "tcp_cleanup_rbuf" },
        },
      },
    ],
  },
} as const satisfies Record<string, ProbeGroup>;
