// SPDX-License-Identifier: MIT

import { redacted } from "../redact.js";
import { cString } from "./messages.js";

/** What a server says of an error. */
export interface PostgresError {
  readonly sqlState: string;
  /** Without values. */
  readonly message: string;
}

const CODE = "C".charCodeAt(0);
const MESSAGE = "M".charCodeAt(0);

/** Reads the fields of an ErrorResponse. */
export function readError(payload: Buffer): PostgresError {
  let sqlState = "";
  let message = "";
  for (let at = 0; at < payload.length && payload[at] !== 0;) {
    const { text, end } = cString(payload, at + 1);
    if (payload[at] === CODE && /^[0-9A-Z]{5}$/.test(text)) sqlState = text;
    if (payload[at] === MESSAGE) message = redacted(text);
    at = end;
  }
  return { sqlState, message };
}

/** Names of the conditions that are met in practice. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const names: Readonly<Record<string, string>> = {
  "08006": "connection_failure",
  "0A000": "feature_not_supported",
  "21000": "cardinality_violation",
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22007": "invalid_datetime_format",
  "22008": "datetime_field_overflow",
  "22012": "division_by_zero",
  "22021": "character_not_in_repertoire",
  "22023": "invalid_parameter_value",
  "22P02": "invalid_text_representation",
  "22P03": "invalid_binary_representation",
  "23000": "integrity_constraint_violation",
  "23001": "restrict_violation",
  "23502": "not_null_violation",
  "23503": "foreign_key_violation",
  "23505": "unique_violation",
  "23514": "check_violation",
  "23P01": "exclusion_violation",
  "25001": "active_sql_transaction",
  "25006": "read_only_sql_transaction",
  "25P02": "in_failed_sql_transaction",
  "26000": "invalid_sql_statement_name",
  "28000": "invalid_authorization_specification",
  "28P01": "invalid_password",
  "34000": "invalid_cursor_name",
  "3D000": "invalid_catalog_name",
  "3F000": "invalid_schema_name",
  "40001": "serialization_failure",
  "40P01": "deadlock_detected",
  "42501": "insufficient_privilege",
  "42601": "syntax_error",
  "42602": "invalid_name",
  "42701": "duplicate_column",
  "42702": "ambiguous_column",
  "42703": "undefined_column",
  "42704": "undefined_object",
  "42710": "duplicate_object",
  "42723": "duplicate_function",
  "42803": "grouping_error",
  "42804": "datatype_mismatch",
  "42846": "cannot_coerce",
  "42883": "undefined_function",
  "42P01": "undefined_table",
  "42P02": "undefined_parameter",
  "42P04": "duplicate_database",
  "42P05": "duplicate_prepared_statement",
  "42P06": "duplicate_schema",
  "42P07": "duplicate_table",
  "42P18": "indeterminate_datatype",
  "53000": "insufficient_resources",
  "53100": "disk_full",
  "53200": "out_of_memory",
  "53300": "too_many_connections",
  "54000": "program_limit_exceeded",
  "55000": "object_not_in_prerequisite_state",
  "55006": "object_in_use",
  "55P03": "lock_not_available",
  "57014": "query_canceled",
  "57P01": "admin_shutdown",
  "57P02": "crash_shutdown",
  "57P03": "cannot_connect_now",
  P0001: "raise_exception",
  XX000: "internal_error",
};

/** Name of a SQLSTATE; undefined for rare ones. */
export const conditionName = (sqlState: string): string | undefined => names[sqlState];

const NOT_THERE: ReadonlySet<string> = new Set([
  "3D000",
  "3F000",
  "42703",
  "42704",
  "42883",
  "42P01",
  "42P02",
  "26000",
  "34000",
]);
/** Classes of conditions that are none of the client's doing. */
const SERVERS: ReadonlySet<string> = new Set(["08", "40", "53", "54", "55", "57", "58", "F0", "HV", "XX"]);

/** `status_mode` of a SQLSTATE. */
export function statusMode(sqlState: string): string {
  if (NOT_THERE.has(sqlState)) return "NotExistError";
  return SERVERS.has(sqlState.slice(0, 2)) ? "ServerError" : "ClientError";
}
