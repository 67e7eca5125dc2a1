import { expect, test } from 'vitest';
import { projectUnitName, projectUnitText, upLine } from '#compose/export/systemd.ts';
import type { Project } from '#compose/model/project.ts';

const shop: Project = {
  name: 'shop',
  services: { web: { name: 'web' }, db: { name: 'db', stop_grace_period: '2m0s' } },
  workingDir: '/home/me/my shop',
  composeFiles: ['/home/me/my shop/compose.yaml', '/home/me/100%.$yaml'],
  environment: {},
  profiles: ['debug'],
  disabledServices: {},
};
const places = { program: '/opt/w/bin/wherry', envFiles: ['/e/.env'], isRoot: false, env: { WHERRY_ROOT: '/s' } };
const opened =
  'compose --project-name shop --project-directory "/home/me/my shop" --file "/home/me/my shop/compose.yaml" --file "/home/me/100%%.$$yaml" --env-file /e/.env --profile debug';

test('a unit brings the project up from anywhere, once the network is there, and stops it', () => {
  expect(projectUnitName(shop)).toBe('wherry-compose-shop.service');
  expect(projectUnitText(shop, places).split('\n')).toEqual([
    '[Unit]',
    'Description=Compose project shop',
    'Documentation=man:wherry-compose-systemd(1)',
    'After=wherry-boot.service',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    'Environment="WHERRY_ROOT=/s"',
    'ExecStartPre="/opt/w/bin/wherry" system boot wait',
    `ExecStart="/opt/w/bin/wherry" ${opened} up --detach`,
    `ExecStop="/opt/w/bin/wherry" ${opened} stop`,
    'TimeoutStartSec=infinity',
    'TimeoutStopSec=150',
    'KillMode=process',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ]);
});

test("root's unit is the system's", () => {
  const text = projectUnitText(shop, { ...places, isRoot: true });
  expect(text).toContain('After=network-online.target');
  expect(text).toContain('WantedBy=multi-user.target');
});

test('where there is no systemd, a shell’s line says what to do', () => {
  expect(upLine(shop, places)).toBe(
    `/opt/w/bin/wherry compose --project-name shop --project-directory '/home/me/my shop' --file '/home/me/my shop/compose.yaml' --file '/home/me/100%.$yaml' --env-file /e/.env --profile debug up --detach`,
  );
});

test('a project from standard input is not there at boot', () => {
  expect(() => projectUnitText({ ...shop, composeFiles: ['-'] }, places)).toThrow(
    'Cannot make a unit of project "shop": it was read from standard input',
  );
});
