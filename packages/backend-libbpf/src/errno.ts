// SPDX-License-Identifier: MIT

import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

const { EACCES, EAGAIN, EBUSY, EINTR, EINVAL, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM } =
  constants.errno;
export const errno = { EACCES, EAGAIN, EINTR, EINVAL, ENOENT, ENOSPC, EOPNOTSUPP, EPERM } as const;

/** The kernel's ENOTSUPP, which libc does not know. */
export const ENOTSUPP = 524;
/** First error number of libbpf's own (LIBBPF_ERRNO__*). */
const LIBBPF_ERRNO = 4000;

/** The kernel was busy or out of something: trying again later may end otherwise. */
const passing: ReadonlySet<number> = new Set([EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOMEM]);

/** An errno as Node's own errors carry it: the `cause` of a SkepError. */
export interface SystemError extends Error {
  readonly code: string;
  /** Negative, as libuv's. */
  readonly errno: number;
}

export const systemError = (code: number): SystemError =>
  Object.assign(new Error(errnoName(code)), { code: errnoName(code), errno: -Math.abs(code) });

/** True when the failure behind `error` says nothing about what the kernel can do. */
export const isPassing = (error: Error): boolean => {
  const { errno: code } = (error.cause ?? {}) as Partial<SystemError>;
  return typeof code === "number" && passing.has(-code);
};

/** `EPERM`, from 1 or -1. */
export function errnoName(code: number): string {
  const positive = Math.abs(code);
  if (positive === ENOTSUPP) return "ENOTSUPP";
  if (positive >= LIBBPF_ERRNO) return `libbpf error ${positive}`;
  if (positive === 0) return "no error";
  return getSystemErrorName(-positive);
}
