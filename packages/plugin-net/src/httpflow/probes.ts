// SPDX-License-Identifier: MIT

import type { ProbeGroup } from "@skep/core";

/**
 * What httpflow hooks. User space expects of object `http`: a ring `http_events`; a hash `http_orders` (struct http_order by
 * connection id); an iterator program `http_harvest`, whose records are struct http_exchange in its long form, always.
 */
export const httpProbes = {} as const satisfies Record<string, ProbeGroup>;
