/** Secrets as Docker's and podman's lists and inspects show them. */
import { goEntries } from '#base/go-json.ts';
import { ago } from '#base/units.ts';
import type { Secret } from '#secret/secret.ts';

/** Docker's fields of a row. */
export function secretRow({ id, name, labels, created, updated }: Secret) {
  return {
    ID: id,
    Name: name,
    Driver: 'file',
    CreatedAt: ago(created),
    UpdatedAt: ago(updated),
    Labels: goEntries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Label: (key: string) => labels[key] ?? '',
  };
}

/** The Engine API's shape; data: what it holds, where that was asked for. */
export function inspectSecret({ id, name, labels, created, updated }: Secret, data?: Buffer): object {
  return {
    ID: id,
    CreatedAt: created,
    UpdatedAt: updated,
    Spec: { Name: name, Labels: labels, Driver: { Name: 'file', Options: {} } },
    ...(data === undefined ? {} : { SecretData: data.toString() }),
  };
}

/** `secret inspect --pretty`. */
export function describeSecret({ id, name, labels, created, updated }: Secret): string {
  const lines = goEntries(labels).map(([key, value]) => ` - ${key}=${value}`);
  return [
    `ID:              ${id}`,
    `Name:            ${name}`,
    lines.length === 0 ? 'Labels:' : `Labels:\n${lines.join('\n')}`,
    'Driver:          file',
    `Created at:      ${created}`,
    `Updated at:      ${updated}`,
  ].join('\n');
}
