/** What a build is asked for: the flags of docker build, read, and its contexts, opened. */
import type { Material, ProvenanceWish, predicateOf } from '#build/provenance.ts';
import type { Packing } from '#oci/compression.ts';
import type { Descriptor, Platform } from '#oci/manifest.ts';

/** Where a build's files, or a stage's base, come from. */
export type BuildContext =
  /** ignore: the text of the file that says what is left out; undefined where there is none. */
  | { kind: 'directory'; path: string; ignore?: { name: string; text: string } }
  /** `docker-image://…` */
  | { kind: 'image'; reference: string }
  /** `oci-layout://…`; digest: of the manifest or index. */
  | { kind: 'layout'; path: string; digest: string };

export interface BuildSecret {
  id: string;
  /** One of the two. */
  file?: string;
  env?: string;
}

/** `--ssh id=socket` or `id=key,key`; without paths it is the agent of SSH_AUTH_SOCK. */
export interface BuildSsh {
  id: string;
  paths: string[];
}

/** What becomes of the result. */
export type BuildOutput =
  /** Into the store under its names, and to their registries with `push`. */
  | {
      type: 'image';
      names: string[];
      push: boolean;
      /** Its names are repositories, which get no tag. */
      byDigest?: boolean;
      /** They name it by its digest as well (`name-canonical`). */
      canonical?: boolean;
      /** Nothing of it stays in the store. */
      stored?: false;
      /** Has it provenance that is `inline-only`? By itself yes (`attestation-inline`). */
      inline?: boolean;
    }
  /** An archive as docker save's, or of the OCI; '-' is standard output; tar: false makes a directory of it. inline: as above, by itself no. */
  | { type: 'docker' | 'oci'; dest: string; names: string[]; tar: boolean; inline?: boolean }
  /** The files themselves. */
  | {
      type: 'local' | 'tar';
      dest: string /** A directory for each platform; by itself with several. */;
      platformSplit?: boolean;
    }
  | { type: 'cacheonly' };

/** `--cache-from` and `--cache-to`, as `type=…` and further keys. */
export type CacheOptions = Readonly<Record<string, string>> & { readonly type: string };

export interface BuildLimits {
  memory?: number;
  /** -1: no limit. */
  memorySwap?: number;
  cpuShares?: number;
  cpuPeriod?: number;
  cpuQuota?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
}

export interface BuildRequest {
  /** name: as errors call it. */
  dockerfile: { name: string; text: string };
  /** '' is the main one. */
  contexts: Readonly<Record<string, BuildContext>>;
  target: string;
  buildArgs: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** Of the manifest (`manifest`), of the index (`index`), or of their descriptors. */
  annotations: {
    scope: 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';
    key: string;
    value: string;
    /** Of the platform's image alone (`manifest[linux/arm64]:…`). */
    platform?: string;
  }[];
  /** Empty: this machine's. */
  platforms: Platform[];
  noCache: boolean;
  /** Stages that are built anew. */
  noCacheFilter: string[];
  pull: boolean;
  network: 'default' | 'none' | 'host';
  /** `name:ip`; host-gateway is resolved where a RUN is made. */
  hosts: string[];
  /** Bytes. */
  shmSize?: number;
  ulimits: { name: string; soft: number; hard: number }[];
  cgroupParent?: string;
  limits: BuildLimits;
  securityOptions: string[];
  /** `network.host`, `security.insecure`. */
  allow: string[];
  secrets: BuildSecret[];
  ssh: BuildSsh[];
  outputs: BuildOutput[];
  /** Of the layers in what is handed out; undefined: as they are, and gzip. */
  packing?: Packing;
  cacheFrom: CacheOptions[];
  cacheTo: CacheOptions[];
  /** undefined: none is written. */
  provenance?: ProvenanceWish;
  /** Seconds since the epoch for all that is made (SOURCE_DATE_EPOCH). */
  epoch?: number;
  /** Files keep their own times all the same. */
  keepsTimes?: boolean;
}

export interface BuiltTarget {
  platform: Platform;
  /** Of the configuration: what `docker build -q` prints. */
  imageId: string;
  /** Of the manifest. */
  digest: string;
}

export interface Provenance {
  platform: Platform;
  materials: Material[];
  predicate: ReturnType<typeof predicateOf>;
  /** The same of mode=max. */
  whole: object;
}

export interface BuildResult {
  targets: BuiltTarget[];
  /** Of the manifest, or of the index with several platforms or attestations. */
  digest: string;
  /** Of the same; undefined where no image was made. */
  descriptor?: Descriptor;
  /** `docker.io/library/x`, with the tags that were given. */
  names: string[];
  /** Of each platform, in the plan's order; found out when it is asked for. */
  provenance: () => Promise<Provenance[]>;
}
