import { expect, test } from 'vitest';
import { valueJson } from '#cli/gofmt.ts';
import { shaped } from '#cli/goshapes.ts';
import { compileTyped } from '#cli/template.ts';

const options = { parsePrefix: '', parseStatus: 1, runPrefix: '', functions: {} };
const INDEX = { name: 'a', manifest: { schemaVersion: 2, manifests: [] }, image: {}, provenance: { kept: 1 } };

test.each([
  ['tplInput', 'manifest'],
  ['tplInput', 'index'],
  ['tplInputs', 'manifest'],
  ['tplInputs', 'index'],
])('what imagetools shows is a %s, of a %s as well', (type, about) => {
  const value = shaped(`imagetools.${type}/${about}`, INDEX);
  expect(() => compileTyped('{{.Nope}}', options)(value)).toThrow(`field Nope in type imagetools.${type}`);
  expect(compileTyped('{{.Provenance.kept}}', options)(value)).toBe('1');
  expect(valueJson(value)).toMatch(/^\{"name":"a","manifest":\{.*\},"image":/);
});
