// SPDX-License-Identifier: MIT

import { service } from "../service.js";

/** A program or library that a process in scope runs: a file it has mapped executable. */
export interface MappedFile {
  /** Process, in the host's pid namespace. */
  readonly pid: number;
  /**
   * Path as the kernel tells it, in the process's own mount namespace. Of a process that only changed its root (chroot) it is the
   * host's path. Of a deleted file, the path it had.
   */
  readonly path: string;
  /** Opens that very file from here, containers and deleted files included; valid while the process lives. */
  readonly openPath: string;
  /**
   * Device and inode: equal for the same file under whatever path, in whatever container, also where containers share it as a
   * layer of their images.
   */
  readonly id: string;
  /** True for the program itself, false for a library or another mapping. */
  readonly isProgram: boolean;
  /** Path of the program that has it mapped; its own `path` when it is the program. */
  readonly program: string;
}

export interface FileWatcher {
  /** Called once per file, whoever maps it: cheap, decides by name alone. */
  wanted(path: string, isProgram: boolean): boolean;
  /** A process runs or has mapped a wanted file. Once per process and file. */
  found(file: MappedFile): void;
  /** The process has exited or runs another program. Once for each `found`. */
  gone?(file: MappedFile): void;
}

/**
 * Which files the processes in scope run, now and as they start: what user-space probes are attached to.
 * Told at exec and when libraries are mapped, not by polling, as far as an observer of processes (`ebpf-process`) feeds it.
 */
export interface MappedFiles {
  /** Processes that run already are told before this resolves. */
  watch(watcher: FileWatcher): Promise<{ close(): void }>;
}

export const MappedFiles = service<MappedFiles>("skep.mapped-files", 1);
