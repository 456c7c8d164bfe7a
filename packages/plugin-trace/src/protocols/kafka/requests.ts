// SPDX-License-Identifier: MIT

import type { FrameFormat } from "../wire/frame-reader.js";

/** Requests by their numbers. https://kafka.apache.org/protocol#protocol_api_keys */
const names = (
  "Produce Fetch ListOffsets Metadata LeaderAndIsr StopReplica UpdateMetadata ControlledShutdown OffsetCommit OffsetFetch " +
  "FindCoordinator JoinGroup Heartbeat LeaveGroup SyncGroup DescribeGroups ListGroups SaslHandshake ApiVersions CreateTopics " +
  "DeleteTopics DeleteRecords InitProducerId OffsetForLeaderEpoch AddPartitionsToTxn AddOffsetsToTxn EndTxn WriteTxnMarkers " +
  "TxnOffsetCommit DescribeAcls CreateAcls DeleteAcls DescribeConfigs AlterConfigs AlterReplicaLogDirs DescribeLogDirs " +
  "SaslAuthenticate CreatePartitions CreateDelegationToken RenewDelegationToken ExpireDelegationToken " +
  "DescribeDelegationToken DeleteGroups ElectLeaders IncrementalAlterConfigs AlterPartitionReassignments " +
  "ListPartitionReassignments OffsetDelete DescribeClientQuotas AlterClientQuotas DescribeUserScramCredentials " +
  "AlterUserScramCredentials Vote BeginQuorumEpoch EndQuorumEpoch DescribeQuorum AlterPartition UpdateFeatures Envelope " +
  "FetchSnapshot DescribeCluster DescribeProducers BrokerRegistration BrokerHeartbeat UnregisterBroker " +
  "DescribeTransactions ListTransactions AllocateProducerIds ConsumerGroupHeartbeat ConsumerGroupDescribe"
).split(" ");

/** Of logging in nothing is told. */
const LOGIN: ReadonlySet<string> = new Set(["SaslHandshake", "SaslAuthenticate"]);
const LATEST_VERSION = 20;
/** `message.max.bytes` is a megabyte unless somebody wants more. */
const LARGEST = 2 ** 30;
const REQUEST_HEAD = 12;
const RESPONSE_HEAD = 8;
const LONGEST_CLIENT = 255;

export const apiOf = (head: DataView): number => head.getInt16(4);
export const requestCorrelation = (head: DataView): number => head.getInt32(8);
export const responseCorrelation = (head: DataView): number => head.getInt32(4);

/** Name of a request. */
export const apiName = (api: number): string => names[api] ?? "";

/** Whether a request is a call that is told. */
export const isToldApi = (api: number): boolean => !LOGIN.has(apiName(api));

/** Size, number, version, correlation; the size counts what is behind it. */
export const requestFormat: FrameFormat = {
  headBytes: REQUEST_HEAD,
  payload(head) {
    const length = head.getInt32(0) - (REQUEST_HEAD - 4);
    const isKnown = apiName(apiOf(head)) !== "" && head.getUint16(6) <= LATEST_VERSION && requestCorrelation(head) >= 0;
    return isKnown && length >= 2 && length < LARGEST ? length : -1;
  },
  wanted: () => 0,
};

/** Size and correlation. */
export const responseFormat: FrameFormat = {
  headBytes: RESPONSE_HEAD,
  payload(head) {
    const length = head.getInt32(0) - (RESPONSE_HEAD - 4);
    return length >= 0 && length < LARGEST ? length : -1;
  },
  wanted: () => 0,
};

/** Whether these bytes begin a request: a head that is right, and the name of a client that is text. */
function beginsKafka(bytes: Uint8Array): boolean {
  if (bytes.length < REQUEST_HEAD + 2) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const payload = requestFormat.payload(view);
  const client = view.getInt16(REQUEST_HEAD);
  if (payload < 0 || client < -1 || client > LONGEST_CLIENT || REQUEST_HEAD + 2 + client > bytes.length) return false;
  for (let at = REQUEST_HEAD + 2; at < REQUEST_HEAD + 2 + client; at++) {
    if (bytes[at]! < 0x20 || bytes[at]! > 0x7e) return false;
  }
  return client + 2 <= payload;
}

/** Whether these bytes are one request, which a client waits for an answer to. */
export function opensKafka(bytes: Uint8Array): boolean {
  if (!beginsKafka(bytes)) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0) === bytes.length - 4;
}

/** The same where it may as well be a response: only a client that says its name is believed. */
export const continuesKafka = (bytes: Uint8Array): boolean =>
  opensKafka(bytes) && new DataView(bytes.buffer, bytes.byteOffset).getInt16(REQUEST_HEAD) > 0;
