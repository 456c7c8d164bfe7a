// SPDX-License-Identifier: MIT

import { z } from "zod";

const urlOfAnApiServer = (text: string): boolean =>
  text === "" || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol));

/** Keys of `[[inputs.ebpf]]` that belong to kubernetes. An empty text is as good as none. */
export const kubernetesConfig = z.strictObject({
  kubernetes_url: z
    .string()
    .refine(urlOfAnApiServer, "is no http or https URL")
    .default("")
    .describe("URL of the API server; default: the cluster this process runs in"),
  bearer_token: z
    .string()
    .default("")
    .describe("file with the token, read again for each request; default: the service account's"),
  bearer_token_string: z
    .string()
    .default("")
    .meta({ description: "the token itself, when there is no file", writeOnly: true }),
  kubernetes_ca: z
    .string()
    .default("")
    .describe("file with the CA certificates (PEM) the API server is verified with; default: the service account's"),
  kubernetes_insecure: z.boolean().default(false).describe("do not verify the API server's certificate"),
  workload_labels: z
    .array(z.string().min(1))
    .default([])
    .describe("labels of the local pod and its workload to add as tags; those of the workload win"),
  workload_label_prefix: z.string().default("").describe("goes before the label in the tag's name"),
});

export type KubernetesConfig = z.infer<typeof kubernetesConfig>;
