/** Users, capabilities and security options as a security context. */
import { given } from '#base/given.ts';
import { type Draft, filled, placeOf, tell } from '#compose/export/kube/draft.ts';
import type { PodSpec, SecurityContext } from '#compose/export/kube/objects.ts';
import type { Service } from '#compose/model/project.ts';

export function securityContext(draft: Draft, service: Service): SecurityContext | undefined {
  const capabilities = filled(
    given({ add: service.cap_add?.map(capability), drop: service.cap_drop?.map(capability) }),
  );
  return filled(
    given({
      ...user(draft, service),
      privileged: service.privileged || undefined,
      readOnlyRootFilesystem: service.read_only || undefined,
      capabilities,
      ...Object.assign({}, ...(service.security_opt ?? []).map((option) => securityOption(draft, service, option))),
    }),
  );
}

const capability = (name: string) => name.toUpperCase().replace(/^CAP_/, '');

/** `1000:1000`. Names are known to the image alone, and Kubernetes doesn't look there. */
function user(draft: Draft, service: Service): SecurityContext {
  if (service.user === undefined || service.user === '') return {};
  const [name = '', group] = service.user.split(':');
  const parts = [name, ...(group === undefined ? [] : [group])];
  for (const part of parts.filter((one) => !/^\d+$/.test(one)))
    tell(draft, placeOf(service), `user "${part}" is left out: Kubernetes wants a number`);
  const number = (part: string | undefined) => (part !== undefined && /^\d+$/.test(part) ? Number(part) : undefined);
  return given({ runAsUser: number(name), runAsGroup: number(group) });
}

/** `no-new-privileges:true`, `seccomp=unconfined`, `label=type:x`: docker writes the one or the other sign. */
function securityOption(draft: Draft, service: Service, option: string): SecurityContext {
  const [, name = '', value = ''] = /^([^=:]*)[=:]?(.*)$/s.exec(option) ?? [];
  if (name === 'no-new-privileges') return value === 'false' ? {} : noNewPrivileges(draft, service);
  if (name === 'seccomp' && value === 'unconfined') return { seccompProfile: { type: 'Unconfined' } };
  if (name === 'apparmor') {
    if (value === 'unconfined') return { appArmorProfile: { type: 'Unconfined' } };
    return { appArmorProfile: { type: 'Localhost', localhostProfile: value } };
  }
  const label = name === 'label' ? /^(user|role|type|level):(.+)$/.exec(value) : null;
  // Several labels are one object: it is collected from all.
  if (label !== null) return { seLinuxOptions: labels(service) };
  tell(draft, placeOf(service), `security_opt "${option}" is left out: a manifest can't say it`);
  return {};
}

function labels({ security_opt: options = [] }: Service): NonNullable<SecurityContext['seLinuxOptions']> {
  const found = options.flatMap((option) => {
    const [, key, value] = /^label[=:](user|role|type|level):(.+)$/.exec(option) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(found);
}

/** Kubernetes refuses the two at once. */
function noNewPrivileges(draft: Draft, service: Service): SecurityContext {
  if (!service.privileged && !service.cap_add?.map(capability).includes('SYS_ADMIN'))
    return { allowPrivilegeEscalation: false };
  tell(draft, placeOf(service), 'no-new-privileges is left out: Kubernetes refuses it beside privileged or SYS_ADMIN');
  return {};
}

/** What holds for the whole pod. */
export function podSecurity(draft: Draft, services: readonly Service[]): PodSpec['securityContext'] {
  const groups = services.flatMap((service) => (service.group_add ?? []).map((group) => ({ service, group })));
  for (const { service, group } of groups.filter((one) => !/^\d+$/.test(one.group)))
    tell(draft, placeOf(service), `group "${group}" is left out: Kubernetes wants a number`);
  const supplementalGroups = groups.filter(({ group }) => /^\d+$/.test(group)).map(({ group }) => Number(group));
  const sysctls = services.flatMap(({ sysctls: table = {} }) =>
    Object.entries(table).map(([name, value]) => ({ name, value: String(value) })),
  );
  return filled(
    given({
      supplementalGroups: supplementalGroups.length === 0 ? undefined : supplementalGroups,
      sysctls: sysctls.length === 0 ? undefined : sysctls,
    }),
  );
}
