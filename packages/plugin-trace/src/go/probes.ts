// SPDX-License-Identifier: MIT

import type { ProbeGroup } from "@skep/core";

const uprobe = { kind: "uprobe" } as const;

/** What is put into Go programs as they are found ({@link GoPrograms}). */
export const goProbes = {
  goroutines: {
    object: "go",
    optional: true,
    observes: "which goroutine made which, and for whom those of net/http's client and of grpc-go write",
    strategies: [
      {
        name: "uprobe",
        programs: {
          go_created: uprobe,
          go_ended: uprobe,
          go_http_ask: uprobe,
          go_http_write: uprobe,
          go_grpc_put: uprobe,
          go_grpc_headers: uprobe,
        },
      },
    ],
  },
} as const satisfies Record<string, ProbeGroup>;
