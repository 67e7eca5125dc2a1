import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emulated, processorLevel } from '#sys/binfmt.ts';
import { temporaryDirectory } from '#test/support/store.ts';

test('an architecture can be run where an emulator is registered and switched on', () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'qemu-aarch64'), 'enabled\ninterpreter /usr/bin/qemu-aarch64\n');
  writeFileSync(join(folder, 'qemu-riscv64-static'), 'enabled\n');
  writeFileSync(join(folder, 'qemu-s390x'), 'disabled\n');
  writeFileSync(join(folder, 'python3'), 'enabled\n');
  expect(emulated(folder).sort()).toEqual(['arm64', 'riscv64']);
  expect(emulated(join(folder, 'none'))).toEqual([]);
});

test('a processor has the level of x86-64 whose flags it has, with all below', () => {
  const v2 = 'cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3';
  const v3 = 'avx avx2 bmi1 bmi2 f16c fma abm movbe xsave';
  expect(processorLevel('flags\t\t: fpu sse2\n')).toBe(1);
  expect(processorLevel(`flags\t: ${v2}\n`)).toBe(2);
  expect(processorLevel(`flags\t: ${v3}\n`)).toBe(1);
  expect(processorLevel(`flags\t: ${v2} ${v3}\n`)).toBe(3);
  expect(processorLevel(`flags\t: ${v2} ${v3} avx512f avx512bw avx512cd avx512dq avx512vl\n`)).toBe(4);
});
