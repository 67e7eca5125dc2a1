/** What a build is asked for, for tests that build nothing. */
import type { BuildRequest } from '#build/request.ts';

/** Of an empty Dockerfile nothing is asked but what a test says. */
export const buildRequest = (more: Partial<BuildRequest> = {}): BuildRequest => ({
  dockerfile: { name: 'Dockerfile', text: '' },
  contexts: {},
  target: '',
  buildArgs: {},
  labels: {},
  annotations: [],
  platforms: [],
  noCache: false,
  noCacheFilter: [],
  pull: false,
  network: 'default',
  hosts: [],
  ulimits: [],
  limits: {},
  securityOptions: [],
  allow: [],
  secrets: [],
  ssh: [],
  outputs: [],
  cacheFrom: [],
  cacheTo: [],
  ...more,
});
