/** What keeps a service's pods: a Deployment; where it has volumes a StatefulSet; a DaemonSet; a Job. */
import { given } from '#base/given.ts';
import { annotationsOf, type Draft, kubeName, meta, placeOf, selectorOf, tell } from '#compose/export/kube/draft.ts';
import type { Deployment, Job, Workload } from '#compose/export/kube/objects.ts';
import { podTemplate } from '#compose/export/kube/pod.ts';
import { seconds } from '#compose/export/kube/probes.ts';
import { attemptsOf, type Roles, restartOf, tellRestart } from '#compose/export/kube/roles.ts';
import { hasNamedVolume, replicasOf } from '#compose/export/kube/volumes.ts';
import type { Service } from '#compose/model/project.ts';

export function workload(draft: Draft, service: Service, roles: Roles): Workload {
  const annotations = annotationsOf(draft, placeOf(service), service.deploy?.labels ?? {});
  const metadata = meta(draft, kubeName(service.name), { service: service.name, annotations });
  if (roles.isTask(service)) return job(draft, service, roles, metadata);
  tellRestart(draft, service);
  const template = podTemplate(draft, service, roles);
  const selector = { matchLabels: selectorOf(draft, service.name) };
  const apiVersion = 'apps/v1';
  const { mode, update_config: update, rollback_config: rollback } = service.deploy ?? {};
  if (rollback !== undefined) tell(draft, placeOf(service), 'rollback_config is left out: use kubectl rollout undo');
  if (mode === 'global') return { apiVersion, kind: 'DaemonSet', metadata, spec: { selector, template } };
  const replicas = replicasOf(service);
  const ready = given({ minReadySeconds: update?.delay === undefined ? undefined : seconds(update.delay, 0) });
  const isKept = [service, ...roles.companions(service)].some(hasNamedVolume);
  if (isKept) {
    const spec = { replicas, serviceName: metadata.name, selector, ...ready, template };
    return { apiVersion, kind: 'StatefulSet', metadata, spec };
  }
  const spec = { replicas, selector, ...ready, ...strategy(draft, service), template };
  return { apiVersion, kind: 'Deployment', metadata, spec };
}

/** parallelism 0 is all at once. */
function strategy(draft: Draft, service: Service): Pick<Deployment['spec'], 'strategy'> {
  const update = service.deploy?.update_config;
  if (update === undefined) return {};
  if (update.failure_action !== undefined && update.failure_action !== 'pause')
    tell(draft, placeOf(service), `failure_action "${update.failure_action}" is left out: a rollout that fails stops`);
  const atOnce = update.parallelism === 0 ? replicasOf(service) : (update.parallelism ?? 1);
  const isAdded = update.order === 'start-first';
  const rollingUpdate = { maxSurge: isAdded ? atOnce : 0, maxUnavailable: isAdded ? 0 : Math.max(1, atOnce) };
  return { strategy: { type: 'RollingUpdate', rollingUpdate } };
}

/** Kubernetes' own number of attempts (batch/v1, backoffLimit). */
const ATTEMPTS = 6;

function job(draft: Draft, service: Service, roles: Roles, metadata: Job['metadata']): Job {
  const isRetried = restartOf(service) === 'on-failure' || restartOf(service) === 'always';
  const template = podTemplate(draft, service, roles, isRetried ? 'OnFailure' : 'Never');
  const count = replicasOf(service);
  const several = count > 1 && Number.isFinite(count) ? { completions: count, parallelism: count } : {};
  const backoffLimit = isRetried ? (attemptsOf(service) ?? ATTEMPTS) : 0;
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit, ...several, template } };
}
