// SPDX-License-Identifier: MIT
import test from "ava";
import { EventFlag } from "../../../src/httpflow/contract.js";
import { Standing } from "../../../src/httpflow/standing.js";
import { exchangeBytes, type ExchangeRecord, recordOf } from "./support/http-records.js";

const record = (exchange: Partial<ExchangeRecord>) => recordOf(exchangeBytes(exchange));

test("what a connection's TLS carries is another exchange than what preceded it", (t) => {
  const standing = new Standing();
  standing.note(record({ conn: 3, requestBytes: 9 }));
  t.is(standing.take(record({ conn: 3, flags: EventFlag.TLS })), undefined);
  t.is(standing.take(record({ conn: 3 }))?.requestBytes, 9);
  t.is(standing.size, 0);
});

test("an exchange is kept as long as its connection is there, and a flush longer for its last record", (t) => {
  const standing = new Standing();
  standing.note(record({ conn: 3 }));
  standing.flush(() => true);
  standing.flush(() => true);
  t.is(standing.size, 1);
  standing.flush(() => false);
  t.is(standing.size, 1);
  standing.flush(() => false);
  t.is(standing.size, 0);
});
