/** What each service becomes: something steady, a task that ends, a part of another one's pod. */
import { type Draft, placeOf, tell } from '#compose/export/kube/draft.ts';
import { replicasOf } from '#compose/export/kube/volumes.ts';
import type { Service } from '#compose/model/project.ts';

export interface Roles {
  /** In whose pod it runs: its own, or that of the service whose network it shares. */
  owner(service: Service): Service;
  /** The other services in its pod. */
  companions(service: Service): Service[];
  /** Runs to its end. */
  isTask(service: Service): boolean;
  /** A task that one pod alone waits for: it runs in there, before the others, whenever that pod starts. */
  isInit(service: Service): boolean;
}

export function rolesIn(draft: Draft): Roles {
  const services = Object.values(draft.project.services);
  const owner = (service: Service, seen: readonly Service[] = []): Service => {
    const name = /^service:(.+)$/.exec(service.network_mode ?? '')?.[1];
    const other = name === undefined ? undefined : draft.project.services[name];
    return other === undefined || seen.includes(other) ? service : owner(other, [...seen, service]);
  };
  const waiting = (service: Service) =>
    services.filter(({ depends_on: needs }) => needs !== undefined && Object.hasOwn(needs, service.name));
  const isAwaited = (service: Service) =>
    waiting(service).some(
      ({ depends_on: needs }) => needs?.[service.name]?.condition === 'service_completed_successfully',
    );
  const isTask = (service: Service) => isAwaited(service) || isOneShot(service);
  const isInit = (service: Service) => {
    const [first, ...more] = waiting(service);
    const isAlone = first !== undefined && more.length === 0 && replicasOf(first) === 1 && owner(service) === service;
    return isAlone && isAwaited(service) && services.every((one) => one === service || owner(one) !== service);
  };
  return {
    owner: (service) => owner(service),
    companions: (service) => services.filter((one) => one !== service && owner(one) === service),
    isTask,
    isInit,
  };
}

/** Said to end and not to be started again, and nobody can connect to it. */
function isOneShot(service: Service): boolean {
  if (/-job$/.test(service.deploy?.mode ?? '')) return true;
  const isReached = service.ports !== undefined || service.expose !== undefined || service.healthcheck !== undefined;
  return !isReached && restartOf(service) === 'no';
}

type Restart = 'no' | 'on-failure' | 'always';

/** The deploy section's policy comes first, as in compose; undefined: the file says none. */
export function restartOf({ restart, deploy }: Service): Restart | undefined {
  const condition = deploy?.restart_policy?.condition;
  if (condition !== undefined)
    return condition === 'none' ? 'no' : condition === 'on-failure' ? 'on-failure' : 'always';
  if (restart === undefined || restart === '') return undefined;
  if (restart.startsWith('on-failure')) return 'on-failure';
  return restart === 'no' || restart === 'false' ? 'no' : 'always';
}

/** How often a task is tried again. */
export function attemptsOf({ restart = '', deploy }: Service): number | undefined {
  const most = deploy?.restart_policy?.max_attempts ?? Number(/^on-failure:(\d+)$/.exec(restart)?.[1] ?? Number.NaN);
  return Number.isNaN(most) ? undefined : most;
}

/** Says what is started again there though the file says that it isn't. */
export function tellRestart(draft: Draft, service: Service): void {
  const restart = restartOf(service);
  if (restart !== 'no' && restart !== 'on-failure') return;
  const when = restart === 'no' ? 'whenever it ends' : 'when it ended well, too';
  tell(draft, placeOf(service), `restart "${restart}" is left out: a pod that isn't a job's is restarted ${when}`);
}
