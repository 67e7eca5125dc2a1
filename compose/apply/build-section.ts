/** What a build section means, whoever builds: this program, or bake by the file that `build --print` writes. */
import { imageOf } from '#compose/apply/request.ts';
import { COMPOSE_VERSION, LABEL } from '#compose/model/labels.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';

/** Of a service in a bake file, in progress and in errors: a dot would end a target's name. */
export const targetName = (service: string): string => service.replaceAll('.', '_');

/** In the order in which they are told. */
export const imageNames = (project: Project, service: Service): string[] => [
  ...(service.build?.tags ?? []),
  imageOf(project.name, service),
];

export const imageLabels = (project: Project, { name, build }: Service): Record<string, string> => ({
  ...build?.labels,
  [LABEL.project]: project.name,
  [LABEL.service]: name,
  [LABEL.version]: COMPOSE_VERSION,
});

export const entitlementsOf = ({ entitlements = [], privileged }: Build): string[] => [
  ...entitlements,
  ...(privileged ? ['security.insecure'] : []),
];

/** One of file and environment. */
interface SecretSource {
  id: string;
  file?: string;
  environment?: string;
}

/** A variable comes first; those that are neither a file nor a variable are left out, as docker compose does. */
export function secretsOf(project: Pick<Project, 'secrets'>, { secrets = [] }: Build): SecretSource[] {
  return secrets.flatMap(({ source = '', target }): SecretSource[] => {
    const { file, environment } = project.secrets?.[source] ?? {};
    const id = target || source;
    if (environment) return [{ id, environment }];
    return file ? [{ id, file }] : [];
  });
}
