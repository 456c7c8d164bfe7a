// SPDX-License-Identifier: MIT

/**
 * Identity of a service: its key and major version, compared by value, so that two copies of a package in `node_modules`
 * still mean the same service. `S` is the interface a provider implements.
 */
export interface ServiceId<S> {
  readonly key: string;
  readonly major: number;
  /** Type carrier only; never set. */
  readonly _type?: S;
}

/** Declares a service: `export const NatTable = service<NatTable>("skep.nat-table", 1)`. */
export const service = <S>(key: string, major: number): ServiceId<S> => Object.freeze({ key, major });

/** `key@major`: how a service is named in messages and in the container. */
export const serviceName = (id: ServiceId<unknown>): string => `${id.key}@${id.major}`;
