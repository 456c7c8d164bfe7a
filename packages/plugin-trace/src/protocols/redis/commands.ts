// SPDX-License-Identifier: MIT

/** Where the keys of a command are among its arguments, which begin at 1: from, to (-1: the last), and how far apart. */
interface Keys {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const ONE: Keys = { from: 1, to: 1, step: 1 };
const TWO: Keys = { from: 1, to: 2, step: 1 };
const ALL: Keys = { from: 1, to: -1, step: 1 };
const PAIRS: Keys = { from: 1, to: -1, step: 2 };
/** `XGROUP CREATE key`: the first argument is a word of the command. */
const SECOND: Keys = { from: 2, to: 2, step: 1 };

/** https://redis.io/docs/latest/develop/reference/key-specs/ */
const groups: readonly (readonly [Keys, string])[] = [
  [
    ONE,
    "GET SET SETNX SETEX PSETEX GETSET GETDEL GETEX APPEND STRLEN GETRANGE SETRANGE SUBSTR INCR DECR INCRBY DECRBY INCRBYFLOAT " +
      "EXPIRE EXPIREAT PEXPIRE PEXPIREAT EXPIRETIME PEXPIRETIME TTL PTTL PERSIST TYPE DUMP RESTORE SORT SORT_RO MOVE " +
      "SETBIT GETBIT BITCOUNT BITPOS BITFIELD BITFIELD_RO " +
      "LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LLEN LINDEX LINSERT LSET LRANGE LREM LTRIM LPOS " +
      "SADD SREM SPOP SRANDMEMBER SCARD SISMEMBER SMISMEMBER SMEMBERS SSCAN " +
      "HSET HSETNX HMSET HGET HMGET HGETALL HDEL HEXISTS HINCRBY HINCRBYFLOAT HKEYS HLEN HRANDFIELD HSCAN HSTRLEN HVALS " +
      "ZADD ZREM ZCARD ZCOUNT ZINCRBY ZLEXCOUNT ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK " +
      "ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE " +
      "GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEORADIUSBYMEMBER GEOSEARCH PFADD " +
      "XADD XACK XCLAIM XAUTOCLAIM XDEL XLEN XPENDING XRANGE XREVRANGE XTRIM XSETID",
  ],
  [TWO, "RENAME RENAMENX COPY SMOVE LMOVE RPOPLPUSH ZRANGESTORE GEOSEARCHSTORE LCS BLMOVE BRPOPLPUSH"],
  [ALL, "DEL UNLINK EXISTS TOUCH MGET WATCH SDIFF SINTER SUNION SDIFFSTORE SINTERSTORE SUNIONSTORE PFCOUNT PFMERGE"],
  [{ from: 1, to: -2, step: 1 }, "BLPOP BRPOP BZPOPMIN BZPOPMAX"],
  [PAIRS, "MSET MSETNX"],
  [SECOND, "XGROUP XINFO OBJECT MEMORY"],
];

const keysOf: ReadonlyMap<string, Keys> = new Map(
  groups.flatMap(([keys, names]) => names.split(" ").map((name) => [name, keys] as const)),
);

/** Commands whose first argument is a word of theirs. */
const containers: ReadonlySet<string> = new Set(
  "ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SENTINEL SLOWLOG XGROUP XINFO".split(
    " ",
  ),
);

/** Without keys, or with keys nobody can tell from values. */
const others =
  "PING ECHO AUTH HELLO SELECT QUIT RESET INFO TIME DBSIZE SCAN KEYS RANDOMKEY MULTI EXEC DISCARD UNWATCH EVAL EVALSHA EVAL_RO " +
  "EVALSHA_RO FCALL FCALL_RO PUBLISH SPUBLISH SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE XREAD XREADGROUP WAIT " +
  "FLUSHDB FLUSHALL SAVE BGSAVE LASTSAVE ROLE REPLCONF SWAPDB LMPOP ZMPOP ZUNION ZINTER ZDIFF ZUNIONSTORE ZINTERSTORE MONITOR";
const known: ReadonlySet<string> = new Set([...keysOf.keys(), ...containers, ...others.split(" ")]);

/** Whether this is a command that servers know by themselves, and not any word. */
export const isKnownCommand = (name: string): boolean => known.has(name);

/** Behind these a connection says other things than answers to questions. */
export const endsDialogue: ReadonlySet<string> = new Set(
  "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE MONITOR SYNC PSYNC".split(" "),
);

const WORD = /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/;

/** The name of a command in upper case; empty for what is none. */
export const commandName = (first: string | undefined): string =>
  first !== undefined && WORD.test(first) ? first.toUpperCase() : "";

/**
 * A command without its values: keys stay, everything else is a question mark, however many there are. Of commands that are not
 * known nothing stays but the name.
 * @param words the first words of the command
 * @param count how many it has
 */
export function commandLine(words: readonly string[], count: number): string {
  const name = commandName(words[0]);
  const keys = keysOf.get(name);
  const shown = [name];
  for (let at = 1; at < count; at++) {
    const word = words[at];
    const isSubcommand = at === 1 && containers.has(name) && word !== undefined && WORD.test(word);
    const isShown = isSubcommand || (keys !== undefined && isKey(keys, at, count));
    if (isShown && word !== undefined) shown.push(isSubcommand ? word.toUpperCase() : word);
    else if (shown.at(-1) !== "?") shown.push("?");
    if (word === undefined) break;
  }
  return shown.join(" ");
}

function isKey({ from, to, step }: Keys, at: number, count: number): boolean {
  const last = to < 0 ? count + to : to;
  return at >= from && at <= last && (at - from) % step === 0;
}
