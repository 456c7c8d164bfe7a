// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { redacted } from "../../../src/protocols/redact.js";
import { commandLine } from "../../../src/protocols/redis/commands.js";
import {
  MYSQL,
  MYSQL_PLAIN,
  obfuscated,
  POSTGRESQL,
  POSTGRESQL_ESCAPING,
} from "../../../src/protocols/sql/obfuscate.js";
import { holds } from "./support/holds.js";

const my = (sql: string): string => obfuscated(sql, MYSQL).text;
const pg = (sql: string): string => obfuscated(sql, POSTGRESQL).text;

test("strings, numbers and booleans become question marks; names, keywords and NULL stay", (t) => {
  t.is(
    my("SELECT `a`, b1 FROM t WHERE x='a' AND y = -1.5e3 AND z IS NULL AND w=true"),
    "SELECT `a`, b1 FROM t WHERE x=? AND y = -? AND z IS NULL AND w=?",
  );
  t.is(
    pg(`select "A b", t.c1::int4 from t where x = 'it''s' and y=$1`),
    `select "A b", t.c1::int4 from t where x = ? and y=?`,
  );
  t.is(my(`insert into t values ("a", 'b', 0xff, x'ff', _utf8'c', N'd')`), "insert into t values (?)");
  t.is(pg("select $$a 'b' $$, $tag$ $$c$$ $tag$, E'it\\'s', U&'d', B'01'"), "select ?");
  t.is(my("select @a, @@b from t1 limit 10, 20"), "select @a, @@b from t1 limit ?");
});

test("lists of values, and rows of them, are one", (t) => {
  t.is(my("select * from t where a in (1, 2,3 , 'x')"), "select * from t where a in (?)");
  t.is(my("insert into t (a,b) values (1,'x'), (2, 'y'),(3,NULL)"), "insert into t (a,b) values (?),(?,NULL)");
});

test("comments go, but for the one at the head, which is told by itself; white space is one space", (t) => {
  t.deepEqual(obfuscated("/* route=/a */ select 1 -- secret\n  , 2 /* 'x' */\n# y\nfrom t", MYSQL), {
    text: "select ? from t",
    keyword: "select",
    comment: "route=/a",
  });
  t.is(pg("select a # b from t"), "select a # b from t", "an operator");
});

test("backslashes escape where the server says so", (t) => {
  t.is(my("select 'a\\' secret', 1"), "select ?");
  t.is(obfuscated("select 'a\\', b", MYSQL_PLAIN).text, "select ?, b");
  t.is(pg("select 'a\\', b"), "select ?, b");
  t.is(obfuscated("select 'a\\' secret', 1", POSTGRESQL_ESCAPING).text, "select ?");
});

test("a statement that is cut in a value, a name or a comment does not tell the rest", (t) => {
  t.is(my("select 'secr"), "select ?");
  t.is(my("select 'secr\\"), "select ?");
  t.is(pg("select $x$ secr"), "select ?");
  t.is(pg("select /* secr"), "select");
});

const literal = fc.oneof(
  fc.string({ maxLength: 20 }).map((text) => `zq${text}qz`),
  fc.constantFrom("zq'qz", "zq\\qz", 'zq"qz', "zq''\\'qz", "zq$$qz", "zq--qz", "zq/*qz", "zq\0qz", "zq\nqz", "zq`qz"),
);

test("no literal is told, whatever is in it and however often", (t) => {
  const dialects = [
    [MYSQL, (text: string) => `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`],
    [MYSQL, (text: string) => `"${text.replace(/\\/g, "\\\\").replace(/"/g, '""')}"`],
    [MYSQL_PLAIN, (text: string) => `'${text.replace(/'/g, "''")}'`],
    [POSTGRESQL, (text: string) => `'${text.replace(/'/g, "''")}'`],
    [POSTGRESQL, (text: string) => `E'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`],
    [POSTGRESQL, (text: string) => `$q_q$${text}$q_q$`],
  ] as const;
  holds(
    t,
    fc.property(
      fc.constantFrom(...dialects),
      fc.array(literal, { minLength: 1, maxLength: 5 }),
      ([dialect, quote], texts) => {
        const sql = `select a from t where ${texts.map((text, index) => `c${index} = ${quote(text)}`).join(" and ")}`;
        const { text } = obfuscated(sql, dialect);
        assert.doesNotMatch(text, /zq|qz/);
        assert.equal(text, `select a from t where ${texts.map((_, index) => `c${index} = ?`).join(" and ")}`);
      },
    ),
    { numRuns: 3000 },
  );
});

test("whatever text is given nothing throws, and it takes no time", (t) => {
  holds(
    t,
    fc.property(
      fc.string({
        unit: fc.constantFrom("'", '"', "\\", "$", "a", "/", "*", "-", "1", ".", "e", " ", "\n", "`", "("),
        maxLength: 400,
      }),
      (sql) => {
        for (const dialect of [MYSQL, POSTGRESQL, MYSQL_PLAIN, POSTGRESQL_ESCAPING]) obfuscated(sql, dialect);
      },
    ),
    { numRuns: 1000 },
  );
  for (const part of ["'", "(", "/*", "$a$", "1e", "? , ", "(?),", "\\'", '"', "a$", "$", " "]) {
    const began = performance.now();
    for (const dialect of [MYSQL, POSTGRESQL]) obfuscated(part.repeat(8192 / part.length), dialect);
    t.true(performance.now() - began < 2000, part);
  }
});

test("what a server quotes is not told, whatever quotes are in it", (t) => {
  t.is(redacted(`invalid input syntax for type integer: "zq"qz"`), `invalid input syntax for type integer: "?"`);
  t.is(redacted("Duplicate entry 'it's zq' for key 'PRIMARY'"), "Duplicate entry '?'");
  t.is(redacted("Table 'd.t' doesn't exist"), "Table '?' doesn't exist");
  t.is(redacted("value 12345 is too large for int4"), "value ? is too large for int4");
  t.is(redacted(`bad "${"x".repeat(600)}`), 'bad "?"');
  holds(
    t,
    fc.property(literal, fc.constantFrom("'", '"', "`"), (text, quote) => {
      assert.doesNotMatch(redacted(`bad value ${quote}${text}${quote} in a row`), /zq|qz/);
    }),
  );
});

test("commands of Redis: keys of those that are known, and nothing else", (t) => {
  const line = (text: string): string => commandLine(text.split(" "), text.split(" ").length);
  t.is(line("set user:1 zq EX 10"), "SET user:1 ?");
  t.is(line("MSET a zq b zq"), "MSET a ? b ?");
  t.is(line("DEL a b c"), "DEL a b c");
  t.is(line("BLPOP a b 5"), "BLPOP a b ?");
  t.is(line("AUTH user zq"), "AUTH ?");
  t.is(line("CONFIG SET requirepass zq"), "CONFIG SET ?");
  t.is(line("ACL SETUSER alice >zq"), "ACL SETUSER ?");
  t.is(line("MY.MODULE zq zq"), "MY.MODULE ?");
  t.is(line("PING"), "PING");
  t.is(commandLine(["MSET", "a", "zq"], 1001), "MSET a ?");
});
