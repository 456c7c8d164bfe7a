// SPDX-License-Identifier: MIT

/** What of the dialects matters to find values. */
export interface Dialect {
  /** `"a"` is a value, and not a name. */
  readonly doubleQuotesValues: boolean;
  /** `\` escapes in every string, and not only in `E'...'`. */
  readonly backslashEscapes: boolean;
  /** `#` begins a comment. */
  readonly hashComments: boolean;
}

export const MYSQL: Dialect = { doubleQuotesValues: true, backslashEscapes: true, hashComments: true };
export const POSTGRESQL: Dialect = { doubleQuotesValues: false, backslashEscapes: false, hashComments: false };

/** With `standard_conforming_strings` off. */
export const POSTGRESQL_ESCAPING: Dialect = { ...POSTGRESQL, backslashEscapes: true };
/** With `sql_mode` NO_BACKSLASH_ESCAPES. */
export const MYSQL_PLAIN: Dialect = { ...MYSQL, backslashEscapes: false };

/** A statement without its values. */
export interface Statement {
  readonly text: string;
  /** Its first word as it is written. */
  readonly keyword: string;
  /** The comment at its head, without the slashes and stars. */
  readonly comment: string;
}

/** Characters that are told of a statement and of a comment. */
const LONGEST_TEXT = 4096;
const LONGEST_COMMENT = 256;

const COMMENT = String.raw`/\*[^]*?(?:\*/|$)`;
const LINE_COMMENT = String.raw`--[^\n]*`;
const HASH_COMMENT = String.raw`#[^\n]*`;
/** What may stand before a string and belongs to it: `x'ff'`, `N'a'`, `_utf8'a'`, `U&'a'`. */
const PREFIX = String.raw`(?:[bBnNxX]|[uU]&|_[A-Za-z0-9]+[ ]?)?`;
/** Every string, name and comment may be cut: then it goes to the end. */
const ESCAPED = String.raw`'(?:[^'\\]|\\[^]|'')*(?:'|\\?$)`;
const PLAIN = String.raw`'(?:[^']|'')*(?:'|$)`;
const DOUBLE_ESCAPED = String.raw`"(?:[^"\\]|\\[^]|"")*(?:"|\\?$)`;
const DOUBLE = String.raw`"(?:[^"]|"")*(?:"|$)`;
const DOLLAR = String.raw`\$([A-Za-z_\u0080-\uffff]\w*|)\$[^]*?(?:\$\1\$|$)`;
const PARAMETER = String.raw`\$\d+|\?`;
const NUMBER = String.raw`(?:\d|\.\d)(?:[eE][+-]?\d|[\w.\u0080-\uffff])*`;
const BACKQUOTED = "`[^`]*(?:`|$)";
const WORD = String.raw`[A-Za-z_@\u0080-\uffff][\w$\u0080-\uffff]*`;

/** Nothing of these begins anything else. */
const OTHER = String.raw`[,()=<>*+;:!%&|^~{}\[\]]+`;

function tokensOf({ doubleQuotesValues, backslashEscapes, hashComments }: Dialect): RegExp {
  const strings = [
    ...(doubleQuotesValues ? [] : [`[eE]${ESCAPED}`]),
    `${PREFIX}${backslashEscapes ? ESCAPED : PLAIN}`,
    doubleQuotesValues && backslashEscapes ? DOUBLE_ESCAPED : DOUBLE,
    ...(doubleQuotesValues ? [] : [DOLLAR]),
  ];
  const comments = [COMMENT, LINE_COMMENT, ...(hashComments ? [HASH_COMMENT] : [])];
  return new RegExp(
    [String.raw`\s+`, ...comments, ...strings, PARAMETER, NUMBER, WORD, BACKQUOTED, OTHER].join("|"),
    "g",
  );
}

const tokens = new Map<Dialect, RegExp>();

const SPACE = /^(?:\s|--|#)/;
const NAME = /^[A-Za-z_@\u0080-\uffff`]/;

/**
 * A statement with a question mark for each value; lists of values and rows of them become one. What cannot be told apart is taken
 * for a value. @param sql may be cut at its end
 */
export function obfuscated(sql: string, dialect: Dialect): Statement {
  let pattern = tokens.get(dialect);
  if (pattern === undefined) tokens.set(dialect, (pattern = tokensOf(dialect)));
  let keyword = "";
  let comment = "";
  let isHead = true;
  const text = sql.replace(pattern, (token) => {
    if (SPACE.test(token)) return " ";
    if (token.startsWith("/*")) {
      if (isHead && comment === "") comment = token.replace(/^\/\*|\*\/$/g, "").trim();
      return " ";
    }
    isHead = false;
    if (isValue(token, dialect)) return "?";
    if (keyword === "" && NAME.test(token)) keyword = token;
    return token;
  });
  return {
    text: folded(text).slice(0, LONGEST_TEXT),
    keyword: keyword.slice(0, 32),
    comment: comment.slice(0, LONGEST_COMMENT),
  };
}

/** What a token is shows in its first byte, but for strings with something before them. */
function isValue(token: string, { doubleQuotesValues }: Dialect): boolean {
  switch (token[0]) {
    case "`":
      return false;
    case '"':
      return doubleQuotesValues;
    default:
      return /^[\d'.$?]/.test(token) || token.includes("'") || /^(?:true|false)$/i.test(token);
  }
}

/** `(?, ?), (?, ?)` says no more than `(?)`. */
const folded = (text: string): string =>
  text
    .replace(/ {2,}/g, " ")
    .trim()
    .replace(/\?(?: ?, ?\?)+/g, "?")
    .replace(/\( ?\? ?\)(?: ?, ?\( ?\? ?\))+/g, "(?)");
