/** The flags of run and create for the health check, by the rules of Docker's client. */
import type { HealthConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import type { Flags, Values } from '#cli/command.ts';
import { boolean, duration, integer, text } from '#cli/values.ts';

/** Read by healthFrom(). */
export const HEALTH_FLAGS = {
  'health-cmd': { as: text, summary: 'Command to run to check health' },
  'health-interval': { as: duration, summary: 'Time between running the check (ms|s|m|h)' },
  'health-retries': { as: integer, summary: 'Consecutive failures needed to report unhealthy' },
  'health-start-interval': {
    as: duration,
    summary: 'Time between running the check during the start period (ms|s|m|h)',
  },
  'health-start-period': {
    as: duration,
    summary: 'Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)',
  },
  'health-timeout': { as: duration, summary: 'Maximum time to allow one check to run (ms|s|m|h)' },
  'no-healthcheck': { as: boolean, summary: 'Disable any container-specified HEALTHCHECK' },
} as const satisfies Flags;

/** What was asked for; undefined: what the image has. Throws kind `invalid` in the words of Docker's client. */
export function healthFrom(values: Values<typeof HEALTH_FLAGS>): HealthConfig | undefined {
  const invalid = (message: string) => new WherryError('invalid', message);
  const { healthCmd: command = '' } = values;
  const numbers = [
    ['Interval', 'health-interval', values.healthInterval],
    ['Timeout', 'health-timeout', values.healthTimeout],
    ['Retries', 'health-retries', values.healthRetries],
    ['StartPeriod', 'health-start-period', values.healthStartPeriod],
    ['StartInterval', 'health-start-interval', values.healthStartInterval],
  ] as const;
  const asked = numbers.filter(([, , value]) => value !== undefined && value !== 0);
  if (values.noHealthcheck) {
    if (command !== '' || asked.length > 0) throw invalid('--no-healthcheck conflicts with --health-* options');
    return { Test: ['NONE'] };
  }
  if (command === '' && asked.length === 0) return undefined;
  const negative = asked.find(([, , value]) => (value ?? 0) < 0);
  if (negative !== undefined) throw invalid(`--${negative[1]} cannot be negative`);
  return {
    ...(command === '' ? {} : { Test: ['CMD-SHELL', command] }),
    ...Object.fromEntries(asked.map(([key, , value]) => [key, value])),
  };
}
