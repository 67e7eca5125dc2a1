import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate as daemonSet } from 'kubernetes-models/_schemas/IoK8sApiAppsV1DaemonSet';
import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as statefulSet } from 'kubernetes-models/_schemas/IoK8sApiAppsV1StatefulSet';
import { validate as job } from 'kubernetes-models/_schemas/IoK8sApiBatchV1Job';
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap';
import { validate as claim } from 'kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim';
import { validate as secret } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Secret';
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service';
import { validate as ingress } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress';
import type { IDaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IStatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IPersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import type { ISecret } from 'kubernetes-models/v1/Secret';
import type { IService } from 'kubernetes-models/v1/Service';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type * as Ours from '#compose/export/kube/objects.ts';
import { exportKube, kubeYaml } from '#compose/export/kube.ts';
import type { Project, Service } from '#compose/model/project.ts';

/** Kubernetes' own schemas, of its OpenAPI document, by kind. */
const SCHEMAS: Record<string, ((data: unknown) => boolean) & { errors?: unknown }> = {
  ConfigMap: configMap,
  DaemonSet: daemonSet,
  Deployment: deployment,
  Ingress: ingress,
  Job: job,
  PersistentVolumeClaim: claim,
  Secret: secret,
  Service: service,
  StatefulSet: statefulSet,
};

const directory = mkdtempSync(join(tmpdir(), 'wherry-kube-'));
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, 'nginx.conf'), 'events {}\n');
writeFileSync(join(directory, 'key.bin'), Buffer.from([0, 255, 1]));

function project(services: Record<string, Partial<Service>>, more: Partial<Project> = {}): Project {
  const named = Object.entries(services).map(([name, each]) => [name, { image: 'busybox', ...each, name }]);
  return {
    name: 'shop',
    workingDir: directory,
    composeFiles: [],
    environment: { TOKEN: 'abc' },
    profiles: [],
    disabledServices: {},
    ...more,
    services: Object.fromEntries(named),
  };
}

