import { expect, test } from 'vitest';
import { withoutUmask } from '#sys/umask.ts';

/** To read it is to set it. */
function current(): number {
  const umask = process.umask(0);
  process.umask(umask);
  return umask;
}

test('the umask comes back when the last of those who work without it is done', () => {
  const before = process.umask(0o027);
  try {
    const one = withoutUmask();
    const other = withoutUmask();
    expect(current()).toBe(0);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(current()).toBe(0);
    other[Symbol.dispose]();
    expect(current()).toBe(0o027);
  } finally {
    process.umask(before);
  }
});
