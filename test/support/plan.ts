/** Dockerfiles planned in this process, without any image, and the odd ones that Docker 28.5 was asked about. */
import { readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { DockerfileError } from '#build/dockerfile/fault.ts';
import { planBuild } from '#build/dockerfile/plan.ts';
import type { PlanRequest, ResolveBase } from '#build/dockerfile/request.ts';
import type { LintWarning, Plan } from '#build/vertex.ts';
import { parseSignal } from '#container/signals.ts';

export interface OddDockerfile {
  text: string;
  /** Rule, line, and what is wrong. */
  warnings?: [rule: string, line: number, detail: string][];
  /** The message, and the first line that it is about. */
  error?: [message: string, line?: number];
}

const HOST = { os: 'linux', architecture: 'amd64' };

/** An image with nothing in it but a layer. */
export const resolveNothing: ResolveBase = async () => ({
  config: { ...HOST, config: { Env: ['PATH=/bin'] }, rootfs: { type: 'layers', diff_ids: ['sha256:0'] } },
});

export function planRequest(text: string, about: Partial<PlanRequest> = {}): PlanRequest {
  return {
    text,
    buildArgs: {},
    labels: {},
    platforms: [],
    buildPlatform: HOST,
    contexts: {},
    noCache: false,
    pull: false,
    network: 'default',
    hosts: [],
    ulimits: [],
    checkSignal: parseSignal,
    ...about,
  };
}

export function planOf(text: string, about: Partial<PlanRequest> = {}): Promise<Plan> {
  return planBuild(planRequest(text, about), resolveNothing);
}

/** What Docker said to each, as it was asked with `--call=check`. */
export const ODD_DOCKERFILES: readonly OddDockerfile[] = JSON.parse(
  readFileSync(new URL('odd-dockerfiles.json', import.meta.url), 'utf8'),
);

/** What the plan says to a Dockerfile, in the shape of the answers above. */
export async function judge(text: string): Promise<OddDockerfile> {
  const found: LintWarning[] = [];
  let error: OddDockerfile['error'];
  try {
    await planBuild(planRequest(text, { allStages: true }), resolveNothing, found);
  } catch (thrown) {
    if (!(thrown instanceof WherryError)) throw thrown;
    const line = thrown instanceof DockerfileError ? thrown.places[0]?.start : undefined;
    error = line === undefined ? [thrown.message] : [thrown.message, line];
  }
  const warnings = found.map(({ rule, place, detail }): [string, number, string] => [
    rule,
    place[0]?.start ?? 0,
    detail,
  ]);
  return { text, ...(warnings.length > 0 ? { warnings } : {}), ...(error === undefined ? {} : { error }) };
}
