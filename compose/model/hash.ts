/** The hash that says whether a container, network or volume is still what the file asks for: docker compose's own. */
import { createHash } from 'node:crypto';
import { objectJson } from '#compose/model/print.ts';
import type { Network, Service, Volume } from '#compose/model/project.ts';
import { NETWORK, SERVICE, VOLUME } from '#compose/model/shape.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Of a service, without what does not make its containers other ones. */
export function serviceHash(service: Service): string {
  const { build: _, pull_policy: __, scale: ___, depends_on: ____, profiles: _____, deploy, ...rest } = service;
  const { replicas: ______, ...kept } = deploy ?? {};
  return sha256(objectJson(SERVICE, deploy === undefined ? rest : { ...rest, deploy: kept }));
}

export const networkHash = (network: Network): string => sha256(objectJson(NETWORK, network));

export const volumeHash = (volume: Volume): string =>
  sha256(objectJson(VOLUME, { ...volume, driver: volume.driver ?? 'local' }));
