/** What has to be done so that a service is there as it is wanted: pure, by docker compose's rules (convergence.go). */
import type { Present } from '#compose/apply/identify.ts';

/** `diverged`: where the configuration, the image, a network or a volume has changed. */
export type Strategy = 'never' | 'diverged' | 'force';

/** A service as it is wanted. */
export interface Wanted {
  scale: number;
  hash: string;
  /** The image's ID. */
  image: string;
  /** Names in the engine. */
  networks: readonly string[];
  volumes: readonly string[];
}

export type Step =
  | { do: 'keep'; container: Present }
  | { do: 'recreate'; container: Present }
  | { do: 'remove'; container: Present }
  | { do: 'create'; number: number };

/** Is a container another one than would be made today? */
export function mustRecreate(wanted: Wanted, container: Present, strategy: Strategy): boolean {
  if (strategy === 'never') return false;
  if (strategy === 'force') return true;
  if (container.hash !== wanted.hash || container.image !== wanted.image) return true;
  const { networks, mounts } = container.record;
  if (container.status === 'running' && wanted.networks.some((name) => !Object.hasOwn(networks, name))) return true;
  const has = (volume: string) => mounts.some(({ Type, Name }) => Type === 'volume' && Name === volume);
  return wanted.volumes.some((volume) => !has(volume));
}

/**
 * The steps for one service, in no order that matters among them. Of too many containers those go that are out of date,
 * then those with the highest numbers; new ones get numbers above all others'.
 */
export function planService(wanted: Wanted, present: readonly Present[], strategy: Strategy): Step[] {
  const outdated = new Set(present.filter((container) => mustRecreate(wanted, container, strategy)));
  const rank = (container: Present) => (outdated.has(container) ? 1 : 0);
  const sorted = [...present].sort((a, b) => rank(a) - rank(b) || a.number - b.number);
  const steps: Step[] = sorted.map((container, at) => {
    if (at >= wanted.scale) return { do: 'remove', container };
    return { do: outdated.has(container) ? 'recreate' : 'keep', container };
  });
  const next = Math.max(0, ...present.map(({ number }) => number)) + 1;
  const missing = Math.max(0, wanted.scale - present.length);
  return [...steps, ...Array.from({ length: missing }, (_, at): Step => ({ do: 'create', number: next + at }))];
}