const FULL = project(
  {
    web: {
      build: { context: '.' },
      entrypoint: ['/entry'],
      command: ['echo', 'costs $$5 and $(PATH)'],
      environment: { LEVEL: 'debug', API_TOKEN: 's3cret', KEY_FILE: '/run/x', UNSET: null, '1 x': '' },
      ports: [
        { target: 80, published: '8080', protocol: 'tcp', mode: 'ingress', app_protocol: 'http' },
        { target: 443, published: '8443', host_ip: '127.0.0.1', protocol: 'tcp' },
        { target: 53, protocol: 'udp' },
      ],
      expose: ['9000-9001', '53/udp'],
      depends_on: {
        db: { condition: 'service_healthy', required: true },
        migrate: { condition: 'service_completed_successfully', required: true },
        gone: { condition: 'service_started', required: false },
      },
      networks: { front: { aliases: ['www', 'db'], ipv4_address: '10.0.0.9' }, back: null },
      volumes: [
        { type: 'bind', source: join(directory, 'nginx.conf'), target: '/etc/nginx/nginx.conf', read_only: true },
        { type: 'bind', source: join(directory, 'key.bin'), target: '/key' },
        { type: 'bind', source: directory, target: '/src' },
        { type: 'bind', source: '/dev/fuse', target: '/dev/fuse' },
        { type: 'volume', target: '/anonymous' },
        { type: 'tmpfs', target: '/run', tmpfs: { size: '10485760' } },
        { type: 'image', source: 'busybox', target: '/tools', image: { subpath: 'bin' } },
      ],
      tmpfs: ['/tmp:size=1m'],
      shm_size: '67108864',
      configs: [{ source: 'motd', target: '/etc/motd', mode: '0440', uid: '10' }],
      secrets: [{ source: 'token', mode: '0400' }],
      deploy: {
        replicas: 3,
        labels: { tier: 'front' },
        update_config: { parallelism: 2, delay: '10s', order: 'start-first', failure_action: 'rollback' },
        resources: {
          limits: { cpus: 0.5, memory: '536870912', pids: 50 },
          reservations: { cpus: 1, memory: '1000', devices: [{ driver: 'nvidia', count: 2, capabilities: ['gpu'] }] },
        },
        placement: {
          constraints: ['node.labels.zone==west', 'node.hostname != old', 'node.role == manager'],
          preferences: [{ spread: 'node.labels.rack' }],
        },
      },
      healthcheck: {
        test: ['CMD-SHELL', 'wget -q localhost'],
        interval: '1m30s',
        timeout: '500ms',
        retries: 4,
        start_period: '1m0s',
      },
      post_start: [{ command: ['echo', 'up'], user: 'root' }, { command: ['true'] }],
      pre_stop: [{ command: ['echo', 'down'] }],
      labels: { 'com.example/team': 'shop', 'not a key!': 'x' },
      annotations: { note: 'yes' },
      user: '1000:staff',
      group_add: ['5', 'audio'],
      cap_add: ['CAP_NET_ADMIN'],
      cap_drop: ['all'],
      security_opt: ['no-new-privileges:true', 'seccomp=unconfined', 'apparmor:mine', 'label=type:t', 'label=level:s0'],
      read_only: true,
      sysctls: { 'net.core.somaxconn': '1024' },
      dns: ['1.1.1.1'],
      dns_search: ['example.com'],
      dns_opt: ['ndots:2', 'rotate'],
      extra_hosts: ['api=10.0.0.1', 'gate=host-gateway'],
      hostname: 'Web',
      platform: 'linux/arm64/v8',
      runtime: 'runsc',
      pull_policy: 'always',
      stop_grace_period: '20s',
      stop_signal: 'SIGINT',
      init: true,
      ulimits: { nofile: 5 },
      logging: { driver: 'json-file' },
      tty: true,
      stdin_open: true,
    },
    db: {
      image: 'postgres:16',
      volumes: [{ type: 'volume', source: 'data', target: '/var/lib/postgresql/data', volume: { subpath: 'pg' } }],
      healthcheck: { test: ['CMD', 'pg_isready'] },
      networks: { back: null },
      restart: 'unless-stopped',
    },
    helper: { network_mode: 'service:db', pid: 'service:db' },
    migrate: { restart: 'on-failure:2', depends_on: { db: { condition: 'service_healthy', required: true } } },
    agent: { deploy: { mode: 'global' }, pid: 'host', network_mode: 'host', privileged: true },
    once: { restart: 'no', command: ['true'] },
  },
  {
    networks: { front: { name: 'shop_front' }, back: { name: 'shop_back', internal: true } },
    volumes: { data: { name: 'shop_data', driver_opts: { size: '10g' } }, unused: { name: 'shop_unused' } },
    configs: { motd: { name: 'shop_motd', content: 'hello' }, theirs: { name: 'real', external: true } },
    secrets: { token: { name: 'shop_token', environment: 'TOKEN' } },
  },
);

const { objects, hints, notes } = exportKube(FULL, { namespace: 'prod' });
const find = (kind: string, name: string) => objects.find((one) => one.kind === kind && one.metadata.name === name);
const pod = (from: Project, name: string) => {
  const made = exportKube(from).objects.find(
    ({ kind, metadata }) => /Set|Deploy|Job/.test(kind) && metadata.name === name,
  );
  return (made as Ours.Workload | undefined)?.spec.template.spec;
};

