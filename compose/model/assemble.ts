/** A tree in long form, with all its defaults, becomes the typed project. */
import { decodeObject, mapValues } from '#compose/model/decode.ts';
import { fillSecrets } from '#compose/model/normalize.ts';
import type { Project, Service } from '#compose/model/project.ts';
import { PROJECT } from '#compose/model/shape.ts';
import type { TreeMap } from '#compose/model/tree.ts';

/** What the tree itself does not say. */
export interface Origin {
  name: string;
  workingDir: string;
  composeFiles: string[];
  environment: Record<string, string>;
}

/** The project with all its services, whatever their profiles. Throws kind `invalid` for values of the wrong kind. */
export function toProject(tree: TreeMap, origin: Origin): Project {
  const { name: _, ...rest } = tree;
  const found = decodeObject(PROJECT, rest, '') as unknown as Project;
  fillSecrets(found.secrets ?? {});
  const services = mapValues(found.services, (service, name): Service => ({ ...service, name }));
  return { ...found, ...origin, services, profiles: [], disabledServices: {} };
}
