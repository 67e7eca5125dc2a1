import { defineConfig } from 'vitest/config';

/** e2e and diff drive one machine (an ordinary user, ports, a registry), so their files run one after the other. */
const serial = { fileParallelism: false, testTimeout: 0, hookTimeout: 0, globalSetup: ['test/support/setup.ts'] };

export default defineConfig({
  test: {
    reporters: ['default', './test/support/summary.ts'],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 0 } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts', 'test/native/**/*.test.ts'], ...serial } },
      {
        test: {
          name: 'diff',
          include: ['test/diff/**/*.test.ts'],
          ...serial,
          globalSetup: [...serial.globalSetup, 'test/support/engine.ts'],
        },
      },
    ],
  },
});
