/** What a plan is made from. */
import type { ImageConfig, Platform } from '#oci/manifest.ts';

/** `--build-context name=…`; what had to be fetched is a directory by now. */
export type NamedContext =
  /** A directory; the files of the vertex `local` with the context's name. */
  { kind: 'local' } | { kind: 'image'; reference: string } | { kind: 'layout'; path: string; digest: string };

export interface PlanRequest {
  /** The Dockerfile's text. */
  text: string;
  target?: string;
  buildArgs: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** Those that were asked for; none means this machine's, or the base image's. */
  platforms: readonly Platform[];
  /** What this machine runs. */
  buildPlatform: Platform;
  /** By name as the Dockerfile writes it; `name::os/arch` is for one platform alone. */
  contexts: Readonly<Record<string, NamedContext>>;
  /** All, or the stages of `--no-cache-filter`. */
  noCache: boolean | readonly string[];
  pull: boolean;
  network: 'default' | 'none' | 'host';
  hosts: readonly { host: string; ip: string }[];
  shmSize?: number;
  ulimits: readonly { name: string; soft: number; hard: number }[];
  cgroupParent?: string;
  /** Seconds; what SOURCE_DATE_EPOCH or `--timestamp` says. */
  epoch?: number;
  /** Does .dockerignore leave this path of the main context out? For a warning. */
  isIgnored?: (path: string) => boolean;
  /** Throws for what is no signal. */
  checkSignal: (text: string) => void;
  /** Every stage, not only those that the target needs: `--check`. */
  allStages?: boolean;
}

/** A base image whose configuration the plan needs. */
interface BaseRequest {
  /** `[internal] load metadata for docker.io/library/alpine:latest`. */
  name: string;
  source: { reference: string } | { path: string; digest: string };
  platform: Platform;
  resolveMode: 'default' | 'pull';
}

interface BaseImage {
  config: ImageConfig;
  /** Of its manifest or index, where it is known. */
  digest?: string;
}

/** Finds an image, pulls its configuration if it isn't here. */
export type ResolveBase = (request: BaseRequest) => Promise<BaseImage>;
