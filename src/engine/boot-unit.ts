/** The unit that starts containers with the machine, each by its restart policy. */
import {
  commandLine,
  disableUnit,
  enableUnit,
  isRoot,
  programPath,
  readUnit,
  type UnitPlaces,
  type UnitState,
  unitText,
} from '#engine/unit.ts';
import type { Store } from '#store/store.ts';

const BOOT_UNIT = 'wherry-boot.service';

export const readBootUnit = (store: Store, places: UnitPlaces = {}): Promise<UnitState> =>
  readUnit(store, BOOT_UNIT, places);

/** linger: turned on for this user, where that is allowed. Throws kind `unsupported` where systemd does not run. */
export function enableBoot(store: Store, { linger }: { linger: boolean }, places: UnitPlaces = {}): Promise<UnitState> {
  const env = places.env ?? process.env;
  const text = bootUnitText({ program: programPath(), isRoot: isRoot(store), env });
  const unit = { name: BOOT_UNIT, text, byHand: `${programPath()} system boot run`, linger };
  return enableUnit(store, unit, places);
}

/** Containers that run go on, and linger stays as it is. */
export const disableBoot = (store: Store, places: UnitPlaces = {}): Promise<UnitState> =>
  disableUnit(store, BOOT_UNIT, places);

/** The containers' monitors leave it, so stopping it ends nothing. */
export const bootUnitText = ({ program, ...rest }: { program: string; isRoot: boolean; env: NodeJS.ProcessEnv }) =>
  unitText({
    description: 'Containers of wherry that start with the machine',
    page: 'wherry-system-boot(1)',
    service: [`ExecStart=${commandLine(program, ['system', 'boot', 'run'])}`],
    ...rest,
  });
