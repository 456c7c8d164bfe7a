// SPDX-License-Identifier: MIT

import { closeSync } from "node:fs";
import { SkepError } from "@skep/core";
import { errnoName } from "./errno.js";
import type { Library } from "./library.js";

/** `BPF_STATS_RUN_TIME` of enum bpf_stats_type. */
const RUN_TIME = 0;
/** Members of struct bpf_prog_info (uapi/linux/bpf.h), whose offsets are the kernel's promise. A shorter one leaves zeros. */
const at = { runTimeNs: 192, runs: 200, recursionMisses: 208 } as const;
const INFO_SIZE = 232;

/**
 * The kernel counts runs and run times until the result is closed, or the process ends.
 * @throws SkepError `SKEP_ERR_PERMISSION` without CAP_SYS_ADMIN
 */
export function enableStats({ libbpf, native }: Library): { close(): void } {
  const fd = libbpf.bpf_enable_stats(RUN_TIME);
  if (fd < 0) {
    throw new SkepError(
      "SKEP_ERR_PERMISSION",
      `statistics of BPF programs cannot be had: ${errnoName(native.errno())}`,
      {
        hint: "they need CAP_SYS_ADMIN and Linux 5.8",
      },
    );
  }
  let open = true;
  return {
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** What a loaded program has cost; undefined when the kernel does not say. */
export function statsOf(
  { libbpf }: Library,
  fd: number,
): { readonly runs: number; readonly runTimeNs: number; readonly recursionMisses: number } | undefined {
  const info = new Uint8Array(INFO_SIZE);
  if (libbpf.bpf_obj_get_info_by_fd(fd, info, Uint32Array.of(INFO_SIZE)) !== 0) return undefined;
  const view = new DataView(info.buffer);
  const number = (offset: number) => Number(view.getBigUint64(offset, true));
  return { runs: number(at.runs), runTimeNs: number(at.runTimeNs), recursionMisses: number(at.recursionMisses) };
}
