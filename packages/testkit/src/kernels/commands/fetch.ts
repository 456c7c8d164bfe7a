// SPDX-License-Identifier: MIT
import type { KernelSeries } from "../catalog.js";
import { fetchKernel } from "../fetch.js";
import { findQemu } from "../qemu.js";

/** Brings QEMU and kernels into the cache. Returns 3 when a kernel is not available. */
export async function fetchAll(kernels: readonly KernelSeries[]): Promise<number> {
  console.log((await findQemu()).version);
  let status = 0;
  for (const series of kernels) {
    try {
      const kernel = await fetchKernel(series);
      console.log(`${series.label}: linux ${kernel.release}, package ${kernel.version} from ${kernel.suite}`);
    } catch (error) {
      console.error(`${series.label}: ${(error as Error).message}`);
      status = 3;
    }
  }
  return status;
}
