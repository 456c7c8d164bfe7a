// SPDX-License-Identifier: MIT

// The only file of this package that knows koffi: Node has no netlink sockets of its own.
import { closeSync, fstatSync, openSync } from "node:fs";
import koffi from "koffi";

const AF_NETLINK = 16;
const NETLINK_NETFILTER = 12;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const CLONE_NEWNET = 0x40000000;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLPRI = 2;
/** struct epoll_event, which is shorter on x86-64. */
const EPOLL_EVENT_BYTES = 16;
/** In `recvfrom`: do not wait; and say how long the message was, however little of it fits. */
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
/** struct sockaddr_nl. */
const ADDRESS_BYTES = 12;

/** The errors that mean something to a netlink socket (asm-generic/errno.h). */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  EINVAL: 22,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  ENOBUFS: 105,
} as const;

interface Libc {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly recvfrom: (
    fd: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint32Array,
  ) => number;
  readonly setns: (fd: number, kind: number) => number;
  readonly epoll_create1: (flags: number) => number;
  readonly epoll_ctl: (epoll: number, operation: number, fd: number, event: Uint8Array) => number;
}

let bound: Libc | undefined;

/** Bound when first used: importing a plugin loads no native library. */
function libc(): Libc {
  if (bound !== undefined) return bound;
  const library = koffi.load(null);
  const bind = (name: string, result: string, ...parameters: string[]) => library.func(name, result, parameters);
  bound = {
    socket: bind("socket", "int", "int", "int", "int"),
    bind: bind("bind", "int", "int", "void *", "uint32_t"),
    setsockopt: bind("setsockopt", "int", "int", "int", "int", "void *", "uint32_t"),
    send: bind("send", "int64_t", "int", "void *", "size_t", "int"),
    recvfrom: bind("recvfrom", "int64_t", "int", "void *", "size_t", "int", "void *", "void *"),
    setns: bind("setns", "int", "int", "int"),
    epoll_create1: bind("epoll_create1", "int", "int"),
    epoll_ctl: bind("epoll_ctl", "int", "int", "int", "int", "void *"),
  };
  return bound;
}

/**
 * Opens a socket to netfilter in the calling thread's network namespace, which it keeps alive until it is closed.
 * @param groups multicast groups to hear, numbered from 1
 * @param receiveBytes room for messages nobody has read yet
 * @returns the descriptor, or a negative errno
 */
export function openNetfilterSocket(groups: readonly number[], receiveBytes: number): number {
  const { socket, bind, setsockopt } = libc();
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return -koffi.errno();
  // Without the right to exceed the system's limit the usual room must do.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(Uint32Array.of(receiveBytes).buffer), 4);
  const address = new DataView(new ArrayBuffer(ADDRESS_BYTES));
  address.setUint16(0, AF_NETLINK, true);
  address.setUint32(
    8,
    groups.reduce((mask, group) => mask | (1 << (group - 1)), 0),
    true,
  );
  if (bind(fd, new Uint8Array(address.buffer), ADDRESS_BYTES) === 0) return fd;
  const errno = koffi.errno();
  closeSync(fd);
  return -errno;
}

/** Sends a request to the kernel. Returns 0 or a negative errno. */
export const sendToKernel = (fd: number, request: Uint8Array): number =>
  libc().send(fd, request, request.length, MSG_DONTWAIT) === request.length ? 0 : -koffi.errno();

const sender = new Uint8Array(ADDRESS_BYTES);
const senderLength = new Uint32Array(1);

/**
 * Takes one message, without waiting. Returns its length, which is more than `into` has room for when it was cut; 0 for one
 * that does not come from the kernel; a negative errno.
 */
// hot
export function receiveFromKernel(fd: number, into: Uint8Array): number {
  senderLength[0] = ADDRESS_BYTES;
  const length = libc().recvfrom(fd, into, into.length, MSG_DONTWAIT | MSG_TRUNC, sender, senderLength);
  if (length < 0) return -koffi.errno();
  // The port of the kernel is 0; processes with the right privileges may send to each other.
  return (sender[4]! | sender[5]! | sender[6]! | sender[7]!) === 0 ? Number(length) : 0;
}

/**
 * Moves the calling thread into a network namespace, for good. Only for threads made for it: see opener.ts.
 * @returns 0, or a negative errno; `ENOENT` also when the file names another namespace by now
 */
export function enterNetns(path: string, inode: number): number {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    return (error as NodeJS.ErrnoException).errno ?? -Errno.ENOENT;
  }
  try {
    if (fstatSync(fd).ino !== inode) return -Errno.ENOENT;
    return libc().setns(fd, CLONE_NEWNET) === 0 ? 0 : -koffi.errno();
  } finally {
    closeSync(fd);
  }
}

/** What koffi's callback is given at run time: its types leave out the status. */
type PollCallback = (...args: readonly unknown[]) => void;

/** Calls back on the event loop whenever a descriptor can be read. Does not keep the process alive. */
export class ReadableWatch {
  // Held, because koffi closes the handle of an object that is collected.
  #handle: ReturnType<typeof koffi.node.poll> | undefined;

  constructor(
    fd: number,
    private readonly callback: () => void,
  ) {
    this.#handle = koffi.node.poll(fd, { readable: true }, this.#poll);
    this.#handle.unref();
  }

  /** Before the descriptor is closed. Idempotent: koffi would crash at a second time. */
  close(): void {
    this.#handle?.close();
    this.#handle = undefined;
  }

  readonly #poll: PollCallback = (status) => {
    // Without a macrotask of ours, Node 26 (libuv 1.52) leaves promises made in here waiting for somebody else's.
    setImmediate(() => {});
    if (this.#handle !== undefined) this.callback();
    // libuv takes an error of the socket, such as lost events, for the end. Reading has taken it away.
    if (typeof status === "number" && status < 0) this.#handle?.start({ readable: true }, this.#poll);
  };
}

/**
 * Calls back when something was mounted or unmounted: the kernel signals it as urgent data of a mountinfo file, which libuv
 * cannot wait for, but can through an epoll descriptor. Undefined where that cannot be had.
 */
export function watchMounts(mountinfo: string, callback: () => void): { close(): void } | undefined {
  let file: number;
  try {
    file = openSync(mountinfo, "r");
  } catch {
    return undefined;
  }
  const epoll = libc().epoll_create1(EPOLL_CLOEXEC);
  const event = new Uint8Array(EPOLL_EVENT_BYTES);
  event[0] = EPOLLPRI;
  const watched = epoll >= 0 && libc().epoll_ctl(epoll, EPOLL_CTL_ADD, file, event) === 0;
  const watch = watched ? new ReadableWatch(epoll, callback) : undefined;
  const close = () => {
    watch?.close();
    if (epoll >= 0) closeSync(epoll);
    closeSync(file);
  };
  if (watched) return { close };
  close();
  return undefined;
}
