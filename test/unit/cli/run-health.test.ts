import { describe, expect, test } from 'vitest';
import { HEALTH_FLAGS, healthFrom } from '#cli/run-health.ts';

const NOTHING = {
  healthCmd: undefined,
  healthInterval: undefined,
  healthRetries: undefined,
  healthStartInterval: undefined,
  healthStartPeriod: undefined,
  healthTimeout: undefined,
  noHealthcheck: false,
};

describe('the flags of health checks', () => {
  test.each([
    ['no flag', {}, undefined],
    ['values that are none', { healthCmd: '', healthInterval: 0, healthRetries: 0 }, undefined],
    ['a command', { healthCmd: 'curl -f x || exit 1' }, { Test: ['CMD-SHELL', 'curl -f x || exit 1'] }],
    ['a time alone', { healthTimeout: 5e9 }, { Timeout: 5e9 }],
    ['no check at all', { noHealthcheck: true }, { Test: ['NONE'] }],
    [
      'everything',
      {
        healthCmd: 'x',
        healthInterval: 1e9,
        healthRetries: 2,
        healthStartInterval: 3e9,
        healthStartPeriod: 4e9,
        healthTimeout: 5e9,
      },
      { Test: ['CMD-SHELL', 'x'], Interval: 1e9, Timeout: 5e9, Retries: 2, StartPeriod: 4e9, StartInterval: 3e9 },
    ],
  ])('%s', (_what, values, config) => {
    expect(healthFrom({ ...NOTHING, ...values })).toEqual(config);
  });

  test.each([
    [{ noHealthcheck: true, healthCmd: 'x' }, '--no-healthcheck conflicts with --health-* options'],
    [{ noHealthcheck: true, healthRetries: 1 }, '--no-healthcheck conflicts with --health-* options'],
    [{ healthInterval: -1 }, '--health-interval cannot be negative'],
    [{ healthTimeout: -1, healthRetries: -1 }, '--health-timeout cannot be negative'],
    [{ healthStartPeriod: -1 }, '--health-start-period cannot be negative'],
    [{ healthStartInterval: -1 }, '--health-start-interval cannot be negative'],
  ])('%j is refused', (values, message) => {
    expect(() => healthFrom({ ...NOTHING, ...values })).toThrow(message);
  });

  test('each of them is read', () => {
    const read = new Set<string>();
    const values = new Proxy(NOTHING, {
      get: (all, name) => {
        read.add(String(name));
        return Reflect.get(all, name);
      },
    });
    healthFrom(values);
    const camel = (name: string) => name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
    expect([...read].sort()).toEqual(Object.keys(HEALTH_FLAGS).map(camel).sort());
  });
});
