// SPDX-License-Identifier: MIT
// The little that is read of Kubernetes' objects. Everything may be absent: what is not understood is not known, never an error.

/** `metadata` of any object. */
export interface ObjectMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly {
    readonly kind?: string;
    readonly name?: string;
    readonly controller?: boolean;
  }[];
}

/** Any object of the API. */
export interface ApiObject {
  readonly metadata?: ObjectMeta;
}

/** `TCP` is the default everywhere; SCTP is nobody's business here. */
export type Protocol = "TCP" | "UDP" | "SCTP";

export interface PodObject extends ApiObject {
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly containers?: readonly {
      readonly ports?: readonly {
        readonly containerPort?: number;
        readonly hostPort?: number;
        readonly hostIP?: string;
        readonly protocol?: Protocol;
      }[];
    }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly hostIP?: string;
    readonly hostIPs?: readonly { readonly ip?: string }[];
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  /** `containerd://<64 hex digits>`. */
  readonly containerID?: string;
}

export interface ServiceObject extends ApiObject {
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly { readonly port?: number; readonly nodePort?: number; readonly protocol?: Protocol }[];
  };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
  };
}

export interface EndpointSliceObject extends ApiObject {
  /** An address may be a DNS name (`FQDN`). */
  readonly addressType?: string;
  readonly endpoints?:
    | readonly {
        readonly addresses?: readonly string[];
        readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
      }[]
    | null;
  readonly ports?: readonly { readonly port?: number; readonly protocol?: Protocol }[] | null;
}