describe('what is written', () => {
  test.each([...objects, ...hints].map((one) => [one.kind, one.metadata.name, one] as const))(
    "%s %s is what Kubernetes' own schema says",
    (kind, _, object) => {
      const validate = SCHEMAS[kind];
      validate?.(object);
      expect(validate?.errors ?? null).toBeNull();
    },
  );

  test('the schema is a real one: it refuses what is wrong', () => {
    expect(deployment({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 'three' } })).toBe(false);
  });

  test('there is no field that Kubernetes does not know', () => {
    expectTypeOf<Unknown<Ours.Deployment, IDeployment>>().toBeNever();
    expectTypeOf<Unknown<Ours.StatefulSet, IStatefulSet>>().toBeNever();
    expectTypeOf<Unknown<Ours.DaemonSet, IDaemonSet>>().toBeNever();
    expectTypeOf<Unknown<Ours.Job, IJob>>().toBeNever();
    expectTypeOf<Unknown<Ours.KubeService, IService>>().toBeNever();
    expectTypeOf<Unknown<Ours.ConfigMap, IConfigMap>>().toBeNever();
    expectTypeOf<Unknown<Ours.Secret, ISecret>>().toBeNever();
    expectTypeOf<Unknown<Ours.Claim, IPersistentVolumeClaim>>().toBeNever();
    expectTypeOf<Unknown<Ours.Ingress, IIngress>>().toBeNever();
    expectTypeOf<Unknown<{ spec: { replica: 1 } }, IDeployment>>().toEqualTypeOf<'replica'>();
  });

  test('every object is in the namespace, and its name is one that Kubernetes takes', () => {
    for (const { metadata } of objects) {
      expect(metadata.namespace).toBe('prod');
      expect(metadata.name).toMatch(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
    }
    expect(new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).size).toBe(objects.length);
  });

  test('the text reads back as the same objects, without anchors; the hint is a comment that is YAML', async () => {
    const text = await kubeYaml(FULL, { objects, hints, notes });
    expect(parseAllDocuments(text).map((document) => (document as { toJS(): unknown }).toJS())).toEqual(objects);
    expect(text).not.toMatch(/[&*]a1/);
    const hint = text.slice(text.indexOf('# ---\n') + 6).replace(/^# ?/gm, '');
    expect(parseAllDocuments(hint).map((document) => (document as { toJS(): unknown }).toJS())).toEqual(hints);
  });

  test('words that are no strings to the YAML that kubectl reads stay strings', async () => {
    const command = ['yes', 'no', 'on', 'n', '1_000', '0777', '1e3', '12:30:45', '2024-01-01', '~', '', 'null', '='];
    const odd = project({ web: { command, environment: { Y: 'off', ON: 'y' } } });
    const made = exportKube(odd);
    const text = await kubeYaml(odd, made);
    const read = parseAllDocuments(text, { version: '1.1' }) as { toJS(): unknown }[];
    expect(read.map((document) => document.toJS())).toEqual(made.objects);
    const octal = project({ web: { command: ['0o17', '-0O7'] } });
    expect(await kubeYaml(octal, exportKube(octal))).toMatch(/- "0o17"\n +- "-0O7"\n/);
  });

  test('a provider has no pod, and the socket of an engine is told of', () => {
    const { objects: made, notes: told } = exportKube(
      project({
        model: { provider: { type: 'model' } },
        web: { volumes: [{ type: 'bind', source: '/var/run/docker.sock', target: '/run/docker.sock' }] },
      }),
    );
    expect(made.map(({ metadata }) => metadata.name)).toEqual(['web', 'web']);
    expect(told).toEqual([
      'service "model": provider is left out: nothing runs a provider there, nor this service',
      'service "web": /var/run/docker.sock is the node\'s own, where something else may listen',
    ]);
  });
});

/** Names of fields, at any depth, that Theirs has not. */
type Unknown<Mine, Theirs> = Mine extends readonly (infer M)[]
  ? NonNullable<Theirs> extends readonly (infer T)[]
    ? Unknown<M, T>
    : never
  : Mine extends object
    ? string extends keyof Mine
      ? never
      : { [K in keyof Mine]-?: K extends Keys<Theirs> ? Unknown<NonNullable<Mine[K]>, At<Theirs, K>> : K }[keyof Mine]
    : never;
type Keys<T> = NonNullable<T> extends infer U ? (U extends unknown ? keyof U : never) : never;
type At<T, K> = NonNullable<T> extends infer U ? (K extends keyof U ? NonNullable<U[K]> : never) : never;

