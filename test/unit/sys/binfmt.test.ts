import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emulated, isOffered, processorLevel, registration } from '#sys/binfmt.ts';
import { temporaryDirectory } from '#test/support/store.ts';

/** An ELF header of 64 bits for a machine, with the mask of QEMU's registrations. */
const elf = (machine: string) =>
  `offset 0\nmagic 7f454c460201010000000000000000000200${machine}\nmask ffffffffffffff00fffffffffffffffffeffffff\n`;
const QEMU = `interpreter /usr/bin/qemu-aarch64\nflags: OCF\n${elf('b700')}`;
const ROSETTA = `interpreter /run/rosetta/rosetta\nflags: POCF\n${elf('3e00')}`;

function registered(formats: Record<string, string>): string {
  const folder = temporaryDirectory();
  for (const [name, text] of Object.entries({ status: 'enabled\n', ...formats }))
    writeFileSync(join(folder, name), text);
  return folder;
}

test('an architecture can be run where an emulator takes its programs, whatever it is called, and is switched on', () => {
  const bigEndian = `magic 7f454c4602020100000000000000000000020016\n`;
  expect(
    emulated(
      registered({
        'qemu-aarch64': `enabled\n${QEMU}`,
        rosetta: `enabled\n${ROSETTA}`,
        'qemu-s390x': `enabled\ninterpreter /q\nflags: \noffset 0\n${bigEndian}`,
        'qemu-riscv64': `disabled\ninterpreter /q\nflags: F\n${elf('f300')}`,
        'python3.11': 'enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n',
        jar: 'enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n',
      }),
    ).sort(),
  ).toEqual(['amd64', 'arm64', 's390x']);
  expect(emulated(registered({ status: 'disabled\n', rosetta: `enabled\n${ROSETTA}` }))).toEqual([]);
  expect(emulated(join(temporaryDirectory(), 'none'))).toEqual([]);
});

test('formats of our own would hide what root offers to containers, and nothing else', () => {
  const python = { 'python3.11': 'enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n' };
  expect(isOffered(registered({ ...python, rosetta: `enabled\n${ROSETTA}` }))).toBe(true);
  expect(isOffered(registered({ ...python, rosetta: `disabled\n${ROSETTA}` }))).toBe(false);
  expect(isOffered(registered(python))).toBe(false);
  expect(isOffered(join(temporaryDirectory(), 'none'))).toBe(false);
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
  const start = '\\x7f\\x45\\x4c\\x46';
  const path = `/none:${folder}`;
  expect(registration('arm64', path)).toBe(
    `:qemu-aarch64:M::${start}\\x02\\x01\\x01${zeros}\\x02\\x00\\xb7\\x00:${mask('little')}:${folder}/qemu-aarch64-static:F`,
  );
  expect(registration('s390x', path)).toBe(
    `:qemu-s390x:M::${start}\\x02\\x02\\x01${zeros}\\x00\\x02\\x00\\x16:${mask('big')}:${folder}/qemu-s390x-static:F`,
  );
  expect(registration('arm', path)).toContain(`${start}\\x01\\x01\\x01${zeros}\\x02\\x00\\x28\\x00`);
  expect(registration('riscv64', path)).toBeUndefined();
  expect(registration('vax', path)).toBeUndefined();
  expect(registration('arm64', '')).toBeUndefined();
});
