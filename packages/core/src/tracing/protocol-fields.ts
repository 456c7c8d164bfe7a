// SPDX-License-Identifier: MIT

import { optionalField } from "../measurement.js";

/** Fields of a span that only some protocols have. */
export const protocolFields = {
  http_method: optionalField("string", "1", "method"),
  http_route: optionalField("string", "1", "path without query"),
  http_version: optionalField("string", "1", "version the request was made in (HTTP/1)"),
  http_status_code: optionalField("string", "1", "status of the response"),
  grpc_status_code: optionalField("string", "1", "status of the call"),
  grpc_message: optionalField("string", "1", "what the status says in words"),
  resource_type: optionalField("string", "1", "first word of a statement, or the command"),
  status_code: optionalField("int", "1", "MySQL: header of the response (0, 254, 255); Redis: 200 or 201", "dimension"),
  status_msg: optionalField("string", "1", "Redis: beginning of a simple answer"),
  err_code: optionalField("int", "1", "MySQL: number of the error", "dimension"),
  err_msg: optionalField("string", "1", "what the error says in words"),
  mysql_comment: optionalField("string", "1", "comment at the head of the statement"),
  pgsql_comment: optionalField("string", "1", "comment at the head of the statement"),
  pgsql_affected_row: optionalField("int", "1", "rows the statement changed"),
  pgsql_status_code: optionalField("string", "1", "SQLSTATE"),
  status_mode: optionalField("string", "1", "PostgreSQL: `OK`, `ClientError`, `ServerError` or `NotExistError`"),
  pgsql_err_msg: optionalField("string", "1", "name of the SQLSTATE"),
  pgsql_msg: optionalField("string", "1", "what the server says of the error"),
  pgsql_request_type: optionalField("string", "1", "letter of the request's message"),
  pgsql_response_type: optionalField("string", "1", "letter of the response's message"),
  amqp_resp_method: optionalField("string", "1", "method that answered"),
  amqp_class: optionalField("string", "1", "class of the method"),
  amqp_queue: optionalField("string", "1", "queue"),
  amqp_exchange: optionalField("string", "1", "exchange"),
  amqp_routing_key: optionalField("string", "1", "routing key"),
  amqp_vhost: optionalField("string", "1", "virtual host"),
} as const;