describe('what a service becomes', () => {
  test.each([
    ['Deployment', 'web'],
    ['StatefulSet', 'db'],
    ['DaemonSet', 'agent'],
    ['Job', 'once'],
  ])('a %s: %s', (kind, name) => expect(find(kind, name)).toBeDefined());

  test('one that shares the network of another is in its pod, and its name leads there', () => {
    expect(pod(FULL, 'helper')).toBeUndefined();
    expect(pod(FULL, 'db')).toMatchObject({
      containers: [{ name: 'db' }, { name: 'helper' }],
      shareProcessNamespace: true,
    });
    expect((find('Service', 'helper') as Ours.KubeService).spec.selector['app.kubernetes.io/name']).toBe('db');
  });

  test('a task that only one pod waits for runs in there; one that more wait for is a job', () => {
    const needs = { depends_on: { task: { condition: 'service_completed_successfully', required: true } } };
    expect(pod(project({ web: needs, task: {} }), 'web')?.initContainers).toMatchObject([{ name: 'task' }]);
    const two = exportKube(project({ web: needs, api: needs, task: { restart: 'on-failure:2' } }));
    expect(two.objects.find(({ kind }) => kind === 'Job')).toMatchObject({
      spec: { backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } },
    });
    expect(two.notes).toContain(
      'service "web": apply it when the job is done: kubectl wait --for=condition=complete job/task',
    );
  });

  test('it waits for the health of others', () => {
    const db = { healthcheck: { test: ['CMD', 'true'] }, expose: ['5432'] };
    const web = { depends_on: { db: { condition: 'service_healthy', required: true } } };
    expect(pod(project({ web, db }), 'web')?.initContainers?.[0]?.args?.[0]).toContain('nc -z -w 1 db 5432');
    expect(pod(project({ web, db: { ...db, expose: [] } }), 'web')?.initContainers?.[0]?.args?.[0]).toContain(
      'nslookup',
    );
  });

  test('one without ports can be reached by its name, whatever port it listens on', () => {
    expect((find('Service', 'db') as Ours.KubeService).spec).not.toHaveProperty('ports');
    expect((find('Service', 'db') as Ours.KubeService).spec.clusterIP).toBe('None');
  });

  test('ports are those of the container inside, and the published ones outside', () => {
    const inside = find('Service', 'web') as Ours.KubeService;
    expect(inside.spec.ports?.map(({ port, protocol }) => `${port}/${protocol}`)).toEqual([
      '53/UDP',
      '80/TCP',
      '443/TCP',
      '9000/TCP',
      '9001/TCP',
    ]);
    const outside = find('Service', 'web-published') as Ours.KubeService;
    expect(outside.spec).toMatchObject({ type: 'LoadBalancer', ports: [{ port: 8080, targetPort: 80 }] });
  });

  test('an alias is a name of its own, but for one that is a service', () => {
    expect(find('Service', 'www')).toBeDefined();
    expect(objects.filter(({ kind, metadata }) => kind === 'Service' && metadata.name === 'db')).toHaveLength(1);
  });
});

