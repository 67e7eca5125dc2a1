/** Health checks as probes. */
import { given } from '#base/given.ts';
import { parseDuration } from '#base/units.ts';
import type { Container, Probe } from '#compose/export/kube/objects.ts';
import type { Healthcheck, Service } from '#compose/model/project.ts';

type Probes = Pick<Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'>;

/** Docker's: https://docs.docker.com/reference/dockerfile/#healthcheck */
const DEFAULTS = { interval: '30s', timeout: '30s', retries: 3, start_interval: '5s' };

/**
 * The check decides who gets requests (readiness) and who is started anew (liveness); until it has succeeded once, or
 * the start period is over, nobody is (startup).
 */
export function probes({ healthcheck }: Service): Probes {
  const command = healthcheck === undefined || healthcheck.disable ? undefined : commandOf(healthcheck.test);
  if (healthcheck === undefined || command === undefined) return {};
  const probe: Probe = {
    exec: { command },
    periodSeconds: seconds(healthcheck.interval ?? DEFAULTS.interval),
    timeoutSeconds: seconds(healthcheck.timeout ?? DEFAULTS.timeout),
    failureThreshold: Math.max(1, healthcheck.retries || DEFAULTS.retries),
  };
  return given({ startupProbe: startup(healthcheck, probe), readinessProbe: probe, livenessProbe: probe });
}

function startup({ start_period: period, start_interval: interval }: Healthcheck, probe: Probe): Probe | undefined {
  const whole = period === undefined ? 0 : seconds(period, 0);
  if (whole === 0) return undefined;
  const each = seconds(interval ?? DEFAULTS.start_interval);
  return { ...probe, periodSeconds: each, failureThreshold: Math.ceil(whole / each) + probe.failureThreshold };
}

function commandOf(test: string[] = []): string[] | undefined {
  const [kind, ...words] = test;
  if (kind === 'CMD-SHELL') return ['/bin/sh', '-c', words.join(' ')];
  return kind === 'CMD' && words.length > 0 ? words : undefined;
}

/** A duration in whole seconds, rounded up, as Kubernetes counts. */
export function seconds(duration: string, least = 1): number {
  return Math.max(least, Math.ceil(parseDuration(duration) / 1e9));
}
