/** down --rmi: which images go with a project. */

import { imageOf } from '#compose/apply/request.ts';
import { LABEL } from '#compose/model/labels.ts';
import type { Project } from '#compose/model/project.ts';
import type { Store } from '#engine/open.ts';
import { familiarName, findImage, listImages } from '#image/names.ts';

/**
 * The names of the images, sorted. `local`: those that were built for its services, and have no name of their own;
 * `all`: also those that services name.
 */
export function imagesToRemove(store: Store, project: Project, mode: 'all' | 'local', orphans = false): string[] {
  const services = Object.values(project.services);
  const isThere = (name: string) => findImage(store, name) !== undefined;
  const named = mode === 'all' ? services.flatMap(({ image }) => image ?? []) : [];
  const unnamed = services.filter(({ image }) => !image).map((service) => imageOf(project.name, service));
  const built = listImages(store).flatMap(({ config, references }) => {
    const labels = config.config?.Labels ?? {};
    if (labels[LABEL.project] !== project.name) return [];
    const isKnown = orphans || Object.hasOwn(project.services, labels[LABEL.service] ?? '');
    return isKnown ? references.filter((name) => !name.includes('@')).slice(0, 1) : [];
  });
  const names = [...named.filter(isThere), ...built, ...unnamed.filter(isThere)].map(familiarName);
  return [...new Set(names)].sort();
}