describe('what a container gets', () => {
  const web = pod(FULL, 'web')?.containers[0];

  test('its command as it was, where Kubernetes would put variables in', () => {
    expect(web).toMatchObject({ command: ['/entry'], args: ['echo', 'costs $$$5 and $$(PATH)'] });
  });

  test('values that look like secrets stand in a Secret', () => {
    expect(web?.env).toEqual([
      { name: 'LEVEL', value: 'debug' },
      { name: 'API_TOKEN', valueFrom: { secretKeyRef: { name: 'web-env', key: 'API_TOKEN' } } },
      { name: 'KEY_FILE', value: '/run/x' },
    ]);
    expect(find('Secret', 'web-env')).toMatchObject({ stringData: { API_TOKEN: 's3cret' } });
  });

  test('limits and reservations as quantities', () => {
    expect(web?.resources).toEqual({
      limits: { cpu: '500m', memory: '512Mi', 'nvidia.com/gpu': '2' },
      requests: { cpu: '1', memory: '1000' },
    });
  });

  test('its check as probes in whole seconds, which spare it in its start period', () => {
    const exec = { command: ['/bin/sh', '-c', 'wget -q localhost'] };
    expect(web?.livenessProbe).toEqual({ exec, periodSeconds: 90, timeoutSeconds: 1, failureThreshold: 4 });
    expect(web?.readinessProbe).toEqual(web?.livenessProbe);
    expect(web?.startupProbe).toMatchObject({ periodSeconds: 5, failureThreshold: 16 });
    expect(pod(project({ x: { healthcheck: { disable: true } } }), 'x')?.containers[0]).not.toHaveProperty(
      'livenessProbe',
    );
    expect(pod(project({ x: { healthcheck: { test: ['NONE'] } } }), 'x')?.containers[0]).not.toHaveProperty(
      'livenessProbe',
    );
  });

  test('files of the project, text or not; configs and secrets where compose puts them', () => {
    expect(find('ConfigMap', 'web-nginx-conf')).toMatchObject({ data: { 'nginx.conf': 'events {}\n' } });
    expect(find('ConfigMap', 'web-key-bin')).toMatchObject({ binaryData: { 'key.bin': 'AP8B' } });
    expect(find('Secret', 'token')).toMatchObject({ stringData: { token: 'abc' } });
    expect(web?.volumeMounts).toContainEqual({
      name: 'web-secret-token',
      mountPath: '/run/secrets/token',
      subPath: 'token',
      readOnly: true,
    });
    expect(web?.volumeMounts?.find(({ mountPath }) => mountPath === '/etc/motd')).toMatchObject({ subPath: 'motd' });
  });

  test('a volume of the size that its options name, else of the one that is asked for', () => {
    expect(find('PersistentVolumeClaim', 'data')).toMatchObject({
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
    });
    expect(find('PersistentVolumeClaim', 'unused')).toBeUndefined();
    const volumes: Service['volumes'] = [{ type: 'volume', source: 'v', target: '/v' }];
    const shared = project({ a: { volumes }, b: { volumes } }, { volumes: { v: { name: 'shop_v' } } });
    expect(exportKube(shared, { storage: 5 * 2 ** 30 }).objects[0]).toMatchObject({
      spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '5Gi' } } },
    });
  });
});

test.each([
  'service "web": image "busybox" is built from the project: push it to where the cluster pulls from',
  'service "web": port 443 is not published: 127.0.0.1 is one machine\'s (kubectl port-forward)',
  'service "web": stop_signal is left out: have the image name it (STOPSIGNAL)',
  'service "web": user "staff" is left out: Kubernetes wants a number',
  'service "web": label "not a key!" is left out: Kubernetes takes no such key',
  'service "web": variable "1 x" is left out: Kubernetes takes no such name',
  'service "web": of several post_start hooks only the first is written: Kubernetes has one',
  'service "web": constraint "node.role == manager" is left out: a cluster\'s nodes have no such property',
  'service "web": ipv4_address in network "front" is left out: the cluster assigns addresses',
  'network "back": internal is left out: write a NetworkPolicy that forbids what goes out',
  'networks: back, front become one: write NetworkPolicies to keep services apart',
  'config "theirs": ConfigMap "real" with the key "theirs" must be in the cluster: it is external',
])('what a manifest cannot say is told: %s', (note) => expect(notes).toContain(note));

test('a secret whose file is not there is named, with the file', () => {
  const lacking = project({}, { secrets: { pw: { name: 'pw', file: '/nowhere/pw' } } });
  expect(() => exportKube(lacking)).toThrow('Cannot write secret "pw": /nowhere/pw: no such file or directory');
});

test('two services that would have one name are refused', () => {
  expect(() => exportKube(project({ a_b: {}, 'a-b': {} }))).toThrow('Cannot write services "a_b" and "a-b"');
});
