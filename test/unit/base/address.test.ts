import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { ipVersion } from '#base/address.ts';

test.each([
  ['0.0.0.0', '255.255.255.255', '127.0.0.1', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4.5', ' 1.2.3.4', '1.2.3.4/8'],
  ['::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '::ffff:1.2.3.4', 'fe80::1%eth0', 'FE80::A'],
  [':', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', '::1%', '[::1]', '::g', '', 'localhost', '%eth0'],
])('an address is what Node takes for one: %s …', (...texts) => {
  expect(texts.map((text) => [text, ipVersion(text)])).toEqual(texts.map((text) => [text, isIP(text)]));
});
