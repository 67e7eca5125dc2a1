import { expect, test } from 'vitest';
import { BUILD_FLAGS } from '#cli/build/flags.ts';
import { type BuildValues, wantedOf } from '#cli/build/request.ts';
import { checkTogether } from '#cli/build/together.ts';
import { parseFlags } from '#cli/parse.ts';

function check(text: string): string[] {
  const { values } = parseFlags(text.split(' '), BUILD_FLAGS, { interspersed: true });
  return checkTogether(wantedOf(values as unknown as BuildValues), values as unknown as BuildValues);
}

test.each([
  ['--allow foo', 'unknown entitlement foo'],
  ['--annotation index:a=b', 'index annotations not supported for single platform export'],
  [
    '--provenance inline-only=true --annotation index:a=b -o type=oci,dest=x',
    'index annotations not supported for single platform export',
  ],
  ['--provenance true', 'Attestation is not supported for the docker driver.'],
  ['--platform linux/amd64,linux/arm64 -o type=docker,dest=x', 'docker exporter does not currently support'],
  ['--add-host foo', 'invalid host foo'],
  ['--add-host foo:bar', 'invalid host foo:bar'],
  ['--cache-to type=gha', 'that service is not supported'],
])('%s is refused', (text, message) => {
  expect(() => check(text)).toThrow(message);
});

test.each([
  ['--squash', 'squash is removed with BuildKit'],
  ['--isolation process', 'isolation flag is deprecated'],
  ['--cache-to type=local,dest=x,a=b', 'knows no "a"'],
  ['--annotation a=b', 'the image in the store has none'],
])('%s is answered with a warning', (text, message) => {
  expect(check(text).join()).toContain(message);
});

test.each([
  '--annotation index:a=b --provenance mode=min --push -t r.example/a',
  '--annotation a=b --annotation manifest-descriptor:c=d -o type=oci,dest=x',
  '--platform linux/amd64,linux/arm64 -t a',
  '--provenance inline-only=true -t a',
  '--allow network.host --allow device=x',
  '--add-host a=::1 --add-host b:[::1] --add-host c:host-gateway',
])('%s can be done', (text) => {
  expect(check(text)).toEqual([]);
});
