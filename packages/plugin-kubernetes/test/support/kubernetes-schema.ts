// SPDX-License-Identifier: MIT
// Whether Kubernetes would take an object, as its own OpenAPI schema says: required members, types and enumerations by
// kubernetes-models, members that do not exist (which that lets pass) by the model classes of Kubernetes' own client.

import * as client from "@kubernetes/client-node";
import { DaemonSet } from "kubernetes-models/apps/v1";
import { ClusterRole, ClusterRoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1";
import { ConfigMap, Namespace, ServiceAccount } from "kubernetes-models/v1";

/** A parsed manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const validators: Readonly<Record<string, new (object: never) => { validate(): void }>> = {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  DaemonSet,
  Namespace,
  ServiceAccount,
};

interface ModelClass {
  getAttributeTypeMap?(): readonly { readonly baseName: string; readonly type: string }[];
}

/** What is wrong with a manifest, one sentence each. */
export function violations(manifest: Manifest): string[] {
  const Validator = validators[manifest.kind];
  if (Validator === undefined) return [`${manifest.kind} is no kind these tests know`];
  const unknown = unknownMembers(manifest, `V1${manifest.kind}`, manifest.kind);
  try {
    new Validator(manifest as never).validate();
    return unknown;
  } catch (error) {
    return [...unknown, `${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

function unknownMembers(value: unknown, type: string, path: string): string[] {
  const list = /^(?:Array|Set)<(.*)>$/.exec(type)?.[1];
  if (list !== undefined) {
    return (value as unknown[]).flatMap((item, at) => unknownMembers(item, list, `${path}[${at}]`));
  }
  const attributes = (client as unknown as Record<string, ModelClass>)[type]?.getAttributeTypeMap?.();
  if (attributes === undefined || value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const attribute = attributes.find(({ baseName }) => baseName === name);
    if (attribute === undefined) return [`${path}.${name} does not exist in ${type}`];
    return unknownMembers(member, attribute.type, `${path}.${name}`);
  });
}
