// SPDX-License-Identifier: MIT
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestWorkspace, makeBaseImage } from "./base-image.js";
import type { Kernel } from "./fetch.js";
import { makeInitramfs } from "./initramfs.js";
import { type Deadlines, type Ending, type Sinks, runMachine } from "./machine.js";
import { type Qemu, findQemu } from "./qemu.js";
import type { Tell } from "./tell.js";
import { makeWorkspaceImage } from "./workspace-image.js";

const sector = 512;

/** What to run in a guest and how. */
export interface Job {
  /** A shell script; its working directory is the workspace. */
  readonly script: string;
  /** Added to the kernel's command line, such as `lockdown=confidentiality`. */
  readonly append: string;
  /** The terminal is the guest's console. */
  readonly interactive: boolean;
  readonly deadlines: Deadlines;
}

export interface GuestResult {
  readonly ending: Ending;
  readonly serialLog: string;
}

/** The images of one run, shared by all its machines, which never write to them. */
export class GuestFactory {
  private constructor(
    private readonly qemu: Qemu,
    private readonly base: string,
    private readonly packages: string,
    private readonly scratch: string,
  ) {}

  /** Stages the workspace as it is now. Call {@link close} in the end. */
  static async prepare(workspace: string, tell: Tell): Promise<GuestFactory> {
    const scratch = await mkdtemp(join(tmpdir(), "skep-kernels-"));
    process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
    try {
      const [qemu, base, packages] = await Promise.all([
        findQemu(),
        makeBaseImage(workspace),
        makeWorkspaceImage(workspace, scratch, tell),
      ]);
      return new GuestFactory(qemu, base, packages, scratch);
    } catch (error) {
      await rm(scratch, { recursive: true, force: true });
      throw error;
    }
  }

  get qemuVersion(): string {
    return this.qemu.version;
  }

  /** Boots one machine, runs the job in it, and ends it. */
  async run(kernel: Kernel, job: Job, sinks: Sinks): Promise<GuestResult> {
    const initramfs = await makeInitramfs(kernel);
    const jobDisk = join(await mkdtemp(join(this.scratch, "job-")), "job");
    await writeFile(jobDisk, jobImage(`${environmentOf(kernel)}${job.script}\n`));
    const disks = [this.base, this.packages, kernel.modulesImage, jobDisk];
    const { append, interactive } = job;
    return runMachine(
      this.qemu,
      { vmlinux: kernel.vmlinux, initramfs, disks, append, interactive },
      job.deadlines,
      sinks,
    );
  }

  async close(): Promise<void> {
    await rm(this.scratch, { recursive: true, force: true });
  }
}

/** A script as a disk: whole sectors, padded with NUL bytes, which end it for the guest's init. */
export function jobImage(script: string): Buffer {
  const text = Buffer.from(script, "utf8");
  return Buffer.concat([text, Buffer.alloc(sector - (text.length % sector))]);
}

/** `SKEP_KERNEL` is the series that really runs, also where the suite has moved on from the one asked for. */
function environmentOf(kernel: Kernel): string {
  const series = /^\d+\.\d+/.exec(kernel.release)?.[0] ?? kernel.label;
  return `export SKEP_KERNEL=${series} SKEP_WORKSPACE=${guestWorkspace}\n`;
}
