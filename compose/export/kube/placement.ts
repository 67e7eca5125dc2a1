/** Where pods run: deploy.placement, platform and runtime. */
import { given } from '#base/given.ts';
import { type Draft, filled, orNone, placeOf, selectorOf, tell } from '#compose/export/kube/draft.ts';
import type { NodeTerm, PodSpec } from '#compose/export/kube/objects.ts';
import type { Service } from '#compose/model/project.ts';

/** What Swarm calls a node's properties, as labels that every kubelet sets. */
const NODE: Record<string, string> = {
  'node.hostname': 'kubernetes.io/hostname',
  'node.platform.os': 'kubernetes.io/os',
  'node.platform.arch': 'kubernetes.io/arch',
};

const ARCHITECTURES: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' };

export function placement(draft: Draft, service: Service) {
  const { constraints = [], preferences = [], max_replicas_per_node: most } = service.deploy?.placement ?? {};
  const read = constraints.flatMap((text) => constraint(draft, service, text));
  const differs = read.filter(({ operator }) => operator === '!=');
  if (most !== undefined) tell(draft, placeOf(service), 'max_replicas_per_node is left out: use an anti-affinity');
  if (service.runtime !== undefined && service.runtime !== '')
    tell(draft, placeOf(service), `the cluster must have a RuntimeClass "${service.runtime}"`);
  const selector = {
    ...platform(service.platform),
    ...Object.fromEntries(read.filter(({ operator }) => operator === '==').map(({ key, value }) => [key, value])),
  };
  return given({
    nodeSelector: filled(selector),
    affinity: affinity(differs.map(({ key, value }) => ({ key, operator: 'NotIn', values: [value] }))),
    topologySpreadConstraints: orNone(preferences.flatMap(({ spread }) => spreading(draft, service, spread))),
    runtimeClassName: service.runtime || undefined,
  });
}

/** `node.labels.zone==west`, `node.hostname != a`. */
function constraint(draft: Draft, service: Service, text: string) {
  const [, name = '', operator = '', value = ''] = /^\s*(\S+?)\s*(==|!=)\s*(.*?)\s*$/.exec(text) ?? [];
  const key = labelOf(name);
  if (key === undefined) {
    tell(draft, placeOf(service), `constraint "${text}" is left out: a cluster's nodes have no such property`);
    return [];
  }
  return [{ key, operator, value: name === 'node.platform.arch' ? (ARCHITECTURES[value] ?? value) : value }];
}

const labelOf = (name: string): string | undefined => NODE[name] ?? /^node\.labels\.(.+)$/.exec(name)?.[1];

function affinity(matchExpressions: NodeTerm['matchExpressions']): PodSpec['affinity'] {
  if (matchExpressions.length === 0) return undefined;
  const nodeSelectorTerms = [{ matchExpressions }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
}

function spreading(draft: Draft, service: Service, spread = '') {
  const topologyKey = labelOf(spread);
  if (topologyKey === undefined) return [];
  const labelSelector = { matchLabels: selectorOf(draft, service.name) };
  return [{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway' as const, labelSelector }];
}

/** `linux/arm64/v8`: a variant is no label of a node. */
function platform(text: string | undefined): Record<string, string> {
  if (text === undefined || text === '') return {};
  const [os = '', arch] = text.split('/');
  return { 'kubernetes.io/os': os, ...(arch === undefined ? {} : { 'kubernetes.io/arch': arch }) };
}
