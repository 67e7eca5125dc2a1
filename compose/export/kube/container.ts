/** A service as a container: what it runs, with which environment, rights, checks and resources. */
import { given } from '#base/given.ts';
import { type Draft, kubeName, meta, orNone, placeOf, takeName, tell } from '#compose/export/kube/draft.ts';
import type { Container, EnvVariable, VolumeMount } from '#compose/export/kube/objects.ts';
import { portsOf } from '#compose/export/kube/ports.ts';
import { probes } from '#compose/export/kube/probes.ts';
import { resources } from '#compose/export/kube/resources.ts';
import { securityContext } from '#compose/export/kube/security.ts';
import type { Hook, Service } from '#compose/model/project.ts';

/** isSteady: false for one that runs to its end, which has no probes and no hooks. */
export function container(
  draft: Draft,
  service: Service,
  { mounts, isSteady }: { mounts: VolumeMount[]; isSteady: boolean },
): Container {
  const ports = portsOf(service).map(({ name, port, protocol }) => ({ name, containerPort: port, protocol }));
  return {
    name: kubeName(service.name),
    image: imageOf(draft, service),
    ...given({
      imagePullPolicy: pullPolicy(draft, service),
      ...process(draft, service),
      workingDir: service.working_dir,
      stdin: service.stdin_open,
      tty: service.tty,
      env: orNone(environment(draft, service)),
      ports: orNone(ports),
      resources: resources(draft, service),
      ...(isSteady ? { ...probes(service), lifecycle: lifecycle(draft, service) } : {}),
      securityContext: securityContext(draft, service),
      volumeMounts: orNone(mounts),
    }),
  };
}

function imageOf(draft: Draft, service: Service): string {
  const image = service.image ?? `${draft.project.name}-${service.name}`;
  if (service.build !== undefined)
    tell(
      draft,
      placeOf(service),
      `image "${image}" is built from the project: push it to where the cluster pulls from`,
    );
  return image;
}

const PULL: Record<string, Container['imagePullPolicy']> = {
  always: 'Always',
  never: 'Never',
  missing: 'IfNotPresent',
  if_not_present: 'IfNotPresent',
};

function pullPolicy(draft: Draft, service: Service): Container['imagePullPolicy'] {
  const { pull_policy: policy } = service;
  if (policy === undefined || policy === 'build') return undefined;
  const known = PULL[policy];
  if (known === undefined) tell(draft, placeOf(service), `pull_policy "${policy}" becomes Always`);
  return known ?? 'Always';
}

/** Kubernetes puts variables in where it finds $(NAME), and makes one sign of two. */
export const literal = (text: string) => text.replace(/\$(?=[$(])/g, '$$$$');

/** An entrypoint that is given takes away the image's command, there as here. */
function process(draft: Draft, service: Service): Pick<Container, 'command' | 'args'> {
  const entrypoint = service.entrypoint ?? undefined;
  const command = service.command ?? undefined;
  if (entrypoint?.length === 0) {
    if (command !== undefined && command.length > 0) return { command: command.map(literal) };
    tell(draft, placeOf(service), 'an empty entrypoint without a command is left out: the image has the say');
  }
  return given({
    command: entrypoint?.length ? entrypoint.map(literal) : undefined,
    args: command?.length ? command.map(literal) : undefined,
  });
}

/** Names whose values don't belong into a manifest that everybody reads. */
const SECRET = /PASSW(OR)?D|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY/i;

const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

function environment(draft: Draft, service: Service): EnvVariable[] {
  const entries = Object.entries(service.environment ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  const names = entries.filter(([name]) => !ENV_NAME.test(name)).map(([name]) => name);
  for (const name of names)
    tell(draft, placeOf(service), `variable "${name}" is left out: Kubernetes takes no such name`);
  const valid = entries.filter(([name]) => !names.includes(name));
  const hidden = valid.filter(([name, value]) => SECRET.test(name) && !name.endsWith('_FILE') && value !== '');
  const secret = hidden.length === 0 ? undefined : environmentSecret(draft, service, hidden);
  return valid.map(([name, value]) =>
    secret !== undefined && hidden.some(([one]) => one === name)
      ? { name, valueFrom: { secretKeyRef: { name: secret, key: name } } }
      : { name, value: literal(value) },
  );
}

/** What it holds is not searched for $(NAME). */
function environmentSecret(draft: Draft, service: Service, variables: [string, string][]): string {
  const name = takeName(draft, 'Secret', `${service.name}-env`);
  draft.objects.push({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: meta(draft, name, { service: service.name }),
    type: 'Opaque',
    stringData: Object.fromEntries(variables),
  });
  return name;
}

function lifecycle(draft: Draft, service: Service): Container['lifecycle'] {
  const postStart = hook(draft, service, 'post_start');
  const preStop = hook(draft, service, 'pre_stop');
  return postStart === undefined && preStop === undefined ? undefined : given({ postStart, preStop });
}

/** Kubernetes runs one command a moment, as the container's user, in its directory. */
function hook(draft: Draft, service: Service, when: 'post_start' | 'pre_stop') {
  const [first, ...more] = service[when] ?? [];
  if (first === undefined) return undefined;
  const place = placeOf(service);
  if (more.length > 0) tell(draft, place, `of several ${when} hooks only the first is written: Kubernetes has one`);
  const lost = (['user', 'privileged', 'working_dir', 'environment'] satisfies (keyof Hook)[]).filter(
    (key) => first[key] !== undefined,
  );
  for (const key of lost) tell(draft, place, `${when}'s ${key} is left out: a hook has that of its container`);
  return { exec: { command: first.command ?? [] } };
}
