import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emulated, processorLevel, registration } from '#sys/binfmt.ts';
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

test('a static QEMU of the PATH is registered for the programs of its processor', () => {
  const folder = temporaryDirectory();
  for (const name of ['aarch64', 's390x', 'arm']) writeFileSync(join(folder, `qemu-${name}-static`), '');
  const zeros = '\\x00'.repeat(9);
  const mask = (type: string) =>
    `${'\\xff'.repeat(7)}\\x00${'\\xff'.repeat(8)}${type === 'little' ? '\\xfe\\xff' : '\\xff\\xfe'}\\xff\\xff`;
  const elf = '\\x7f\\x45\\x4c\\x46';
  const path = `/none:${folder}`;
  expect(registration('arm64', path)).toBe(
    `:qemu-aarch64:M::${elf}\\x02\\x01\\x01${zeros}\\x02\\x00\\xb7\\x00:${mask('little')}:${folder}/qemu-aarch64-static:F`,
  );
  expect(registration('s390x', path)).toBe(
    `:qemu-s390x:M::${elf}\\x02\\x02\\x01${zeros}\\x00\\x02\\x00\\x16:${mask('big')}:${folder}/qemu-s390x-static:F`,
  );
  expect(registration('arm', path)).toContain(`${elf}\\x01\\x01\\x01${zeros}\\x02\\x00\\x28\\x00`);
  expect(registration('riscv64', path)).toBeUndefined();
  expect(registration('vax', path)).toBeUndefined();
  expect(registration('arm64', '')).toBeUndefined();
});
