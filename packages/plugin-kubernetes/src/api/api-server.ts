// SPDX-License-Identifier: MIT

import { existsSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { KubernetesConfig } from "../config.js";

/** Where kubelet mounts a pod's credentials. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The API server's name inside every cluster. */
const CLUSTER_NAME = "https://kubernetes.default:443";

/** An API server, how it is told from an impostor, and how it tells who we are. */
export interface ApiServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Undefined: anonymous. */
  readonly token: { readonly file: string } | { readonly text: string } | undefined;
  /** File with the CA certificates its certificate must come from; undefined: the CAs Node trusts. */
  readonly caFile: string | undefined;
  /** False: any certificate will do. */
  readonly verify: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Wanted = Pick<
  KubernetesConfig,
  "kubernetes_url" | "bearer_token" | "bearer_token_string" | "kubernetes_ca" | "kubernetes_insecure"
>;

/**
 * The API server that configuration or, inside a pod, the environment names. Undefined when neither does: then this host is
 * no part of a cluster. Nothing is asked for over the network.
 * @param serviceAccount folder with `token` and `ca.crt`
 */
export function findApiServer(
  config: Wanted,
  env: Environment,
  serviceAccount = SERVICE_ACCOUNT,
): ApiServer | undefined {
  const file = (name: string) => [join(serviceAccount, name)].find((path) => existsSync(path));
  const token = tokenOf(config) ?? fileToken(file("token"));
  const url = config.kubernetes_url || inClusterUrl(env, token !== undefined) || (tokenOf(config) && CLUSTER_NAME);
  if (!url) return undefined;
  return {
    url: url.replace(/\/+$/, ""),
    token,
    caFile: config.kubernetes_ca || file("ca.crt"),
    verify: !config.kubernetes_insecure,
  };
}

/** A file that is rotated beats a text that is not, as in the reference. */
const tokenOf = ({ bearer_token, bearer_token_string: text }: Wanted): ApiServer["token"] =>
  fileToken(bearer_token) ?? (text ? { text } : undefined);

const fileToken = (file: string | undefined): ApiServer["token"] => (file ? { file } : undefined);

/** A pod without a service account was not meant to talk to the API. */
function inClusterUrl(env: Environment, hasToken: boolean): string | undefined {
  const host = env["KUBERNETES_SERVICE_HOST"];
  if (!host || !hasToken) return undefined;
  return `https://${isIPv6(host) ? `[${host}]` : host}:${env["KUBERNETES_SERVICE_PORT"] || 443}`;
}
