/**
 * The part of Kubernetes' objects that a compose project comes to. The names are those of its API (apps/v1, batch/v1,
 * core/v1); a test holds them against Kubernetes' own types and schemas.
 */

export interface Meta {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export type Manifest = ConfigMap | Secret | Claim | KubeService | Workload | Ingress;

export interface ConfigMap {
  apiVersion: 'v1';
  kind: 'ConfigMap';
  metadata: Meta;
  data?: Record<string, string>;
  /** Base64. */
  binaryData?: Record<string, string>;
}

export interface Secret {
  apiVersion: 'v1';
  kind: 'Secret';
  metadata: Meta;
  type: 'Opaque';
  stringData?: Record<string, string>;
  /** Base64. */
  data?: Record<string, string>;
}

export interface Claim {
  apiVersion: 'v1';
  kind: 'PersistentVolumeClaim';
  metadata: Meta;
  spec: { accessModes: AccessMode[]; resources: { requests: { storage: string } } };
}

type AccessMode = 'ReadWriteOnce' | 'ReadWriteMany';

export interface ServicePort {
  name: string;
  port: number;
  targetPort: number;
  protocol: string;
  appProtocol?: string;
}

export interface KubeService {
  apiVersion: 'v1';
  kind: 'Service';
  metadata: Meta;
  spec: {
    type?: 'LoadBalancer';
    clusterIP?: 'None';
    selector: Record<string, string>;
    ports?: ServicePort[];
  };
}

export interface Ingress {
  apiVersion: 'networking.k8s.io/v1';
  kind: 'Ingress';
  metadata: Meta;
  spec: {
    rules: {
      host: string;
      http: {
        paths: { path: string; pathType: 'Prefix'; backend: { service: { name: string; port: { number: number } } } }[];
      };
    }[];
  };
}

export type Workload = Deployment | StatefulSet | DaemonSet | Job;

type Selector = { matchLabels: Record<string, string> };

export interface Deployment {
  apiVersion: 'apps/v1';
  kind: 'Deployment';
  metadata: Meta;
  spec: {
    replicas: number;
    selector: Selector;
    minReadySeconds?: number;
    strategy?: { type: 'Recreate' } | { type: 'RollingUpdate'; rollingUpdate: Rolling };
    template: PodTemplate;
  };
}

interface Rolling {
  maxSurge: number;
  maxUnavailable: number;
}

export interface StatefulSet {
  apiVersion: 'apps/v1';
  kind: 'StatefulSet';
  metadata: Meta;
  spec: {
    replicas: number;
    serviceName: string;
    selector: Selector;
    minReadySeconds?: number;
    template: PodTemplate;
  };
}

export interface DaemonSet {
  apiVersion: 'apps/v1';
  kind: 'DaemonSet';
  metadata: Meta;
  spec: { selector: Selector; template: PodTemplate };
}

export interface Job {
  apiVersion: 'batch/v1';
  kind: 'Job';
  metadata: Meta;
  spec: { backoffLimit: number; completions?: number; parallelism?: number; template: PodTemplate };
}

export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

export interface PodSpec {
  initContainers?: Container[];
  containers: Container[];
  volumes?: PodVolume[];
  restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  hostname?: string;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  shareProcessNamespace?: boolean;
  dnsPolicy?: 'ClusterFirstWithHostNet';
  dnsConfig?: { nameservers?: string[]; searches?: string[]; options?: { name: string; value?: string }[] };
  hostAliases?: { ip: string; hostnames: string[] }[];
  nodeSelector?: Record<string, string>;
  affinity?: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: NodeTerm[] } } };
  topologySpreadConstraints?: {
    maxSkew: number;
    topologyKey: string;
    whenUnsatisfiable: 'ScheduleAnyway';
    labelSelector: Selector;
  }[];
  runtimeClassName?: string;
  securityContext?: { supplementalGroups?: number[]; sysctls?: { name: string; value: string }[] };
  terminationGracePeriodSeconds?: number;
}

export interface NodeTerm {
  matchExpressions: { key: string; operator: 'NotIn'; values: string[] }[];
}

export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  command?: string[];
  args?: string[];
  workingDir?: string;
  stdin?: boolean;
  tty?: boolean;
  env?: EnvVariable[];
  ports?: { name: string; containerPort: number; protocol: string }[];
  resources?: Resources;
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { postStart?: { exec: Exec }; preStop?: { exec: Exec } };
  securityContext?: SecurityContext;
  volumeMounts?: VolumeMount[];
}

export interface EnvVariable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}

export interface Resources {
  limits?: Record<string, string>;
  requests?: Record<string, string>;
}

interface Exec {
  command: string[];
}

/** Seconds, none below 1. */
export interface Probe {
  exec: Exec;
  periodSeconds: number;
  timeoutSeconds: number;
  failureThreshold: number;
}

export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  privileged?: boolean;
  readOnlyRootFilesystem?: boolean;
  allowPrivilegeEscalation?: boolean;
  capabilities?: { add?: string[]; drop?: string[] };
  seccompProfile?: { type: 'Unconfined' };
  appArmorProfile?: { type: 'Unconfined' } | { type: 'Localhost'; localhostProfile: string };
  seLinuxOptions?: { user?: string; role?: string; type?: string; level?: string };
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly?: boolean;
}

interface Item {
  key: string;
  path: string;
  mode?: number;
}

/** A volume of a pod: a name and one source. */
export interface PodVolume {
  name: string;
  configMap?: { name: string; items?: Item[] };
  secret?: { secretName: string; items?: Item[] };
  persistentVolumeClaim?: { claimName: string };
  emptyDir?: { medium?: 'Memory'; sizeLimit?: string };
  hostPath?: { path: string };
  image?: { reference: string };
}
