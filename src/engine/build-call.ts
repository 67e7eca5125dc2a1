/** What can be known of a build without running it: its checks, and what it can be told. */
import { WherryError } from '#base/error.ts';
import type { Outline } from '#build/dockerfile/outline.ts';
import { outlineBuild, planBuild } from '#build/dockerfile/plan.ts';
import type { BuildRequest } from '#build/request.ts';
import type { LintWarning } from '#build/vertex.ts';
import { type BuildOptions, planRequest, reportWarnings, resolver } from '#engine/build.ts';
import { openBases } from '#engine/build-images.ts';
import type { Store } from '#store/store.ts';

export interface Checked {
  warnings: LintWarning[];
  /** Why it could not be built. */
  error?: WherryError;
}

/** All stages are looked at, where no target is named. */
export async function checkBuild(store: Store, request: BuildRequest, options: BuildOptions): Promise<Checked> {
  const warnings: LintWarning[] = [];
  const wanted = { ...planRequest(request), allStages: request.target === '' };
  try {
    await planBuild(wanted, resolver(openBases(store), request, { ...options, settingsOnly: true }), warnings);
    return { warnings };
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    return { warnings, error };
  }
}

/** Throws DockerfileError. */
export async function describeBuild(store: Store, request: BuildRequest, options: BuildOptions): Promise<Outline> {
  const warnings: LintWarning[] = [];
  try {
    return await outlineBuild(
      planRequest(request),
      resolver(openBases(store), request, { ...options, settingsOnly: true }),
      warnings,
    );
  } finally {
    reportWarnings(warnings, options.report);
  }
}
