/** Platforms, link-local addresses and the links that rm takes away: the same lines by us and by docker. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { clearTheStage, expectSame, ours, setTheStage } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

const IMAGE = 'localhost/busybox';
const RUN = 'run --rm --network none';
const NETWORK = 'difflags';
const made = ['difffar', 'diffnear'];

const LINES = [
  ...['linux/arm64 --pull never', 'linux/amd64 --pull never', 'nonsense', 'linux/', 'linux/*', 'a/b/c/d'].map(
    (platform) => `${RUN} --platform ${platform} ${IMAGE} echo fine`,
  ),
  `run --rm --network ${NETWORK} --link-local-ip x ${IMAGE} true`,
  `run --rm --network ${NETWORK} --link-local-ip 10.1.1.1 ${IMAGE} true`,
  `run --rm --network ${NETWORK} --link-local-ip 169.254.9.9 ${IMAGE} sh -c "ip addr show eth0 | grep 169"`,
  `run -d --name difffar ${IMAGE} sleep 1000`,
  `network connect --link-local-ip x ${NETWORK} difffar`,
  `create --name diffnear --link difffar:one --link difffar ${IMAGE} sleep 1000`,
  'rm -l diffnear',
  'rm -l diffnear/',
  'rm -l diffnear/none',
  'rm -l none/none',
  'rm -fl diffnear',
  'rm -fl none',
  'rm -fl diffnear/none',
  'rm -l ""',
  'rm ""',
  'rm /',
  'rm -vl diffnear/one',
  'inspect --format "{{json .HostConfig.Links}}" diffnear',
  'start diffnear',
  'exec diffnear grep -c difffar /etc/hosts',
  'rm -l /diffnear/difffar',
  'exec diffnear grep -c difffar /etc/hosts',
  'inspect --format "{{json .HostConfig.Links}}" diffnear',
  'restart -t 0 difffar',
  'exec diffnear grep -c difffar /etc/hosts',
  'rm -f diffnear/',
  'rm -f /difffar',
];

describe.skipIf(noDocker !== undefined)(`the same line by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(async () => {
    await setTheStage(made);
    docker(['network', 'create', NETWORK]);
    await ours(['network', 'create', NETWORK]);
  });
  afterAll(async () => {
    await clearTheStage(made);
    docker(['network', 'rm', NETWORK]);
    await ours(['network', 'rm', NETWORK]);
  });

  test.each(LINES)('docker %s', (line) => expectSame(line));
});
